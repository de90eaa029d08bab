"""The learning rate at each step, as the stages of a recipe lay it out."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from checkout_age.training.fitting.recipe import Recipe


class StagedCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Half a cosine a stage from its first rate to its last, after one linear warm-up.

    SGDR's cosine, Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts.
    """

    def __init__(self, recipe: Recipe, photos: int) -> None:
        steps = [
            stage.epochs * (recipe.passes * photos // stage.batch_size) for stage in recipe.stages
        ]
        self._ends = np.cumsum(steps).astype(np.float32)
        self._starts = (self._ends - steps).astype(np.float32)
        self._rates = [(stage.rate_from, stage.rate_to) for stage in recipe.stages]
        self._warm_up = recipe.warm_up

    def __call__(self, step: Any) -> Any:
        """The rate at a step counted from 0."""
        now = ops.cast(step, "float32")
        rate = ops.zeros_like(now)
        for start, end, (first, last) in zip(self._starts, self._ends, self._rates, strict=True):
            done = ops.clip((now - start) / (end - start), 0.0, 1.0)
            cosine = last + (first - last) * 0.5 * (1 + ops.cos(np.pi * done))
            rate = ops.where(now >= start, cosine, rate)
        return rate * ops.minimum(1.0, (now + 1) / max(self._warm_up, 1))

    def get_config(self) -> dict[str, Sequence[Any]]:
        """The stages, for logs."""
        return {"ends": self._ends.tolist(), "rates": self._rates}
