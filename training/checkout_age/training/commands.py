"""The commands of checkout-age-training, each from its arguments to what it prints."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from checkout_age.server.bundle import BundleError, Metric, find_bundle, read_bundle
from checkout_age.training.evaluation import evaluate
from checkout_age.training.faces import load_split, load_train, load_valid
from checkout_age.training.photo_file import FacesError
from checkout_age.training.recipe import RunError, find_recipe, recipe_names
from checkout_age.training.sample_day import make_sample_day


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; a wrong input ends with status 1 and says why."""
    given = _parser().parse_args(arguments)
    try:
        given.run_command(given)
    except (FacesError, BundleError, RunError, FileNotFoundError) as error:
        sys.exit(f"checkout-age-training: {error}")


def train(given: Namespace) -> None:
    """Train by a recipe, or go on where an earlier run stopped, and publish the bundle."""
    from checkout_age.training.fit import train_model
    from checkout_age.training.initialisation import find_initialisation
    from checkout_age.training.publish import publish

    recipe = find_recipe(given.recipe)
    data_terms = given.data_terms.read_text().strip() if given.data_terms else ""
    start = find_initialisation(given.weights)
    model = train_model(
        recipe,
        load_train(given.faces),
        load_valid(given.faces),
        given.run or Path(".cache") / "runs" / recipe.name,
        start=start,
    )
    folder = publish(
        model,
        recipe,
        given.faces,
        given.out,
        initialisation=start.name,
        data_terms=data_terms,
    )
    _print_metrics(read_bundle(folder).facts.metrics)
    print(f"the model is in {folder}")


def evaluate_model(given: Namespace) -> None:
    """Measure a bundle on one split."""
    bundle = read_bundle(find_bundle(given.model))
    _print_metrics(evaluate(bundle, load_split(given.faces, given.split), given.split))


def degrade_photos(given: Namespace) -> None:
    """Show what smallness, blur and darkness cost a model."""
    from checkout_age.training.degradation import degrade

    bundle = read_bundle(find_bundle(given.model))
    faces = load_valid(given.faces)
    if given.photos < 1:
        raise FacesError(f"--photos must be at least 1, got {given.photos}")
    step = max(1, len(faces) // given.photos)
    some = faces.chosen(np.arange(0, len(faces), step)[: given.photos])
    table = Table(title=f"{len(some)} valid photos", title_justify="left")
    table.add_column("photos")
    for column in ("face found", "measured", "refused by default", "MAE, years"):
        table.add_column(column, justify="right")
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


def _print_metrics(metrics: Iterable[Metric]) -> None:
    table = Table()
    for column in ("split", "metric"):
        table.add_column(column)
    for column in ("value", "95 % interval", "photos"):
        table.add_column(column, justify="right")
    for each in metrics:
        form = ".2f" if each.name.startswith("MAE") else ".1%"  # years, or a share of the photos
        table.add_row(
            each.split,
            each.name,
            f"{each.value:{form}}",
            f"{each.low:{form}} to {each.high:{form}}",
            str(each.photos),
        )
    Console(soft_wrap=True).print(table)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="checkout-age-training",
        description="Train the model that the server hosts, and measure it as it is served.",
    )
    commands = parser.add_subparsers(required=True)

    training = commands.add_parser("train", help="train a model by a recipe and publish it")
    training.add_argument("recipe", choices=recipe_names())
    training.add_argument(
        "--out", type=Path, required=True, help="models folder: gets NAME/VERSION"
    )
    training.add_argument("--run", type=Path, help="folder of the checkpoint (.cache/runs/RECIPE)")
    training.add_argument(
        "--weights",
        default="random",
        metavar="START",
        help="random, imagenet, a file of ResNet50 weights, or a model to go on from (%(default)s)",
    )
    training.add_argument(
        "--data-terms",
        type=Path,
        metavar="FILE",
        help="text of the terms under which the photos were given, for the bundle to state",
    )
    training.set_defaults(run_command=train)

    evaluation = commands.add_parser("evaluate", help="measure a model")
    evaluation.add_argument("model", type=Path, help="models/NAME/VERSION")
    evaluation.add_argument("--split", choices=("train", "valid", "test"), default="test")
    evaluation.set_defaults(run_command=evaluate_model)

    degradation = commands.add_parser(
        "degrade", help="show what small, blurred and dark faces cost a model"
    )
    degradation.add_argument("model", type=Path, help="models/NAME/VERSION")
    degradation.add_argument(
        "--photos", type=int, default=300, help="so many of the valid split (%(default)s)"
    )
    degradation.set_defaults(run_command=degrade_photos)

    sampling = commands.add_parser("sample-day", help="make a day of purchases with nobody's faces")
    sampling.add_argument("--out", type=Path, required=True)
    sampling.set_defaults(run_command=sample_day)

    for command in (training, evaluation, degradation, sampling):
        command.add_argument(
            "--faces", type=Path, required=True, help="folder with labels.csv and final_files/"
        )
    return parser
