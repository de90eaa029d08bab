from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from checkout_age.training.dataset.faces import Faces
from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.batches import EpochBatches, drawing_weights, soft_labels

FACES = Faces(
    tuple(Path(f"{number}.jpg") for number in range(10)),
    np.arange(20, 30).astype(np.float32),
    np.zeros(10, np.float32),
)
CHIPS = np.random.default_rng(0).integers(0, 256, (10, 40, 40, 3)).astype(np.uint8)


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def epoch(number: int, seed: int = 1) -> EpochBatches:
    return EpochBatches(
        CHIPS,
        soft_labels(FACES.ages, FACES.spreads, sigma=2.0),
        drawing_weights(FACES.ages, balance=0.0),
        side=32,
        batch_size=4,
        augmentation=Augmentation(rotation=10, erased=0.5),
        seed=seed,
        epoch=number,
    )


def test_soft_labels_centre_on_the_age_and_widen_where_labels_disagree() -> None:
    agreed, disputed = soft_labels(floats(30, 30), floats(0, 12), sigma=2.0)
    assert agreed.argmax() == disputed.argmax() == 30
    assert agreed.sum() == pytest.approx(1)
    assert agreed[30] > 2 * disputed[30]


def test_ages_beyond_100_count_as_100() -> None:
    assert soft_labels(floats(116), floats(0), sigma=2.0)[0].argmax() == 100


def test_an_epoch_has_whole_batches_of_chips_with_their_own_labels() -> None:
    batches = epoch(0)
    assert len(batches) == 2
    chips, labels = batches[0]
    assert chips.shape == (4, 32, 32, 3)
    assert chips.dtype == np.float32
    assert labels.shape == (4, 101)
    seen = np.concatenate([batches[index][1].argmax(axis=1) for index in range(2)])
    assert len(set(seen.tolist())) == 8  # nobody twice


def test_the_same_epoch_comes_out_the_same_and_another_differs() -> None:
    first, again, later, other_seed = epoch(3), epoch(3), epoch(4), epoch(3, seed=2)
    assert np.array_equal(first[1][0], again[1][0])
    assert not np.array_equal(first[1][0], later[1][0])
    assert not np.array_equal(first[1][0], other_seed[1][0])


def test_augmentation_at_its_mildest_changes_only_left_and_right() -> None:
    mild = Augmentation(
        smallest_crop=1.0, largest_crop=1.0, shift=0.0, rotation=0.0, light=0.0, grey=0.0
    )
    generator = np.random.default_rng(0)
    chip = CHIPS[0]
    seen = {mild.apply(chip, 40, generator).tobytes() for _ in range(20)}
    assert seen == {chip.tobytes(), chip[:, ::-1].tobytes()}


def test_grey_chips_have_three_equal_channels() -> None:
    grey = Augmentation(grey=1.0).apply(CHIPS[0], 32, np.random.default_rng(0))
    assert (grey[..., :1] == grey).all()


def test_thin_ages_are_drawn_more_often_and_nobody_is_left_out_for_good() -> None:
    ages = floats(*[25] * 90, *[15] * 10)

    def teens(balance: float) -> int:
        batches = EpochBatches(
            np.zeros((100, 32, 32, 3), np.uint8),
            ages[:, None],
            drawing_weights(ages, balance),
            side=32,
            batch_size=100,
            augmentation=Augmentation(),
            seed=1,
            epoch=0,
        )
        return int((batches[0][1] == 15).sum())

    assert teens(0.0) == 10
    assert teens(0.5) == pytest.approx(25, abs=1)  # 10 / sqrt(10) to 90 / sqrt(90)
    assert teens(1.0) == pytest.approx(50, abs=1)


def test_mixed_photos_are_labelled_by_their_shares() -> None:
    levels = np.array([0, 100, 0, 100], np.uint8)
    chips = np.ones((4, 32, 32, 3), np.uint8) * levels[:, None, None, None]
    batches = EpochBatches(
        chips,
        levels[:, None].astype(np.float32),
        np.ones(4),
        side=32,
        batch_size=4,
        augmentation=Augmentation(light=0.0, grey=0.0),
        seed=1,
        epoch=0,
        mixed=0.4,
    )
    seen, labels = batches[0]
    assert seen.mean(axis=(1, 2, 3)) == pytest.approx(labels[:, 0], abs=1)
    assert ((labels > 1) & (labels < 99)).any()


def test_turned_chips_are_filled_to_their_corners() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    turning = Augmentation(rotation=10, light=0.0, grey=0.0)
    for seed in range(50):
        assert turning.apply(white, 32, np.random.default_rng(seed)).min() == 255


def test_dimmed_chips_are_darker_and_coarse_ones_smoother() -> None:
    plain = {"rotation": 0.0, "light": 0.0, "grey": 0.0}
    for seed in range(20):
        chip = Augmentation(**plain).apply(CHIPS[0], 32, np.random.default_rng(seed))
        dimmed = Augmentation(**plain, dimmed=1.0).apply(CHIPS[0], 32, np.random.default_rng(seed))
        coarse = Augmentation(**plain, coarse=1.0).apply(CHIPS[0], 32, np.random.default_rng(seed))
        assert dimmed.mean() < 0.85 * chip.mean()
        assert coarse.std() < 0.9 * chip.std()
