"""A recipe: everything that decides how a network is trained, in one value."""

from dataclasses import dataclass, field, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

from checkout_age.server.chip import SMALLEST_SIDE
from checkout_age.training import recipes
from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.objective import Distribution, Objective


class RunError(ValueError):
    """The folder of a run was made by another recipe than the one asked for."""


@dataclass(frozen=True)
class Stage:
    """Some epochs at one resolution; the learning rate follows half a cosine from start to end."""

    side: int
    epochs: int
    batch_size: int
    rate_from: float
    rate_to: float

    def __post_init__(self) -> None:
        if self.side < SMALLEST_SIDE:
            raise ValueError(
                f"ResNet50 needs a side of at least {SMALLEST_SIDE} pixels, got {self.side}"
            )
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("a stage has at least one epoch and one photo a batch")


@dataclass(frozen=True)
class Recipe:
    """Stages run one after the other; the last one's side is what the server will cut."""

    name: str
    stages: tuple[Stage, ...]
    pack_side: int
    """Pixels of the chips that crops are drawn from in the last stage; in proportion before."""
    passes: int = 1
    """How often an epoch draws each photo; more make checkpoints and looks at valid rarer."""
    averaged: float = 0.0
    """How much of the mean of former epochs' weights stays when an epoch's are added.

    What is measured and published is that mean, where this is above 0 (Izmailov et al. 2018,
    arXiv:1803.05407, with exponentially falling shares).
    """
    taught: float = 0.0
    """The weight of what teachers say beside the labels; without teachers it must be 0."""
    contrasted: int = 0
    """Epochs without labels before all others (see `contrast`)."""
    warm_up: int = 300
    """Steps over which the rate climbs from 0 at the very start."""
    objective: Objective = field(default_factory=Distribution)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    balance: float = 0.0
    """0 draws every photo once an epoch; 1 would draw every year of age as often as any other."""
    agreed_within: float | None = None
    """Photos whose copies are labelled further apart than this many years are left out."""
    mixed: float = 0.0
    """Mixup's alpha (Zhang et al. 2018, arXiv:1710.09412); 0 leaves photos as they are."""
    weight_decay: float = 0.05
    """Of AdamW alone, not on biases and normalisation."""
    dropout: float = 0.2
    clip_norm: float = 5.0
    seed: int = 7
    augmentation: Augmentation = field(default_factory=Augmentation)

    def shortened(self, epochs: int) -> "Recipe":
        """The first so many epochs alone; each stage's rates over what is left of it."""
        stages: list[Stage] = []
        for stage in self.stages:
            left = epochs - sum(each.epochs for each in stages)
            if left > 0:
                stages.append(replace(stage, epochs=min(left, stage.epochs)))
        return replace(self, stages=tuple(stages))

    def pack_side_of(self, stage: Stage) -> int:
        """Pixels of the chips that a stage draws crops from."""
        return round(self.pack_side * stage.side / self.side)

    @property
    def side(self) -> int:
        """The side of the chips that the finished network expects."""
        return self.stages[-1].side

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> Stage:
        """The stage that an epoch, counted from 0, belongs to."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise ValueError(f"the recipe {self.name} has {self.epochs} epochs")


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(module.name for module in iter_modules(recipes.__path__))


def find_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ValueError, naming those there are."""
    if name not in recipe_names():
        raise ValueError(f"no recipe named {name}; there are: {', '.join(recipe_names())}")
    found = import_module(f"{recipes.__name__}.{name}").RECIPE
    assert isinstance(found, Recipe)
    return found
