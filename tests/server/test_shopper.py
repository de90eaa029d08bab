"""The whole way from bytes to chip, with the real detector: what must not move the chip."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from checkout_age.server.chip import placement
from checkout_age.server.choice import SeveralFaces
from checkout_age.server.face import Face, FaceError, FaceFault
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.server.quality import sharpness
from checkout_age.server.shopper import Acceptance, Shopper, ShopperFinder
from tests.conftest import ROOT, confetti, photo_of
from tests.e2e.samples import frames
from tests.faces import BrightPhotosHaveFaces

SIDE = 64
FRAMES = frames(ROOT)
NEARBY = 4.0
"""Pixels of the chip that a corner of it may move by."""
a_frame = st.sampled_from(FRAMES)
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def finder() -> ShopperFinder:
    return ShopperFinder(FaceFinder(), SIDE)


def written(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def corners(face: Face) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Where in the photo the chip's corners lie, shape (4, 2)."""
    square = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]], np.float64)
    return square @ placement(face, SIDE).T


def moved(one: Shopper, other: Shopper, scale: float = 1.0, shift: object = 0.0) -> float:
    """How far the chip's farthest corner moved, in pixels of the chip."""
    apart = corners(one.face) - corners(other.face.moved(scale, np.asarray(shift, np.float64)))
    in_chip = (
        np.hypot(*apart.T).max() * SIDE / np.hypot(*(corners(one.face)[1] - corners(one.face)[0]))
    )
    return float(in_chip)


@quick
@given(a_frame, st.sampled_from([(1, 6), (2, 3), (3, 8)]))
def test_a_photo_turned_with_its_tag_has_the_same_chip(
    finder: ShopperFinder, frame: Path, turn: tuple[int, int]
) -> None:
    quarters, tag = turn
    exif = Image.Exif()
    exif[0x0112] = tag
    with Image.open(frame) as image:
        turned = image.rotate(90 * quarters, expand=True)
        upright, photo = written(image), written(turned, "PNG", exif=exif)
    assert moved(finder.find(upright), finder.find(photo)) == 0


@pytest.mark.parametrize("turn", [(1, 6), (2, 3), (3, 8)])
def test_a_large_jpeg_turned_with_its_tag_has_nearly_the_same_chip(
    finder: ShopperFinder, turn: tuple[int, int]
) -> None:
    quarters, tag = turn
    exif = Image.Exif()
    exif[0x0112] = tag
    with Image.open(FRAMES[1]) as image:
        large = image.resize((1920, 1440), Image.Resampling.BICUBIC)
    photo = written(large.rotate(90 * quarters, expand=True), "JPEG", quality=90, exif=exif)
    assert moved(finder.find(written(large, "JPEG", quality=90)), finder.find(photo)) < 1


@quick
@given(
    a_frame, st.sampled_from([("PNG", {}), ("WEBP", {"quality": 90}), ("JPEG", {"quality": 60})])
)
def test_a_photo_in_another_format_has_nearly_the_same_chip(
    finder: ShopperFinder, frame: Path, coding: tuple[str, dict[str, object]]
) -> None:
    file_format, options = coding
    with Image.open(frame) as image:
        recoded = written(image, file_format, **options)
    assert moved(finder.find(frame.read_bytes()), finder.find(recoded)) < NEARBY


@quick
@given(a_frame, st.integers(0, 120), st.integers(0, 120), st.sampled_from([0, 128, 255]))
def test_a_padded_photo_has_nearly_the_same_chip(
    finder: ShopperFinder, frame: Path, left: int, top: int, level: int
) -> None:
    with Image.open(frame) as image:
        padded = Image.new("RGB", (image.width + left, image.height + top), (level,) * 3)
        padded.paste(image, (left, top))
    found = finder.find(frame.read_bytes())
    assert moved(found, finder.find(written(padded)), shift=(-left, -top)) < NEARBY


@quick
@given(a_frame)
def test_a_photo_of_half_the_size_has_nearly_the_same_chip(
    finder: ShopperFinder, frame: Path
) -> None:
    with Image.open(frame) as image:
        half = written(image.reduce(2))
    assert moved(finder.find(frame.read_bytes()), finder.find(half), scale=2) < NEARBY


