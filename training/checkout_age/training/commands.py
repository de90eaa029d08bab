"""What each command of checkout-age-training does, from its arguments to what it prints."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from checkout_age.client.access import Access, access_of
from checkout_age.server.bundle import Bundle, Metric, find_bundle, read_bundle
from checkout_age.server.runtime import RUNTIMES, Precision, Runtime, RuntimeName, cores
from checkout_age.training.dataset.compact import Compact, write_compact
from checkout_age.training.dataset.faces import (
    SplitName,
    fingerprint,
    load_split,
    load_test,
    load_train,
    load_valid,
)
from checkout_age.training.dataset.pack import pack
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.evaluation.evaluation import error_metrics, face_found, metrics, score
from checkout_age.training.evaluation.scores import Scores
from checkout_age.training.fitting.ablation_variants import base_of, chosen
from checkout_age.training.fitting.recipe import find_recipe
from checkout_age.training.sample.sample_day import make_sample_day
from checkout_age.training.terminal import new_table, print_metrics

AS_GIVEN = "ages as given in the labels file"


def train(given: Namespace) -> None:
    """Train by a recipe, or go on where an earlier run stopped, and publish the bundle."""
    from checkout_age.training.fitting.fit import train_model
    from checkout_age.training.fitting.initialisation import find_initialisation
    from checkout_age.training.fitting.outputs import outputs_of
    from checkout_age.training.publishing.publish import publish

    recipe = find_recipe(given.recipe)
    if given.epochs is not None:
        recipe = recipe.shortened(given.epochs)
    if given.seed is not None:
        recipe = replace(recipe, seed=given.seed)
    if recipe.objective.served and given.out is None:
        raise FacesError("--out is missing: the models folder that gets NAME/VERSION")
    start = find_initialisation(given.weights)
    teachers = [find_initialisation(teacher, "--teacher") for teacher in given.teacher]
    if untaught := [each.name for each in teachers if each.trained is None]:
        raise FacesError(f"--teacher takes trained models, {untaught[0]} is none")
    faces, valid = load_train(given.faces), load_valid(given.faces)
    if given.photos is not None:
        faces = faces.spread(given.photos)
    trained = train_model(
        recipe,
        faces,
        valid,
        given.run or Path(".cache") / "runs" / recipe.name,
        start=start,
        teachers=teachers,
        precision=given.precision,
    )
    if not recipe.objective.served:
        for split, faces in (("valid", valid), ("test", load_test(given.faces))):
            seen = pack(faces, recipe.side, f"{split} photos")
            told = recipe.objective.ages(outputs_of(trained.model, seen.chips))
            some = faces.chosen(seen.rows)
            print_metrics(error_metrics(np.abs(told - some.ages), some, split))
        print(f"the recipe {recipe.name} is for comparison: its models are not served")
        return
    folder = publish(
        trained,
        recipe,
        given.faces,
        given.out,
        initialisation=start.name,
        teachers=[teacher.name for teacher in teachers],
        data_terms=_terms(given) or "",
        label_kind=given.label_kind or AS_GIVEN,
        given={
            option: number
            for option in ("epochs", "seed", "photos")
            if (number := vars(given)[option]) is not None
        },
    )
    print_metrics(read_bundle(folder).facts.metrics)
    print(f"the model is in {folder}")


def calibrate_model(given: Namespace) -> None:
    """Calibrate and measure a bundle anew, and write it as a new version."""
    from checkout_age.training.publishing.publish import measured, restated, write_with_card

    stated = restated(read_bundle(find_bundle(given.model)), _terms(given), given.label_kind)
    bundle = measured(stated, given.faces)
    folder = write_with_card(given.out, bundle)
    print_metrics(bundle.facts.metrics)
    print(f"the model is in {folder}")


def _terms(given: Namespace) -> str | None:
    return given.data_terms.read_text().strip() if given.data_terms else None


def quantize_model(given: Namespace) -> None:
    """Add the int8 form to a bundle, and write both as a new version."""
    from checkout_age.training.publishing.publish import write_with_card
    from checkout_age.training.publishing.quantization import quantize

    bundle = read_bundle(find_bundle(given.model))
    console = Console(soft_wrap=True)
    made = quantize(bundle, given.faces, given.chips, console)
    facts = replace(bundle.facts, quantization=made.facts)
    folder = write_with_card(given.out, replace(bundle, facts=facts), made.files)
    print_metrics(Metric(**metric) for metric in made.facts["metrics"])
    console.print(f"the model is in {folder}")


def compare_sides(given: Namespace) -> None:
    """Show the errors and the time of models at some sides, in each form that they have."""
    from checkout_age.training.evaluation.side_cost import side_costs

    bundles = [read_bundle(find_bundle(model)) for model in given.models]
    rows = side_costs(bundles, load_split(given.faces, given.split), given.split, given.sides)
    table = new_table(
        "model", "side", "form", "MAE, years", "95 %", "ms a chip, one core", "chips/s"
    )
    table.title = f"Accuracy against cost on {given.split}, {cores()} cores"
    for row in rows:
        table.add_row(
            row.model,
            str(row.side),
            row.form,
            f"{row.error.value:.2f}",
            f"{row.error.low:.2f} to {row.error.high:.2f}",
            f"{row.lone_ms:.1f}",
            f"{row.rate:.0f}",
        )
    Console(soft_wrap=True).print(table)


def evaluate_model(given: Namespace) -> None:
    """Measure a bundle on one split; with a folder, write the report too."""
    bundle = read_bundle(find_bundle(given.model))
    faces = load_split(given.faces, given.split)
    if given.server is not None and faces.chips is not None:
        raise FacesError(f"--server is sent the photos themselves, {given.faces} holds chips")
    runtime, form = _runtime(bundle, given)
    scores = score(bundle, faces, given.split, runtime=runtime)
    figures = [*metrics(scores, given.split), face_found(scores, faces, given.split)]
    print_metrics(figures, f"{bundle.facts.name} {bundle.version}, {form}")
    if given.server is not None:
        _compare(scores, given.server, access_of(given))
    if given.out is not None:
        from checkout_age.training.evaluation.evaluation_report import write_evaluation

        print(f"the report is in {write_evaluation(bundle, scores, figures, given.out, form=form)}")


def show_checks(given: Namespace) -> None:
    """Show how often CheckAge would wave through somebody who is under age."""
    from checkout_age.training.evaluation.checks import NEARLY, check_figures

    bundle = read_bundle(find_bundle(given.model))
    faces = load_split(given.faces, given.split)
    runtime, form = _runtime(bundle, given)
    scores = score(bundle, faces, given.split, runtime=runtime)
    nearly = f"of those {NEARLY} years under it or less"
    table = new_table(
        "minimum age", "allowed", "under age, cleared", nearly, "old enough, challenged"
    )
    table.title = f"CheckAge on {given.split}: {bundle.facts.name} {bundle.version}, {form}"
    for each in check_figures(scores):
        table.add_row(
            str(each.rule.minimum_age),
            f"{each.rule.allowed:g}",
            str(each.false_clear),
            str(each.false_clear_nearly),
            str(each.challenged),
        )
    Console(soft_wrap=True).print(table)


def _runtime(bundle: Bundle, given: Namespace) -> tuple[Runtime, str]:
    """What runs the network, and the form that it runs in words."""
    runtime = RUNTIMES[given.runtime](bundle, given.precision, cores())
    whole = given.runtime is RuntimeName.OPENVINO and given.precision is not Precision.FULL
    return runtime, "int8" if whole and bundle.int8 else "full precision"


def _compare(scores: Scores, address: str, access: Access) -> None:
    from checkout_age.training.evaluation.served import served_ages

    served = served_ages(address, scores.faces.photos, access)
    told = ~np.isnan(served)
    if not told.any():
        raise FacesError(f"{address} told no age of any of the {len(served)} photos with a face")
    apart = np.abs(served - scores.ages)[told]
    through = np.abs(served - scores.faces.ages)[told].mean()
    print(
        f"{address} answered for {told.sum()} of {len(served)} photos with a face: on these its "
        f"MAE is {through:.4f} years, here it is {scores.errors[told].mean():.4f}; "
        f"the ages of one photo lie at most {apart.max():.4f} years apart"
    )


def ablate_recipe(given: Namespace) -> None:
    """Train small variants of the recipe from the same weights and compare them."""
    from checkout_age.training.fitting.ablation import ablate
    from checkout_age.training.fitting.initialisation import find_initialisation

    start = find_initialisation(given.weights)
    train, valid = load_train(given.faces), load_valid(given.faces)
    if given.photos is not None:
        train = train.spread(given.photos)
    rows = ablate(
        train,
        valid,
        start,
        given.out,
        base=base_of(given.side, given.epochs, given.seed),
        variants=chosen(given.only),
        precision=given.precision,
    )
    table = new_table("change", "MAE", "better by (95 % interval)", "13-17", "18-24")
    for row in rows:
        print(f"{row.name}: valid MAE {row.mae:.2f} years", flush=True)  # a run may be cut short
        table.add_row(
            row.name,
            f"{row.mae:.2f}",
            f"{row.better:+.2f} ({row.low:+.2f} to {row.high:+.2f})",
            f"{row.teens:.2f}",
            f"{row.young:.2f}",
        )
    Console(soft_wrap=True).print(table)


def explore_faces(given: Namespace) -> None:
    """Look at a folder of labelled faces before training on it."""
    from checkout_age.training.exploration.explore import explore

    page = explore(given.faces, given.out)
    print(f"the report is in {page}; it shows faces: keep it as the photos are kept")


def pack_faces(given: Namespace) -> None:
    """Write all labelled chips into one file."""
    splits: tuple[SplitName, ...] = ("train", "valid", "test")
    tables, chips = [], []
    for split in splits:
        faces = load_split(given.faces, split)
        cut = pack(faces, given.side, f"{split} photos")
        tables.append(faces.chosen(cut.rows).table.assign(split=split))
        chips.append(cut.chips)
    compact = Compact(pd.concat(tables), np.concatenate(chips), fingerprint(given.faces))
    write_compact(given.out, compact, given.quality)
    megabytes = given.out.stat().st_size / 1e6
    print(f"{len(compact.table)} chips are in {given.out}, {megabytes:.1f} MB")


def degrade_photos(given: Namespace) -> None:
    """Show what smallness, blur and darkness cost a model."""
    from checkout_age.training.evaluation.degradation import degrade

    bundle = read_bundle(find_bundle(given.model))
    faces = load_valid(given.faces)
    if faces.chips is not None:
        raise FacesError(f"degrade needs the photos themselves, {given.faces} holds chips")
    if given.photos < 1:
        raise FacesError(f"--photos must be at least 1, got {given.photos}")
    step = max(1, len(faces) // given.photos)
    some = faces.chosen(np.arange(0, len(faces), step)[: given.photos])
    table = new_table("photos", "face found", "measured", "refused by default", "MAE, years")
    table.title = f"{len(some)} valid photos"
    for each in degrade(bundle, some):
        table.add_row(
            each.name,
            f"{each.found:.1%}",
            f"{each.measured:.3g}" if each.found else "",
            f"{each.refused:.1%}" if each.found else "",
            f"{each.mae:.2f}" if each.found else "",
        )
    Console(soft_wrap=True).print(table)


def sample_day(given: Namespace) -> None:
    """Make the sample day."""
    make_sample_day(given.faces, given.out)
    print(f"the sample day is in {given.out}")
