"""The real detector on the sample day's photos and on whatever else is at hand."""

import csv
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.decoder import decode
from checkout_age.server.face import FaceError
from checkout_age.server.face_finder import THRESHOLD, FaceFinder
from checkout_age.server.photo import PhotoError, PhotoFault
from checkout_age.server.shopper import ShopperFinder
from tests.e2e.samples import frames


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def test_every_shopper_of_the_sample_day_is_found_and_nothing_else(
    finder: FaceFinder, root: Path
) -> None:
    found = [len(finder.find(decode(frame.read_bytes()).pixels)[0]) for frame in frames(root)]
    assert len(found) == 58
    assert set(found) == {1, 2}
    assert found.count(2) == 10  # somebody stands behind every sixth


def test_an_empty_checkout_has_no_face(finder: FaceFinder, root: Path) -> None:
    nobody = (root / "batch/sample/photos/till-nobody.jpg").read_bytes()
    faces, likeliest = finder.find(decode(nobody).pixels)
    assert faces == []
    assert 0 < likeliest < THRESHOLD


@pytest.mark.parametrize("size", [(1, 1), (480, 640), (2000, 3)])
def test_darkness_and_noise_have_none_at_any_size(
    finder: FaceFinder, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    for pixels in (np.zeros_like(noise), noise):
        faces, likeliest = finder.find(pixels)
        assert faces == []
        assert likeliest < THRESHOLD


def test_a_face_cut_out_tightly_is_found_in_the_same_place(finder: FaceFinder, root: Path) -> None:
    for frame in frames(root)[1:6]:
        pixels = decode(frame.read_bytes()).pixels
        face = finder.find(pixels)[0][0]
        left, top = np.floor(face.corners[0]).astype(int)
        right, bottom = np.ceil(face.corners[1]).astype(int)
        (cut,) = finder.find(np.ascontiguousarray(pixels[top:bottom, left:right]))[0]
        moved = cut.landmarks + np.array([left, top])
        assert np.abs(moved - face.landmarks)[:4].max() < 0.06 * face.width


@pytest.mark.slow
def test_the_first_photos_of_a_process_may_come_at_once() -> None:
    code = (
        "import sys, threading, numpy as np\n"
        "from checkout_age.server.face_finder import FaceFinder\n"
        "finder, start = FaceFinder(), threading.Barrier(8)\n"
        "def look(width):\n"
        "    start.wait()\n"
        '    sys.stdout.write(f"{len(finder.find(np.zeros((64, width, 3), np.uint8))[0])}\\n")\n'
        "threads = [threading.Thread(target=look, args=(64 + 30 * n,)) for n in range(8)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert run.stdout.split() == ["0"] * 8


@pytest.mark.slow
def test_of_tight_crops_at_least_995_in_a_thousand_become_a_chip(
    finder: FaceFinder, faces_folder: Path
) -> None:
    shoppers, chips = ShopperFinder(finder, 64), 0
    photos = sorted((faces_folder / "final_files").glob("*.jpg"))[::20]
    for photo in photos:
        with suppress(FaceError):
            chips += shoppers.find(photo.read_bytes()).chip.shape == (64, 64, 3)
    assert chips >= 0.995 * len(photos)


@pytest.mark.slow
def test_every_nose_of_the_scenes_is_in_a_face_and_no_face_is_without_one(
    finder: FaceFinder, scenes_folder: Path
) -> None:
    noses_seen = 0
    with (scenes_folder / "truth.csv").open() as truth:
        for scene in csv.DictReader(truth):
            photo = decode((scenes_folder / scene["file_name"]).read_bytes(), enough=960)
            faces, _ = finder.find(photo.pixels)
            noses = np.reshape(json.loads(scene["nose_points"]), (-1, 2)) / photo.reduction
            inside = [
                [bool((f.corners[0] <= nose).all() and (nose <= f.corners[1]).all()) for f in faces]
                for nose in noses
            ]
            assert len(faces) == len(noses) == int(scene["faces"]), scene["file_name"]
            assert all(sum(row) == 1 for row in inside), scene["file_name"]
            noses_seen += len(noses)
    assert noses_seen == 38


def test_the_truncated_scene_is_a_damaged_photo(scenes_folder: Path) -> None:
    with pytest.raises(PhotoError) as raised:
        decode((scenes_folder / "truncated.jpg").read_bytes())
    assert raised.value.fault is PhotoFault.DAMAGED
