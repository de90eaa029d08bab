"""Publishing: a trained network becomes a bundle, measured in the very form it is served in."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from checkout_age.server.bundle import (
    Bundle,
    BundleFacts,
    Weights,
    read_bundle,
    rounded,
    write_bundle,
)
from checkout_age.training.evaluation import evaluate
from checkout_age.training.faces import LABELS, SPLITS, load_test, load_valid
from checkout_age.training.recipe import Recipe


def publish(
    model: keras.Model,
    recipe: Recipe,
    faces: Path,
    models: Path,
    *,
    initialisation: str,
    data_terms: str,
) -> Path:
    """Write the bundle of a trained network below `models` and return its folder.

    Weights are rounded to half precision first; the metrics are those of the rounded weights.
    """
    facts = BundleFacts(
        name=recipe.name,
        chip_side=recipe.side,
        training={
            "recipe": asdict(recipe),
            "initialisation": initialisation,
            "faces_sha256": fingerprint(faces),
        },
        data_terms=data_terms,
    )
    draft = Bundle(facts, weights_of(model), version="draft")
    metrics = [
        metric
        for split, load in (("valid", load_valid), ("test", load_test))
        for metric in evaluate(draft, load(faces), split)
    ]
    folder = write_bundle(models, replace(facts, metrics=tuple(metrics)), draft.weights)
    read_bundle(folder)  # what was written can be served
    return folder


def weights_of(model: keras.Model) -> Weights:
    """The network's variables by path, rounded as the bundle will store them."""
    return {
        variable.path: rounded(np.asarray(keras.ops.convert_to_numpy(variable.value)))
        for variable in model.weights
    }


def fingerprint(faces: Path) -> str:
    """SHA-256 over the labels and the split: which photos, which ages, what was held out."""
    digest = hashlib.sha256()
    for name in (LABELS, SPLITS):
        if (faces / name).is_file():
            digest.update((faces / name).read_bytes())
    return digest.hexdigest()
