"""Publishing: a trained network becomes a bundle, measured in the very form it is served in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from checkout_age.server.bundle import (
    Bundle,
    BundleFacts,
    read_bundle,
    write_bundle,
)
from checkout_age.server.calibration import Calibration
from checkout_age.server.told import tell
from checkout_age.server.weights import Weights, rounded
from checkout_age.training.dataset.faces import fingerprint, load_test, load_valid
from checkout_age.training.dataset.pack import CACHE
from checkout_age.training.evaluation.calibration import fit_calibration
from checkout_age.training.evaluation.evaluation import face_found, metrics, score
from checkout_age.training.fitting.fit import Trained
from checkout_age.training.fitting.recipe import Recipe
from checkout_age.training.publishing.model_card import model_card

CARD = "MODEL_CARD.md"


def publish(
    trained: Trained,
    recipe: Recipe,
    faces: Path,
    models: Path,
    *,
    initialisation: str,
    teachers: Sequence[str] = (),
    data_terms: str,
    label_kind: str,
    given: Mapping[str, int] | None = None,
) -> Path:
    """Write the bundle of a trained network below `models` and return its folder.

    Weights are rounded to half precision first; the calibration, fitted on valid, and the
    metrics are those of the rounded weights. `given` are the options by which the run was another
    than the recipe says, such as `epochs`, each with its number.
    """
    facts = BundleFacts(
        name=recipe.name,
        chip_side=recipe.side,
        training={
            "recipe": asdict(recipe),
            "initialisation": initialisation,
            "teachers": list(teachers),
            "faces_sha256": fingerprint(faces),
            "labels": label_kind,
            "given": dict(given or {}),
            "history": [asdict(record) for record in trained.history],
        },
        data_terms=data_terms,
    )
    draft = measured(Bundle(facts, weights_of(trained.model), version="draft"), faces)
    return write_with_card(models, draft)


def write_with_card(models: Path, bundle: Bundle, int8: Mapping[str, bytes] | None = None) -> Path:
    """Write the bundle and, beside it, MODEL_CARD.md; the folder of both."""
    folder = write_bundle(models, bundle.facts, bundle.weights, int8)
    written = read_bundle(folder)  # what was written can be served
    (folder / CARD).write_text(model_card(written), encoding="utf-8")
    return folder


def restated(bundle: Bundle, data_terms: str | None, label_kind: str | None) -> Bundle:
    """The bundle with other terms or another kind of labels; None leaves what it states."""
    training = bundle.facts.training
    if label_kind is not None:
        training = {**training, "labels": label_kind}
    terms = bundle.facts.data_terms if data_terms is None else data_terms
    return replace(bundle, facts=replace(bundle.facts, training=training, data_terms=terms))


def measured(bundle: Bundle, faces: Path, cache: Path | None = CACHE) -> Bundle:
    """The same weights, calibrated on valid and measured on valid and test."""
    uncalibrated = replace(bundle, facts=replace(bundle.facts, calibration=Calibration()))
    everyone = {"valid": load_valid(faces), "test": load_test(faces)}
    scores = {split: score(uncalibrated, some, split, cache) for split, some in everyone.items()}
    calibration = fit_calibration(scores["valid"].logits, scores["valid"].faces.ages)
    calibrated = {split: replace(each, calibration=calibration) for split, each in scores.items()}
    figures = [
        figure
        for split, each in calibrated.items()
        for figure in (*metrics(each, split), face_found(each, everyone[split], split))
    ]
    facts = replace(
        bundle.facts,
        calibration=calibration,
        metrics=tuple(figures),
        told_ages=tell(calibrated["valid"].faces.ages, calibrated["valid"].distributions),
    )
    return replace(bundle, facts=facts)


def weights_of(model: keras.Model) -> Weights:
    """The network's variables by path, rounded as the bundle will store them."""
    return {
        variable.path: rounded(np.asarray(keras.ops.convert_to_numpy(variable.value)))
        for variable in model.weights
    }
