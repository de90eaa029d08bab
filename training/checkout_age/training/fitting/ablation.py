"""Ablation: what each choice of a recipe is worth, by changing one at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, pack
from checkout_age.training.fitting.ablation_variants import BASE, VARIANTS
from checkout_age.training.fitting.fit import train_model
from checkout_age.training.fitting.initialisation import Initialisation
from checkout_age.training.fitting.outputs import outputs_of
from checkout_age.training.fitting.recipe import Recipe


@dataclass(frozen=True)
class Row:
    """One run's errors on valid in years, with what chance allows for."""

    name: str
    mae: float
    better: float
    """How much lower than the base's error, years; below 0 is worse."""
    low: float
    high: float
    """The 95 % interval of `better`, paired by photo; it leaves out the chance of a run."""
    teens: float
    """The error of 13 to 17 years."""
    young: float
    """The error of 18 to 24 years."""


def ablate(
    train: Faces,
    valid: Faces,
    start: Initialisation,
    folder: Path,
    *,
    base: Recipe = BASE,
    variants: Mapping[str, Callable[[Recipe], Recipe]] = VARIANTS,
    precision: str = "float32",
    cache: Path | None = CACHE,
    say: Callable[[str], None] = print,
) -> Iterator[Row]:
    """Train the base and each variant from the same weights; runs that are done are not repeated.

    The first row is the base's. Each run has its own checkpoint below `folder`, and is measured on
    chips of the side that it was trained at.
    """
    reference: NDArray[np.float64] | None = None
    for name, changed in variants.items():
        recipe = changed(base)
        run = folder / "".join(letter if letter.isalnum() else "-" for letter in name)
        done = train_model(
            recipe, train, valid, run, start=start, precision=precision, cache=cache, say=say
        )
        seen = pack(valid, recipe.side, "valid photos", cache)
        ages = valid.ages[seen.rows]
        told = recipe.objective.ages(outputs_of(done.model, seen.chips))
        errors = np.abs(told - ages)
        reference = errors if reference is None else reference
        yield _row(name, errors, reference, ages)
        if name == next(iter(variants)):
            mirrored = outputs_of(done.model, np.ascontiguousarray(seen.chips[:, :, ::-1]))
            both = recipe.objective.ages(
                (outputs_of(done.model, seen.chips) + mirrored) / np.float32(2)
            )
            yield _row("base, mirrored chips asked too", np.abs(both - ages), reference, ages)


def _row(
    name: str,
    errors: NDArray[np.float64],
    reference: NDArray[np.float64],
    ages: NDArray[np.float32],
) -> Row:
    generator = np.random.default_rng(0)
    gains = reference - errors
    draws = gains[generator.integers(0, len(gains), (2000, len(gains)))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])

    def among(youngest: int, oldest: int) -> float:
        inside = (ages >= youngest) & (ages < oldest + 1)
        return float(errors[inside].mean()) if inside.any() else float("nan")

    return Row(
        name,
        float(errors.mean()),
        float(gains.mean()),
        float(low),
        float(high),
        among(13, 17),
        among(18, 24),
    )
