"""Batches for Keras: the same chips in the same order for the same seed and epoch."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from checkout_age.server.age import OLDEST, YEARS
from checkout_age.server.photo import Pixels
from checkout_age.training.fitting.augmentation import Augmentation

WITHOUT_LABELS = 1
"""Sets the random numbers of epochs without labels apart from those of the others."""
SMOOTHED = 2.0
"""Years of standard deviation over which ages are counted as about the same."""

Batch = tuple[dict[str, NDArray[Any]], NDArray[np.float32]]
"""What the learner is given, and labels."""


def soft_labels(
    ages: NDArray[np.float32], spreads: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """A Gaussian over the years around each age, shape (n, 101), rows sum to 1.

    Label distribution learning (Gao et al. 2017, arXiv:1611.01731), wider where the labels
    given to copies of one photo disagree.
    """
    years = np.arange(YEARS, dtype=np.float32)
    widths = np.hypot(sigma, spreads / 2)[:, None]
    distance = (years - np.clip(ages, 0, OLDEST)[:, None]) / widths
    weights = np.exp(-0.5 * distance**2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def drawing_weights(ages: NDArray[np.float32], balance: float) -> NDArray[np.float64]:
    """How often each photo is drawn an epoch, on average; shape (n,), mean 1.

    The number of photos of about its age to the power of -balance, between drawing photos
    (0) and drawing ages (1). About its age: a Gaussian of two years, so that no one year's
    thin or swollen count decides (Yang et al. 2021, arXiv:2102.09554).
    """
    years = np.clip(np.round(ages), 0, OLDEST).astype(np.int64)
    photos = np.bincount(years, minlength=YEARS)
    distance = np.arange(YEARS)[:, None] - np.arange(YEARS)
    near = np.exp(-0.5 * (distance / SMOOTHED) ** 2) @ photos
    weights = near[years] ** -balance
    return np.asarray(weights / weights.mean())


def _drawn(weights: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.int64]:
    """As many rows as there are, each as often as its weight says, give or take one.

    Systematic resampling (Kitagawa 1996), then shuffled.
    """
    rows = generator.permutation(len(weights))
    places = np.arange(len(rows)) + generator.random()
    reached = np.searchsorted(np.cumsum(weights[rows]), places, side="right")
    return generator.permutation(rows[np.minimum(reached, len(rows) - 1)])


def _mixed(values: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row with a share of its neighbour's, the last with the first's."""
    return np.asarray(shares * values + (1 - shares) * np.roll(values, -1, axis=0))


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """One epoch of batches: chips as they are, what becomes of each, and labels (batch, any).

    Everything random is drawn here, from the seed, the epoch and the step.
    """

    def __init__(
        self,
        chips: Pixels,
        labels: NDArray[np.float32],
        weights: NDArray[np.float64],
        *,
        batch_size: int,
        augmentation: Augmentation,
        seed: int,
        epoch: int,
        passes: int = 1,
        mixed: float = 0.0,
    ) -> None:
        """Labels of shape (n, any), and how often each chip is drawn, on average once a pass."""
        super().__init__()
        self._chips = chips
        self._labels = labels
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._seed = (seed, epoch)
        generator = np.random.default_rng(self._seed)
        self._order = np.concatenate([_drawn(weights, generator) for _ in range(passes)])
        self._mixed = mixed

    def __len__(self) -> int:
        return len(self._order) // self._batch_size

    def __getitem__(self, index: int) -> Batch:
        generator = np.random.default_rng((*self._seed, index))
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        labels = self._labels[rows]
        given = {"chips": self._chips[rows], **self._augmentation.draw(generator, len(rows))}
        if self._mixed:
            given["shares"] = generator.beta(self._mixed, self._mixed, len(rows)).astype(np.float32)
            labels = _mixed(labels, given["shares"][:, None])
        return given, labels


class PairedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """One epoch without labels: each chip twice in its batch, each time with a view of its own."""

    def __init__(
        self, chips: Pixels, *, batch_size: int, augmentation: Augmentation, seed: int, epoch: int
    ) -> None:
        """So many chips a batch, twice as many rows: row i and row batch_size + i are of one."""
        super().__init__()
        self._chips = chips
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._seed = (seed, epoch, WITHOUT_LABELS)
        self._order = np.random.default_rng(self._seed).permutation(len(chips))

    def __len__(self) -> int:
        return len(self._order) // self._batch_size

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[Any]]]:
        generator = np.random.default_rng((*self._seed, index))
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rows = np.concatenate([rows, rows])
        return ({"chips": self._chips[rows], **self._augmentation.draw(generator, len(rows))},)