@quick
@given(a_frame)
def test_a_jpeg_so_large_that_it_is_decoded_smaller_has_nearly_the_same_chip(
    finder: ShopperFinder, frame: Path
) -> None:
    with Image.open(frame) as image:
        large = image.resize((1920, 1440), Image.Resampling.BICUBIC)
    as_jpeg, as_png = finder.find(written(large, "JPEG", quality=90)), finder.find(written(large))
    assert moved(as_png, as_jpeg) < NEARBY
    assert np.abs(as_png.chip.astype(int) - as_jpeg.chip).mean() < 6


def test_a_small_face_in_a_large_jpeg_is_cut_from_all_its_pixels(finder: ShopperFinder) -> None:
    with Image.open(FRAMES[1]) as image:
        large = Image.new("RGB", (1920, 1080), (120, 120, 120))
        large.paste(image.resize((400, 300), Image.Resampling.LANCZOS), (700, 400))
    as_jpeg, as_png = finder.find(written(large, "JPEG", quality=95)), finder.find(written(large))
    assert moved(as_png, as_jpeg) < NEARBY
    assert detail(as_jpeg.chip) > 0.8 * detail(as_png.chip)
    halved = finder.find(written(large.reduce(2)))
    assert detail(halved.chip) < 0.8 * detail(as_png.chip)  # what it would have been


def detail(chip: Pixels) -> float:
    return sharpness(np.asarray(Image.fromarray(chip).convert("L"), np.float32))


def test_a_photo_without_a_face_is_told_with_the_likeliest_places_probability(
    finder: ShopperFinder,
) -> None:
    nobody = ROOT / "batch/sample/photos/till-nobody.jpg"
    with pytest.raises(FaceError, match=r"reached 0\.\d\d, 0\.65 is needed") as raised:
        finder.find(nobody.read_bytes())
    assert raised.value.fault is FaceFault.NO_FACE
    assert raised.value.measured < raised.value.threshold


@pytest.mark.parametrize(
    ("photo", "fault"), [("dark", FaceFault.TOO_DARK), ("blurred", FaceFault.TOO_BLURRED)]
)
def test_the_sample_days_troubles_are_told_apart(
    finder: ShopperFinder, photo: str, fault: FaceFault
) -> None:
    with pytest.raises(FaceError) as raised:
        finder.find((ROOT / f"batch/sample/photos/till-{photo}.jpg").read_bytes())
    assert raised.value.fault is fault


def test_two_people_can_be_refused(finder: ShopperFinder) -> None:
    assert finder.find(FRAMES[0].read_bytes()).faces_found == 2
    strict = ShopperFinder(finder.faces, SIDE, Acceptance(several_faces=SeveralFaces.REFUSE))
    with pytest.raises(FaceError, match="2 faces were found"):
        strict.find(FRAMES[0].read_bytes())


def test_photos_read_together_have_what_each_has_alone_whoever_is_among_them(
    finder: ShopperFinder,
) -> None:
    sample = ROOT / "batch/sample/photos"
    nobody, dark = ((sample / f"till-{name}.jpg").read_bytes() for name in ("nobody", "dark"))
    photos = [FRAMES[0].read_bytes(), b"text", nobody, FRAMES[1].read_bytes(), dark]
    two, text, none, one, darkness = finder.find_all(photos)
    assert isinstance(text, PhotoError)
    assert isinstance(none, FaceError)
    assert isinstance(darkness, FaceError)
    assert [none.fault, darkness.fault] == [FaceFault.NO_FACE, FaceFault.TOO_DARK]
    for together, photo in ((two, photos[0]), (one, photos[3])):
        alone = finder.find(photo)
        assert isinstance(together, Shopper)
        assert np.array_equal(together.chip, alone.chip)
        assert together.faces_found == alone.faces_found
        assert np.array_equal(together.face.corners, alone.face.corners)


def test_of_no_photos_there_are_no_shoppers(finder: ShopperFinder) -> None:
    assert finder.find_all([]) == []


@given(st.binary(max_size=300), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_anything_but_a_shopper_or_a_told_error(junk: bytes, place: float) -> None:
    whole = photo_of(confetti(40, 60))
    at = int(place * len(whole))
    finder = ShopperFinder(BrightPhotosHaveFaces(), SIDE)
    for photo in (junk, whole[:at] + junk[:4] + whole[at + 4 :]):
        with suppress(PhotoError, FaceError):
            assert finder.find(photo).chip.shape == (SIDE, SIDE, 3)
