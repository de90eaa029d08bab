from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from checkout_age.training.dataset.faces import Faces
from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.batches import (
    EpochBatches,
    PairedBatches,
    drawing_weights,
    soft_labels,
)

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
    given, labels = batches[0]
    assert given["chips"].shape == (4, 40, 40, 3)
    assert given["placements"].shape == (4, 2, 3)
    assert labels.shape == (4, 101)
    seen = np.concatenate([batches[index][1].argmax(axis=1) for index in range(2)])
    assert len(set(seen.tolist())) == 8  # nobody twice


def test_the_same_epoch_comes_out_the_same_and_another_differs() -> None:
    first, again, later, other_seed = epoch(3), epoch(3), epoch(4), epoch(3, seed=2)

    def drawn(batches: EpochBatches) -> list[bytes]:
        return [values.tobytes() for values in batches[1][0].values()]

    assert drawn(first) == drawn(again)
    assert drawn(first) != drawn(later)
    assert drawn(first) != drawn(other_seed)


def test_an_epoch_of_several_passes_has_everybody_as_often() -> None:
    batches = EpochBatches(
        CHIPS,
        FACES.ages[:, None],
        np.ones(10),
        batch_size=5,
        augmentation=Augmentation(),
        seed=1,
        epoch=0,
        passes=3,
    )
    assert len(batches) == 6
    seen = np.concatenate([batches[index][1][:, 0] for index in range(6)])
    assert sorted(seen) == sorted([*FACES.ages] * 3)


def test_thin_ages_are_drawn_more_often_and_nobody_is_left_out_for_good() -> None:
    ages = floats(*[25] * 90, *[15] * 10)

    def teens(balance: float) -> int:
        batches = EpochBatches(
            np.zeros((100, 32, 32, 3), np.uint8),
            ages[:, None],
            drawing_weights(ages, balance),
            batch_size=100,
            augmentation=Augmentation(),
            seed=1,
            epoch=0,
        )
        return int((batches[0][1] == 15).sum())

    assert teens(0.0) == 10
    assert teens(0.5) == pytest.approx(25, abs=1)  # 10 / sqrt(10) to 90 / sqrt(90)
    assert teens(1.0) == pytest.approx(50, abs=1)


def test_labels_are_mixed_by_the_shares_that_the_photos_are_told() -> None:
    labels = np.array([[0], [100], [0], [100]], np.float32)
    batches = EpochBatches(
        np.zeros((4, 32, 32, 3), np.uint8),
        labels,
        np.ones(4),
        batch_size=4,
        augmentation=Augmentation(),
        seed=1,
        epoch=0,
        mixed=0.4,
    )
    given, mixed = batches[0]
    assert ((mixed > 1) & (mixed < 99)).any()
    for share, label in zip(given["shares"], mixed[:, 0], strict=True):
        assert (
            min(abs(label - possible) for possible in (0, 100, 100 * share, 100 - 100 * share)) < 1
        )


def test_without_labels_each_chip_comes_twice_in_its_batch_seen_differently() -> None:
    batches = PairedBatches(CHIPS, batch_size=4, augmentation=Augmentation(), seed=1, epoch=0)
    assert len(batches) == 2
    (given,) = batches[0]
    assert np.array_equal(given["chips"][:4], given["chips"][4:])
    assert not np.array_equal(given["placements"][:4], given["placements"][4:])
    assert np.array_equal(given["tones"], batches[0][0]["tones"])
