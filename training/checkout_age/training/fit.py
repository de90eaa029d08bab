"""Fitting: from a recipe and labelled faces to a trained network, resumable at every epoch."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np

from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.training.batches import EpochBatches
from checkout_age.training.checkpoint import Checkpoint, EpochRecord
from checkout_age.training.evaluation import mean_absolute_error, predict_logits
from checkout_age.training.faces import Faces
from checkout_age.training.initialisation import FROM_RANDOM, Initialisation
from checkout_age.training.loss import DistributionLoss, mae
from checkout_age.training.pack import CACHE, Pack, pack
from checkout_age.training.photo_file import FacesError
from checkout_age.training.rate import StagedCosine
from checkout_age.training.recipe import Recipe


def create_model(recipe: Recipe, photos: int, start: Initialisation = FROM_RANDOM) -> keras.Model:
    """A compiled network that takes chips of any side; `photos` is the size of an epoch."""
    keras.utils.set_random_seed(recipe.seed)
    model = start.network(recipe.dropout)
    optimizer = keras.optimizers.AdamW(
        StagedCosine(recipe, photos),
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    compiled_ahead = "auto" if keras.backend.backend() == "jax" else False
    model.compile(
        optimizer, DistributionLoss(recipe.pull), metrics=[mae], jit_compile=compiled_ahead
    )
    return model


def train_model(
    recipe: Recipe,
    train: Faces,
    valid: Faces,
    run: Path,
    *,
    start: Initialisation = FROM_RANDOM,
    cache: Path | None = CACHE,
    say: Callable[[str], None] = print,
) -> keras.Model:
    """Train by the recipe, or go on where the checkpoint in the folder `run` stopped.

    An epoch that was cut short is run again from its start with the same batches, so a run
    that was killed ends like one that was not.
    """
    checkpoint = Checkpoint(run, recipe, initialisation=start.name, faces=train.digest)
    checkpoint.require_ours()
    chips = pack(train.photos, recipe.pack_side, "train photos", cache)
    say(f"{len(chips.rows)} of {len(train)} train photos show a face")
    faces = train.chosen(chips.rows)
    largest = max(stage.batch_size for stage in recipe.stages)
    if len(faces) < largest:
        raise FacesError(
            f"{len(faces)} photos to train on do not fill one batch of {largest}, "
            f"as the recipe {recipe.name} wants"
        )
    model = create_model(recipe, len(faces), start)
    history = checkpoint.restore(model)
    if history:
        say(f"going on after epoch {len(history)} of {recipe.epochs}, found in {run}")
    if len(history) == recipe.epochs:
        return model
    valid_chips: dict[int, Pack] = {}
    for epoch in range(len(history), recipe.epochs):
        stage = recipe.stage_of(epoch)
        if stage.side not in valid_chips:
            valid_chips = {stage.side: pack(valid.photos, stage.side, "valid photos", cache)}
        seen = valid_chips[stage.side]
        batches = EpochBatches(
            chips.chips,
            faces,
            side=stage.side,
            batch_size=stage.batch_size,
            sigma=recipe.sigma,
            augmentation=recipe.augmentation,
            seed=recipe.seed,
            epoch=epoch,
            balance=recipe.balance,
        )
        fitted = model.fit(
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
        logits = predict_logits(partial(_logits, model), seen.chips)
        record = EpochRecord(
            side=stage.side,
            loss=fitted.history["loss"][0],
            train_mae=fitted.history["mae"][0],
            valid_mae=mean_absolute_error(logits, valid.ages[seen.rows]),
        )
        history.append(record)
        checkpoint.save(model, history)
        say(f"epoch {epoch + 1}/{recipe.epochs} at {stage.side} px: {record}")
    return model


def _logits(model: keras.Model, chips: Pixels) -> Logits:
    answer = model.predict_on_batch(chips.astype(np.float32))
    return np.asarray(keras.ops.convert_to_numpy(answer), np.float32)
