"""Evaluation: how far the ages lie from the labels, with the interval that chance allows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.age import DEFAULT_GROUPS, AgeDistribution, AgeGroups, Logits
from checkout_age.server.bundle import Bundle, Metric
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import KerasRuntime
from checkout_age.training.faces import Faces
from checkout_age.training.pack import CACHE, pack

RESAMPLES = 2000


def evaluate(bundle: Bundle, faces: Faces, split: str, cache: Path | None = CACHE) -> list[Metric]:
    """Score every photo with the model as it is served and list the errors under a split's name.

    Every photo with a face counts, also one too small, blurred or dark for the server to
    answer; the last figure is the share of photos in which a face was found.
    """
    seen = pack(faces.photos, bundle.facts.chip_side, f"{split} photos", cache)
    logits = predict_logits(KerasRuntime(bundle).logits, seen.chips)
    ages = faces.ages[seen.rows]
    with_face = np.isin(np.arange(len(faces)), seen.rows).astype(np.float64)
    return [
        *metrics(ages_of(logits, bundle.facts.temperature), ages, split),
        _metric("face found", with_face, split),
    ]


def metrics(
    predicted: NDArray[np.float64],
    actual: NDArray[np.float32],
    split: str,
    groups: AgeGroups = DEFAULT_GROUPS,
) -> Iterator[Metric]:
    """MAE in years of all photos and of each age group, and the shares within 3, 5, 10 years."""
    errors = np.abs(predicted - actual)
    yield _metric("MAE", errors, split)
    for group in groups.groups:
        inside = (actual >= group.youngest) & (np.minimum(actual, 100) <= group.oldest)
        if inside.any():
            yield _metric(f"MAE {group.label}", errors[inside], split)
    for years in (3, 5, 10):
        yield _metric(f"within {years} years", (errors <= years).astype(np.float64), split)


def predict_logits(
    network: Callable[[Pixels], Logits], chips: Pixels, batch_size: int = 64
) -> Logits:
    """The logits, shape (n, 101), for chips of shape (n, side, side, 3), some at a time."""
    starts = range(0, len(chips), batch_size)
    return np.concatenate([network(chips[start : start + batch_size]) for start in starts])


def ages_of(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """The expected age of each row of logits in years, shape (n,)."""
    return np.array([AgeDistribution.from_logits(row, temperature).age for row in logits])


def mean_absolute_error(logits: Logits, actual: NDArray[np.float32]) -> float:
    """The mean distance in years between the expected ages and the labels."""
    return float(np.abs(ages_of(logits) - actual).mean())


def _metric(name: str, values: NDArray[np.float64], split: str) -> Metric:
    """Percentile bootstrap over photos (Efron 1979), the same draw every time."""
    generator = np.random.default_rng(0)
    draws = generator.integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return Metric(name, float(values.mean()), float(low), float(high), len(values), split)
