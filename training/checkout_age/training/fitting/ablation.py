"""Ablation: what each choice of a recipe is worth, by changing one at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, pack
from checkout_age.training.fitting.fit import train_model
from checkout_age.training.fitting.initialisation import Initialisation
from checkout_age.training.fitting.objective import Distribution, OneNeuron
from checkout_age.training.fitting.outputs import outputs_of
from checkout_age.training.fitting.recipe import Recipe, Stage

BASE = Recipe(
    name="ablation",
    stages=(Stage(side=48, epochs=1, batch_size=64, rate_from=3e-4, rate_to=1e-6),),
    pack_side=96,
    warm_up=50,
    dropout=0.1,
)
"""Small and short, so that many runs fit into an hour; every run starts from the same weights."""


def at_side(side: int) -> Recipe:
    """The base with chips of so many pixels a side. Raises ValueError below 32."""
    return replace(BASE, stages=(replace(BASE.stages[0], side=side),))


VARIANTS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "base": lambda base: base,
    "one neuron, absolute error": lambda base: replace(base, objective=OneNeuron()),
    "no pull on the expected age": lambda base: _told(base, pull=0.0),
    "labels narrower: 1 year": lambda base: _told(base, sigma=1.0),
    "labels wider: 4 years": lambda base: _told(base, sigma=4.0),
    "mean-variance term": lambda base: _told(base, concentration=0.01),
    "copies that disagree by more than 5 years left out": lambda base: replace(
        base, agreed_within=5.0
    ),
    "thin ages drawn more often (0.3)": lambda base: replace(base, balance=0.3),
    "mixup (0.2)": lambda base: replace(base, mixed=0.2),
    "patches erased from a quarter": lambda base: _varied(base, erased=0.25),
    "a quarter dim, a quarter coarse": lambda base: _varied(base, dimmed=0.25, coarse=0.25),
    "crops vary by twice as much": lambda base: _varied(
        base, smallest_crop=0.78, largest_crop=1.18, shift=0.08
    ),
    "no augmentation but mirroring": lambda base: _varied(
        base, smallest_crop=1.0, largest_crop=1.0, shift=0.0, rotation=0.0, light=0.0, grey=0.0
    ),
}


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
    cache: Path | None = CACHE,
    say: Callable[[str], None] = print,
) -> Iterator[Row]:
    """Train the base and each variant from the same weights; runs that are done are not repeated.

    The first row is the base's. Each run has its own checkpoint below `folder`.
    """
    seen = pack(valid, base.side, "valid photos", cache)
    ages = valid.ages[seen.rows]
    reference: NDArray[np.float64] | None = None
    for name, changed in variants.items():
        recipe = changed(base)
        run = folder / "".join(letter if letter.isalnum() else "-" for letter in name)
        done = train_model(recipe, train, valid, run, start=start, cache=cache, say=say)
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


def _told(base: Recipe, **changes: float) -> Recipe:
    assert isinstance(base.objective, Distribution)
    return replace(base, objective=replace(base.objective, **changes))


def _varied(base: Recipe, **changes: float) -> Recipe:
    return replace(base, augmentation=replace(base.augmentation, **changes))
