"""Our corrected shares beside QuaPy's, on the populations of `make shares`.

make bench-quantifiers

QuaPy's EMQ (SLD) and PACC are given the posteriors of every purchase, and for their training the
posteriors of the labelled photos that the bundle keeps.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quapy.functional import argmin_prevalence
from quapy.method.aggregative import EMQ, PACC

from checkout_age.batch.report.model_error import ModelError, error_in_groups
from tests.bench.shares import (
    POPULATIONS,
    PURCHASES,
    measure,
    populations,
    shipped_photos,
    stated,
)
from tests.lakes import LABELS, STARTS, drawn


def quapy_shares(error: ModelError, told: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The shares of one population by method; `told` has its purchases' posteriors row by row."""
    groups = np.arange(len(LABELS))
    counted = error.photos / error.photos.sum()
    confusion = PACC.getPteCondEstim(groups, error.actual, error.told)
    mean = told.mean(axis=0)
    pacc = argmin_prevalence(
        lambda shares: float(((confusion @ shares - mean) ** 2).sum()),
        len(groups),
        "optim_minimize",
    )
    return {
        "QuaPy EMQ, labels' prior": EMQ.EM(counted, told)[0],
        "QuaPy EMQ, mean posterior's prior": EMQ.EM(error.implied, told)[0],
        "QuaPy PACC": pacc,
    }


def main() -> None:
    """Print the mean error of a group's share by method."""
    faces = Path(sys.argv[1]) / "faces"
    photos, bundle = shipped_photos(faces, "test")
    model = stated(bundle, faces)
    error = error_in_groups(model, STARTS)
    assert error is not None
    mixes = populations(POPULATIONS, PURCHASES)
    ours = measure(photos, model, mixes)
    errors: dict[str, list[float]] = {}
    for number, mix in enumerate(mixes):
        truth = np.bincount(mix, minlength=len(LABELS)) / len(mix)
        told = photos.group_probabilities[drawn(photos, mix, seed=number)]
        for method, shares in quapy_shares(error, told).items():
            errors.setdefault(method, []).append(float(np.abs(shares - truth).mean()))
    print(f"{POPULATIONS} populations, model {bundle.facts.name} {bundle.version}: mean error")
    print(f"counted: {ours.figures['share_error_plain']:.4f}")
    for method, values in errors.items():
        print(f"{method}: {np.mean(values):.4f}")
    print(f"ours: {ours.figures['share_error_corrected']:.4f}")


if __name__ == "__main__":
    main()
