"""Evaluation: how far a model's answers lie from the labels, with the interval chance allows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checkout_age.server.age import DEFAULT_GROUPS, OLDEST, AgeGroups, Logits
from checkout_age.server.bundle import Bundle, Metric
from checkout_age.server.calibration import Calibration
from checkout_age.server.keras_runtime import KerasRuntime
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Runtime
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, pack
from checkout_age.training.evaluation.calibration import expected_calibration_error
from checkout_age.training.evaluation.scores import Scores

RESAMPLES = 2000
VERY_OLD = 80
"""Years above which people are rare in every set of faces."""
GREY = 3.0
"""A chip whose channels lie less than this apart on average, of 255, has no colour."""


def evaluate(bundle: Bundle, faces: Faces, split: str, cache: Path | None = CACHE) -> list[Metric]:
    """Score every photo with the model as it is served and list the figures under a split's name.

    Every photo with a face counts, also one too small, blurred or dark for the server to
    answer; the last figure is the share of photos in which a face was found.
    """
    scores = score(bundle, faces, split, cache)
    return [*metrics(scores, split), face_found(scores, faces, split)]


def score(
    bundle: Bundle,
    faces: Faces,
    title: str,
    cache: Path | None = CACHE,
    runtime: Runtime | None = None,
) -> Scores:
    """The answers of a model for all photos with a face, cut as they are served.

    Without a runtime the reference is asked: Keras, in full precision.
    """
    seen = pack(faces, bundle.facts.chip_side, f"{title} photos", cache)
    logits = predict_logits((runtime or KerasRuntime(bundle)).logits, seen.chips)
    found = faces.chosen(seen.rows)
    known = pd.concat([found.audit, _weak_spots(found.ages, seen.chips)], axis=1)
    facts = bundle.facts
    return Scores(replace(found, audit=known), seen.chips, logits, facts.calibration, facts.groups)


def _weak_spots(ages: NDArray[np.float32], chips: Pixels) -> pd.DataFrame:
    """Who is known to be rare in training: very old people, and photos without colour."""
    spread = chips.max(axis=3).astype(np.int64) - chips.min(axis=3)
    grey = spread.mean(axis=(1, 2)) < GREY
    return pd.DataFrame(
        {
            "age": pd.Series(ages > VERY_OLD).map({True: f"{VERY_OLD + 1}+"}),
            "colour": np.where(grey, "grey", "colour"),
        }
    )


def metrics(scores: Scores, split: str) -> Iterator[Metric]:
    """Errors in years of all photos and of some, and the shares that came out right."""
    yield from error_metrics(scores.errors, scores.faces, split, scores.groups)
    right = scores.told_groups == scores.actual_groups
    yield mean_metric("age group right", right.astype(np.float64), split)
    yield mean_metric("90 % interval covers", scores.covered.astype(np.float64), split)
    confidence = scores.group_probabilities.max(axis=1)

    def calibration_error(rows: NDArray[np.int64]) -> float:
        return expected_calibration_error(confidence[rows], right[rows])

    yield _resampled("age group calibration error", calibration_error, len(right), split, 200)


def error_metrics(
    errors: NDArray[np.float64], faces: Faces, split: str, groups: AgeGroups = DEFAULT_GROUPS
) -> Iterator[Metric]:
    """How far ages lie from the labels: all, by group of the label, by what is audited."""
    yield mean_metric("MAE", errors, split)
    whole = np.minimum(np.floor(faces.ages), OLDEST)
    for group in groups.groups:
        inside = (whole >= group.youngest) & (whole <= group.oldest)
        yield from _of_some(f"MAE {group.label}", inside, errors, split)
    for column in faces.audit:
        values = faces.audit[column]
        for value in sorted(values.dropna().unique()):
            inside = np.asarray(values == value)
            yield from _of_some(f"MAE {column} {value}", inside, errors, split)
    for years in (3, 5, 10):
        yield mean_metric(f"within {years} years", (errors <= years).astype(np.float64), split)


def face_found(scores: Scores, faces: Faces, split: str) -> Metric:
    """The share of photos in which a face was found."""
    names = set(scores.faces.photos)
    found = np.array([photo in names for photo in faces.photos], np.float64)
    return mean_metric("face found", found, split)


def predict_logits(
    network: Callable[[Pixels], Logits], chips: Pixels, batch_size: int = 64
) -> Logits:
    """The logits, shape (n, 101), for chips of shape (n, side, side, 3), some at a time."""
    starts = range(0, len(chips), batch_size)
    return np.concatenate([network(chips[start : start + batch_size]) for start in starts])


def ages_of(logits: Logits, calibration: Calibration | None = None) -> NDArray[np.float64]:
    """The age that each row of logits tells in years, shape (n,)."""
    calibrated = calibration or Calibration()
    return np.array([calibrated.distribution(row).age for row in logits])


def _of_some(
    name: str, inside: NDArray[np.bool_], errors: NDArray[np.float64], split: str
) -> Iterator[Metric]:
    if inside.any():
        yield mean_metric(name, errors[inside], split)


def mean_metric(name: str, values: NDArray[np.float64], split: str) -> Metric:
    """The mean of a figure of each photo, with its interval."""
    return _resampled(name, lambda rows: float(values[rows].mean()), len(values), split)


def _resampled(
    name: str,
    figure: Callable[[NDArray[np.int64]], float],
    photos: int,
    split: str,
    resamples: int = RESAMPLES,
) -> Metric:
    """Percentile bootstrap over photos (Efron 1979), the same draw every time."""
    generator = np.random.default_rng(0)
    draws = [figure(generator.integers(0, photos, photos)) for _ in range(resamples)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Metric(name, figure(np.arange(photos)), float(low), float(high), photos, split)
