"""Views as the network sees them: what was drawn in NumPy, computed by Keras."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.recipe import find_recipe
from checkout_age.training.fitting.rendering import mixed, rendered

STILL = {
    "smallest_crop": 1.0,
    "largest_crop": 1.0,
    "shift": 0.0,
    "rotation": 0.0,
    "light": 0.0,
    "grey": 0.0,
}
CHIPS = np.random.default_rng(0).integers(0, 256, (12, 40, 40, 3)).astype(np.uint8)
SMOOTH = np.stack(
    [np.asarray(Image.fromarray(chip[:5, :5]).resize((40, 40))) for chip in CHIPS]
).astype(np.uint8)


def seen(
    chips: NDArray[np.uint8], side: int = 40, seed: int = 0, **changes: Any
) -> NDArray[np.float32]:
    augmentation = Augmentation(**{**STILL, **changes})
    views = augmentation.draw(np.random.default_rng(seed), len(chips))
    return np.asarray(rendered(chips, dict(views), side, augmentation), np.float32)


def test_at_its_mildest_augmentation_changes_only_left_and_right() -> None:
    mirrored = 0
    for view, chip in zip(seen(CHIPS), CHIPS, strict=True):
        mirrored += np.allclose(view, chip[:, ::-1], atol=0.01)
        assert np.allclose(view, chip, atol=0.01) or np.allclose(view, chip[:, ::-1], atol=0.01)
    assert 0 < mirrored < len(CHIPS)


def test_the_studys_network_sees_chips_as_they_are() -> None:
    augmentation = find_recipe("notebook").augmentation
    views = augmentation.draw(np.random.default_rng(0), len(CHIPS))
    seen_by_it = np.asarray(rendered(CHIPS, dict(views), 40, augmentation), np.float32)
    assert np.allclose(seen_by_it, CHIPS, atol=0.01)


def test_a_view_has_the_side_that_is_asked_for_and_shows_the_whole_chip() -> None:
    views = seen(SMOOTH, side=24)
    assert views.shape == (12, 24, 24, 3)
    assert views.mean(axis=(1, 2)) == pytest.approx(SMOOTH.mean(axis=(1, 2)), abs=3)


def test_a_smaller_crop_shows_the_middle_larger() -> None:
    spot = np.zeros((1, 40, 40, 3), np.uint8)
    spot[:, 15:25, 15:25] = 255
    whole, closer = seen(spot), seen(spot, smallest_crop=0.5, largest_crop=0.5)
    assert closer.mean() == pytest.approx(4 * whole.mean(), rel=0.1)


def test_turned_and_shifted_chips_are_filled_to_their_corners() -> None:
    white = np.full((50, 40, 40, 3), 255, np.uint8)
    turned = seen(white, side=32, rotation=10.0, shift=0.1, largest_crop=1.2)
    assert turned.min() == pytest.approx(255)


def test_grey_chips_have_three_equal_channels() -> None:
    grey = seen(CHIPS, grey=1.0)
    assert grey == pytest.approx(np.repeat(grey[..., :1], 3, axis=3), abs=0.01)


def test_dimmed_chips_are_darker_and_coarse_ones_smoother() -> None:
    plain = seen(CHIPS)
    dimmed, coarse = seen(CHIPS, dimmed=1.0), seen(CHIPS, coarse=1.0)
    assert (dimmed.mean(axis=(1, 2, 3)) < 0.85 * plain.mean(axis=(1, 2, 3))).all()
    assert (coarse.std(axis=(1, 2, 3)) < plain.std(axis=(1, 2, 3))).all()
    assert coarse.mean(axis=(1, 2, 3)) == pytest.approx(plain.mean(axis=(1, 2, 3)), abs=2)


@pytest.mark.parametrize("side", [40, 36])
def test_compressed_chips_lose_detail_as_jpeg_does_and_keep_their_colours(side: int) -> None:
    plain, compressed = seen(SMOOTH, side=side), seen(SMOOTH, side=side, compressed=1.0)
    apart = np.abs(plain - compressed).mean(axis=(1, 2, 3))
    assert (apart > 0.3).all()
    assert (apart < 12).all()
    assert compressed.mean(axis=(1, 2)) == pytest.approx(plain.mean(axis=(1, 2)), abs=3)


def test_jpeg_s_rounding_is_that_of_a_jpeg_of_quality_50() -> None:
    chips = SMOOTH[:4]
    augmentation = Augmentation(**STILL, compressed=1.0)
    views = dict(augmentation.draw(np.random.default_rng(0), 4))
    views["placements"] = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (4, 1, 1))
    views["tables"] = np.ones(4, np.float32)
    ours = np.asarray(rendered(chips, views, 40, augmentation))[..., 1]
    for chip, view in zip(chips, ours, strict=True):
        written = _as_jpeg(chip)[..., 1].astype(np.float32)
        assert np.abs(view - written).mean() < 0.7 * np.abs(written - chip[..., 1]).mean() + 2


def _as_jpeg(chip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import io

    file = io.BytesIO()
    Image.fromarray(chip).save(file, "JPEG", quality=50, subsampling=0)
    return np.asarray(Image.open(file))


def test_erased_chips_lose_one_patch_of_one_colour() -> None:
    plain, erased = seen(CHIPS), seen(CHIPS, erased=1.0)
    for before, after in zip(plain, erased, strict=True):
        changed = np.abs(before - after).max(axis=2) > 0.01
        assert 0.005 < changed.mean() < 0.15
        assert np.ptp(after[changed], axis=0) == pytest.approx(0, abs=0.01)


def test_a_chip_is_mixed_with_its_neighbour_by_its_share() -> None:
    levels = (
        np.ones((3, 2, 2, 3), np.float32) * np.array([0, 100, 200], np.float32)[:, None, None, None]
    )
    shares = np.array([1.0, 0.25, 0.5], np.float32)
    assert np.asarray(mixed(levels, shares))[:, 0, 0, 0].tolist() == [0, 175, 100]
