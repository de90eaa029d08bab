import numpy as np
import pytest

from checkout_age.server.scaling import halved, halvings
from tests.conftest import confetti


def test_halving_averages_two_by_two_pixels() -> None:
    photo = confetti(8, 6)
    mean = photo.reshape(4, 2, 3, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved(photo, 1) - mean).max() <= 0.5
    assert np.array_equal(halved(photo, 0), photo)


@pytest.mark.parametrize(
    ("shape", "times", "expected"),
    [((9, 7), 1, (4, 3)), ((1, 9), 2, (1, 2)), ((1, 1), 5, (1, 1)), ((480, 640), 3, (60, 80))],
)
def test_odd_sides_lose_a_pixel_and_none_is_lost_altogether(
    shape: tuple[int, int], times: int, expected: tuple[int, int]
) -> None:
    assert halved(np.full((*shape, 3), 9, np.uint8), times).shape == (*expected, 3)


@pytest.mark.parametrize(
    ("shrink", "times"), [(0.3, 0), (1, 0), (1.99, 0), (2, 1), (3.9, 1), (4, 2), (100, 6)]
)
def test_a_photo_is_never_halved_below_what_is_asked(shrink: float, times: int) -> None:
    assert halvings(shrink) == times
