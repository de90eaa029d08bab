import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_age.server.chip import LANDMARKS, PLACES, cut_chip, enlargement, placement
from checkout_age.server.photo import Pixels
from tests.faces import face_at


@given(st.floats(20, 400), st.floats(-180, 180), st.floats(-50, 900), st.floats(-50, 900))
def test_eyes_and_mouth_come_to_lie_where_they_belong_however_the_face_is_turned(
    width: float, degrees: float, x: float, y: float
) -> None:
    face = face_at(x, y, width, degrees)
    matrix = placement(face, 64)
    placed = np.column_stack([PLACES * 64, np.ones(3)]) @ matrix.T
    assert np.allclose(placed, face.landmarks[LANDMARKS], atol=width / 1000 + 0.01)
    assert enlargement(face, 64) == pytest.approx(64 / width, rel=0.01)


def marked(width: float, degrees: float) -> tuple[Pixels, Pixels]:
    """A grey photo with a white dot on each eye and the mouth, and its chip."""
    face = face_at(150, 140, width, degrees)
    photo = np.full((300, 320, 3), 60, np.uint8)
    y, x = np.mgrid[:300, :320] + 0.5
    for point in face.landmarks[LANDMARKS]:
        photo[np.hypot(x - point[0], y - point[1]) < width / 16] = 250
    return photo, cut_chip(photo, face, 64)


@pytest.mark.parametrize("width", [40, 64, 100, 190])
@pytest.mark.parametrize("degrees", [0, 17, -40, 90])
def test_what_is_on_the_landmarks_is_in_its_place_in_the_chip(width: float, degrees: float) -> None:
    _, chip = marked(width, degrees)
    bright = np.argwhere(chip[..., 0] > 155) + 0.5
    for x, y in PLACES * 64:
        spot = bright[np.hypot(bright[:, 1] - x, bright[:, 0] - y) < 7]
        assert len(spot) > 8
        assert np.hypot(*(spot.mean(axis=0) - (y, x))) < 0.7


def test_beyond_the_photo_its_edge_is_drawn_out() -> None:
    photo = np.full((40, 40, 3), 200, np.uint8)
    photo[0], photo[:, 0] = 90, 90
    chip = cut_chip(photo, face_at(0, 0, 60), 64)
    assert chip.shape == (64, 64, 3)
    assert (chip[:30] == 90).all()
    assert (chip[40:, 40:] == 200).all()


def test_a_face_wholly_outside_is_the_photos_corner() -> None:
    photo = np.full((20, 30, 3), 77, np.uint8)
    assert (cut_chip(photo, face_at(-500, 800, 50), 32) == 77).all()


def test_fine_patterns_are_averaged_not_skipped() -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    chip = cut_chip(stripes, face_at(320, 320, 500), 32)
    assert np.abs(chip.astype(int) - 127).max() <= 10


def test_a_chip_of_half_the_side_shows_the_same() -> None:
    photo, chip = marked(150, 10)
    half = cut_chip(photo, face_at(150, 140, 150, 10), 32)
    blocks = chip.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(blocks - half).mean() < 3
