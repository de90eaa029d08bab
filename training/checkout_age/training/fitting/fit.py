"""Fitting: from a recipe and labelled faces to a trained network, resumable at every epoch."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, Pack, pack
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.fitting.batches import EpochBatches, drawing_weights
from checkout_age.training.fitting.checkpoint import Checkpoint, EpochRecord
from checkout_age.training.fitting.initialisation import FROM_RANDOM, Initialisation
from checkout_age.training.fitting.outputs import outputs_of
from checkout_age.training.fitting.progress import RunLog, time_left
from checkout_age.training.fitting.rate import StagedCosine
from checkout_age.training.fitting.recipe import Recipe


@dataclass(frozen=True)
class Trained:
    """A network fitted by a recipe, and how each epoch went."""

    model: keras.Model
    history: list[EpochRecord]


def create_model(
    recipe: Recipe, photos: int, start: Initialisation = FROM_RANDOM, precision: str = "float32"
) -> keras.Model:
    """A compiled network that takes chips of any side; `photos` is the size of an epoch."""
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = recipe.objective.network(start.network(recipe.dropout))
        model.compile(
            _optimizer(recipe, photos),
            **recipe.objective.compiling(),
            jit_compile="auto" if keras.backend.backend() == "jax" else False,
        )
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
    precision: str = "float32",
    cache: Path | None = CACHE,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train by the recipe, or go on where the checkpoint in the folder `run` stopped.

    An epoch that was cut short is run again from its start with the same batches, so a run
    that was killed ends like one that was not.
    """
    checkpoint = Checkpoint(
        run, recipe, initialisation=start.name, faces=train.digest, precision=precision
    )
    checkpoint.require_ours()
    chips, faces = _training_chips(recipe, train, cache, say)
    model = create_model(recipe, len(faces), start, precision)
    history = checkpoint.restore(model)
    if history:
        say(f"going on after epoch {len(history)} of {recipe.epochs}, found in {run}")
    labels, weights = recipe.objective.labels(faces), drawing_weights(faces.ages, recipe.balance)
    valid_chips: dict[int, Pack] = {}
    with RunLog(run, len(history)) as log:
        for epoch in range(len(history), recipe.epochs):
            stage = recipe.stage_of(epoch)
            if stage.side not in valid_chips:
                valid_chips = {stage.side: pack(valid, stage.side, "valid photos", cache)}
            began = time.monotonic()
            batches = EpochBatches(
                chips,
                labels,
                weights,
                side=stage.side,
                batch_size=stage.batch_size,
                augmentation=recipe.augmentation,
                seed=recipe.seed,
                epoch=epoch,
                mixed=recipe.mixed,
            )
            fitted = model.fit(
                batches,
                initial_epoch=epoch,
                epochs=epoch + 1,
                shuffle=False,
                verbose=1 if sys.stdout.isatty() else 2,
                callbacks=[log.steps(len(batches))],
            )
            seen = valid_chips[stage.side]
            told = recipe.objective.ages(outputs_of(model, seen.chips))
            record = EpochRecord(
                side=stage.side,
                loss=fitted.history["loss"][0],
                train_mae=fitted.history["mae"][0],
                valid_mae=float(np.abs(told - valid.ages[seen.rows]).mean()),
                seconds=time.monotonic() - began,
            )
            history.append(record)
            checkpoint.save(model, history)
            log.epoch(len(history), record)
            left = time_left(recipe, history)
            say(f"epoch {epoch + 1}/{recipe.epochs} at {stage.side} px: {record}, {left}")
    return Trained(model, history)


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
