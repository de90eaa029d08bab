"""Fitting: from a recipe and labelled faces to a trained network, resumable at every epoch."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, Pack, pack, scaled
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.fitting.batches import EpochBatches, drawing_weights
from checkout_age.training.fitting.checkpoint import Checkpoint, EpochRecord
from checkout_age.training.fitting.contrast import learn_by_contrast
from checkout_age.training.fitting.initialisation import FROM_RANDOM, Initialisation
from checkout_age.training.fitting.learner import Learner
from checkout_age.training.fitting.outputs import outputs_of
from checkout_age.training.fitting.progress import RunLog, time_left
from checkout_age.training.fitting.rate import StagedCosine
from checkout_age.training.fitting.recipe import Recipe, RunError, Stage


@dataclass(frozen=True)
class Trained:
    """A network fitted by a recipe, and how each epoch went."""

    model: keras.Model
    history: list[EpochRecord]


def create_model(
    recipe: Recipe, photos: int, start: Initialisation = FROM_RANDOM, precision: str = "float32"
) -> keras.Model:
    """A compiled network that takes chips of any side; `photos` is the size of a pass."""
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = recipe.objective.network(start.network(recipe.dropout))
        model.compile(_optimizer(recipe, photos), **recipe.objective.compiling())
    finally:
        keras.config.set_dtype_policy(before)
    return model


def train_model(
    recipe: Recipe,
    train: Faces,
    valid: Faces,
    run: Path,
    *,
    start: Initialisation = FROM_RANDOM,
    teachers: Sequence[Initialisation] = (),
    precision: str = "float32",
    cache: Path | None = CACHE,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train by the recipe, or go on where the checkpoint in the folder `run` stopped.

    What came after the last checkpoint is run again with the same batches, so a run that was
    killed ends like one that was not.

    Raises:
        RunError: the folder holds another run, or the recipe and the teachers do not agree.
    """
    if bool(teachers) != bool(recipe.taught):
        raise RunError(
            f"the recipe {recipe.name} learns from {'' if recipe.taught else 'no '}teachers, "
            f"{len(teachers)} were given"
        )
    checkpoint = Checkpoint(
        run,
        recipe,
        initialisation=start.name,
        faces=train.digest,
        precision=precision,
        teachers=[teacher.name for teacher in teachers],
    )
    checkpoint.require_ours()
    chips, faces = _training_chips(recipe, train, cache, say)
    model = create_model(recipe, len(faces), start, precision)
    history, average = checkpoint.restore(model)
    if not history and recipe.contrasted:
        learn_by_contrast(recipe, model, chips, checkpoint.contrast, say)
    if history:
        say(f"going on after epoch {len(history)} of {recipe.epochs}, found in {run}")
    course = _Course(recipe, model, [teacher.network(0.0) for teacher in teachers], chips, faces)
    seen: dict[int, Pack] = {}
    with RunLog(run, len(history)) as log:
        for epoch in range(len(history), recipe.epochs):
            began = time.monotonic()
            side = recipe.stage_of(epoch).side
            if side not in seen:
                seen = {side: pack(valid, side, "valid photos", cache)}
            fitted = course.run(epoch, log)
            average.add(model)
            with average.worn_by(model):
                told = recipe.objective.ages(outputs_of(model, seen[side].chips))
            record = EpochRecord(
                side=side,
                loss=fitted.history["loss"][0],
                train_mae=fitted.history["mae"][0],
                valid_mae=float(np.abs(told - valid.ages[seen[side].rows]).mean()),
                seconds=time.monotonic() - began,
            )
            history.append(record)
            checkpoint.save(model, history, average)
            log.epoch(len(history), record)
            left = time_left(recipe, history)
            say(f"epoch {epoch + 1}/{recipe.epochs} at {side} px: {record}, {left}")
    average.fill(model)
    return Trained(model, history)


class _Course:
    """Runs epochs, with one learner a stage and one optimizer for all of them."""

    def __init__(
        self,
        recipe: Recipe,
        model: keras.Model,
        teachers: Sequence[keras.Model],
        chips: Pixels,
        faces: Faces,
    ) -> None:
        self._recipe = recipe
        self._model = model
        self._teachers = teachers
        self._chips = chips
        self._labels = recipe.objective.labels(faces)
        self._weights = drawing_weights(faces.ages, recipe.balance)
        self._stage: Stage | None = None

    def run(self, epoch: int, log: RunLog) -> keras.callbacks.History:
        """Fit one epoch."""
        recipe, stage = self._recipe, self._recipe.stage_of(epoch)
        if stage is not self._stage:
            self._stage = stage
            self._learner = self._begun(stage)
            self._staged = scaled(self._chips, recipe.pack_side_of(stage))
        batches = EpochBatches(
            self._staged,
            self._labels,
            self._weights,
            batch_size=stage.batch_size,
            augmentation=recipe.augmentation,
            seed=recipe.seed,
            epoch=epoch,
            passes=recipe.passes,
            mixed=recipe.mixed,
        )
        return self._learner.fit(
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[log.steps(len(batches))],
        )

    def _begun(self, stage: Stage) -> Learner:
        recipe = self._recipe
        learner = Learner(
            self._model,
            stage.side,
            recipe.augmentation,
            mixes=recipe.mixed > 0,
            teachers=self._teachers,
            taught=recipe.taught,
        )
        learner.compile(
            self._model.optimizer,
            **recipe.objective.compiling(),
            jit_compile="auto" if keras.backend.backend() == "jax" else False,
        )
        return learner


def _training_chips(
    recipe: Recipe, train: Faces, cache: Path | None, say: Callable[[str], None]
) -> tuple[Pixels, Faces]:
    """The chips to fit to and whose they are."""
    cut = pack(train, recipe.pack_side, "train photos", cache)
    say(f"{len(cut.rows)} of {len(train)} train photos show a face")
    agreed = np.ones(len(cut.rows), np.bool_)
    if recipe.agreed_within is not None:
        agreed = train.spreads[cut.rows] <= recipe.agreed_within
        say(f"{(~agreed).sum()} of them are left out: their copies are labelled otherwise")
    faces = train.chosen(cut.rows[agreed])
    largest = max(stage.batch_size for stage in recipe.stages)
    if len(faces) < largest:
        raise FacesError(
            f"{len(faces)} photos to train on do not fill one batch of {largest}, "
            f"as the recipe {recipe.name} wants"
        )
    return cut.chips[agreed], faces


def _optimizer(recipe: Recipe, photos: int) -> keras.optimizers.Optimizer:
    rate = StagedCosine(recipe, photos)
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate)
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
