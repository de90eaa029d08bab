"""The choices that an ablation compares: a base recipe and what each variant changes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.objective import Distribution, OneNeuron, Ordinal
from checkout_age.training.fitting.recipe import Recipe, Stage

Change = Callable[[Recipe], Recipe]

BASE = Recipe(
    name="ablation",
    stages=(Stage(side=64, epochs=1, batch_size=64, rate_from=6e-4, rate_to=1e-6),),
    pack_side=72,
    warm_up=100,
    dropout=0.2,
    mixed=0.2,
    balance=0.3,
    augmentation=Augmentation(
        smallest_crop=0.8,
        largest_crop=1.1,
        shift=0.05,
        rotation=10.0,
        light=0.3,
        colour=0.2,
        dimmed=0.15,
        coarse=0.2,
        compressed=0.2,
        erased=0.25,
    ),
)
"""Small and short, so that many runs fit into an hour; every run starts from the same weights."""


def base_of(side: int, epochs: int, seed: int | None = None) -> Recipe:
    """The base with chips of so many pixels a side. Raises ValueError below 32."""
    stage = replace(BASE.stages[0], side=side, epochs=epochs)
    base = replace(BASE, stages=(stage,), pack_side=round(side * 1.125))
    return base if seed is None else replace(base, seed=seed)


def chosen(names: Sequence[str] | None) -> Mapping[str, Change]:
    """The base and the variants of those names, or all of them."""
    return {
        name: change
        for name, change in VARIANTS.items()
        if names is None or name in (BASE_ROW, *names)
    }


def _told(**changes: float) -> Change:
    def change(base: Recipe) -> Recipe:
        assert isinstance(base.objective, Distribution)
        return replace(base, objective=replace(base.objective, **changes))

    return change


def _varied(**changes: float) -> Change:
    return lambda base: replace(base, augmentation=replace(base.augmentation, **changes))


def _smaller(base: Recipe) -> Recipe:
    """Three quarters of the side; the network costs little more than half."""
    stage = replace(base.stages[0], side=base.side * 3 // 4)
    return replace(base, stages=(stage,), pack_side=base.pack_side * 3 // 4)


BASE_ROW = "base"
VARIANTS: Mapping[str, Change] = {
    BASE_ROW: lambda base: base,
    "one neuron, absolute error": lambda base: replace(base, objective=OneNeuron()),
    "ordinal: CORAL": lambda base: replace(base, objective=Ordinal()),
    "no pull on the expected age": _told(pull=0.0),
    "labels narrower: 1 year": _told(sigma=1.0),
    "labels wider: 4 years": _told(sigma=4.0),
    "mean-variance term": _told(concentration=0.01),
    "copies that disagree by more than 5 years left out": lambda base: replace(
        base, agreed_within=5.0
    ),
    "every photo drawn as often as any other": lambda base: replace(base, balance=0.0),
    "no mixup": lambda base: replace(base, mixed=0.0),
    "an epoch without labels first": lambda base: replace(base, contrasted=1),
    "weights averaged (0.7)": lambda base: replace(base, averaged=0.7),
    "no patches erased": _varied(erased=0.0),
    "no JPEG": _varied(compressed=0.0),
    "none dim, none coarse": _varied(dimmed=0.0, coarse=0.0),
    "crops vary half as much": _varied(
        smallest_crop=0.9, largest_crop=1.05, shift=0.025, rotation=5.0
    ),
    "no augmentation but mirroring": lambda base: replace(
        base,
        mixed=0.0,
        augmentation=Augmentation(
            smallest_crop=1.0, largest_crop=1.0, shift=0.0, rotation=0.0, light=0.0, grey=0.0
        ),
    ),
    "three quarters of the side": _smaller,
}
"""Each changes one choice of the base, the last but one all of augmentation's at once."""
