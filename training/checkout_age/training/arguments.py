"""The arguments of checkout-age-training."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, _SubParsersAction
from collections.abc import Sequence
from pathlib import Path

from checkout_age.client.access import AccessError, add_access
from checkout_age.server.bundle import BundleError
from checkout_age.server.chip import SMALLEST_SIDE
from checkout_age.server.runtime import Precision, RuntimeName
from checkout_age.training import commands
from checkout_age.training.dataset.compact import QUALITY
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.fitting.ablation_variants import VARIANTS
from checkout_age.training.fitting.precision import PRECISIONS
from checkout_age.training.fitting.recipe import RunError, recipe_names

START = "random, imagenet, a file of ResNet50 weights, or a model to go on from (%(default)s)"
MODEL = "models/NAME/VERSION"
LARGEST_SEED = 2**32
FACES = "folder laid out as the study's, APPA-REAL or UTKFace, or a file of chips (see pack)"


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; a wrong input ends with status 1 and says why."""
    given = _parser().parse_args(arguments)
    try:
        given.run_command(given)
    except (FacesError, BundleError, RunError, AccessError, FileNotFoundError) as error:
        sys.exit(f"checkout-age-training: {error}")


def _side(text: str) -> int:
    side = int(text)
    if side < SMALLEST_SIDE:
        raise ArgumentTypeError(f"a chip has at least {SMALLEST_SIDE} pixels a side, got {side}")
    return side


def _quality(text: str) -> int:
    quality = int(text)
    if not 1 <= quality <= 100:  # noqa: PLR2004
        raise ArgumentTypeError(f"WebP knows 1 to 100, got {quality}")
    return quality


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"at least 1 is needed, got {number}")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < LARGEST_SEED:
        raise ArgumentTypeError(f"0 to {LARGEST_SEED - 1} is needed, got {number}")
    return number


def _add_cost(verbs: "_SubParsersAction[ArgumentParser]") -> tuple[ArgumentParser, ArgumentParser]:
    """What a model costs to run, and how to make it cheaper."""
    quantize = verbs.add_parser("quantize", help="add the int8 form to a model, for CPUs")
    quantize.add_argument("model", type=Path, help=MODEL)
    quantize.add_argument(
        "--out", type=Path, required=True, help="models folder: gets NAME/VERSION"
    )
    quantize.add_argument(
        "--chips", type=_some, default=500, help="of train, to find scales on (%(default)s)"
    )
    quantize.set_defaults(run_command=commands.quantize_model)

    sides = verbs.add_parser("sides", help="show what accuracy costs: errors and time by side")
    sides.add_argument("models", type=Path, nargs="+", help=MODEL)
    sides.add_argument(
        "--sides",
        type=_side,
        nargs="+",
        help="pixels of a chip; each model is run at each (its own)",
    )
    sides.add_argument("--split", choices=("valid", "test"), default="valid")
    sides.set_defaults(run_command=commands.compare_sides)
    return quantize, sides


def _add_runtime(verb: ArgumentParser) -> None:
    verb.add_argument(
        "--runtime",
        type=RuntimeName,
        choices=list(RuntimeName),
        default=RuntimeName.OPENVINO,
        help="what runs the network, as for the server (%(default)s)",
    )
    verb.add_argument(
        "--precision",
        type=Precision,
        choices=list(Precision),
        default=Precision.BEST,
        help="of its sums, as for the server (%(default)s)",
    )


def _add_checks(verbs: "_SubParsersAction[ArgumentParser]") -> ArgumentParser:
    """What is let through where restricted goods are sold."""
    checks = verbs.add_parser(
        "checks", help="show how often CheckAge would wave through somebody under age"
    )
    checks.add_argument("model", type=Path, help=MODEL)
    checks.add_argument("--split", choices=("valid", "test"), default="valid")
    _add_runtime(checks)
    checks.set_defaults(run_command=commands.show_checks)
    return checks


def _add_train(verbs: "_SubParsersAction[ArgumentParser]") -> ArgumentParser:
    train = verbs.add_parser("train", help="train a model by a recipe and publish it")
    train.add_argument("recipe", choices=recipe_names())
    train.add_argument("--out", type=Path, help="models folder: gets NAME/VERSION")
    train.add_argument("--run", type=Path, help="folder of the checkpoint (.cache/runs/RECIPE)")
    train.add_argument("--weights", default="random", metavar="START", help=START)
    train.add_argument(
        "--epochs", type=_some, metavar="N", help="the recipe's first so many alone (all)"
    )
    train.add_argument(
        "--seed", type=_seed, metavar="N", help="of weights, batches and views (the recipe's)"
    )
    train.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="MODEL",
        help="a model to learn from, for recipes that do; may be given several times",
    )
    train.set_defaults(run_command=commands.train)
    return train


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="checkout-age-training",
        description="Train the model that the server hosts, and measure it as it is served.",
    )
    verbs = parser.add_subparsers(required=True)

    explore = verbs.add_parser("explore", help="look at labelled faces before training on them")
    explore.add_argument("faces", type=Path, help="folder of labelled faces")
    explore.add_argument("--out", type=Path, required=True, help="folder of the report")
    explore.set_defaults(run_command=commands.explore_faces)

    pack = verbs.add_parser("pack", help="write all labelled chips into one file")
    pack.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .parquet file")
    pack.add_argument("--side", type=_side, default=160, help="pixels of a chip (%(default)s)")
    pack.add_argument(
        "--quality", type=_quality, default=QUALITY, help="of WebP, 1 to 100 (%(default)s)"
    )
    pack.set_defaults(run_command=commands.pack_faces)

    train = _add_train(verbs)
    evaluate = verbs.add_parser("evaluate", help="measure a model")
    evaluate.add_argument("model", type=Path, help=MODEL)
    evaluate.add_argument("--split", choices=("train", "valid", "test"), default="test")
    evaluate.add_argument("--out", type=Path, help="write a report with figures there")
    evaluate.add_argument(
        "--server", metavar="HOST:PORT", help="hold the figures against those through a server"
    )
    _add_runtime(evaluate)
    add_access(evaluate)
    evaluate.set_defaults(run_command=commands.evaluate_model)

    checks = _add_checks(verbs)

    calibrate = verbs.add_parser("calibrate", help="calibrate and measure a model anew")
    calibrate.add_argument("model", type=Path, help=MODEL)
    calibrate.add_argument(
        "--out", type=Path, required=True, help="models folder: gets NAME/VERSION"
    )
    calibrate.set_defaults(run_command=commands.calibrate_model)

    quantize, sides = _add_cost(verbs)

    ablate = verbs.add_parser(
        "ablate",
        help="compare small runs that differ in one choice each",
        epilog=f"The changes: {'; '.join(VARIANTS)}.",
    )
    ablate.add_argument("--weights", default="random", metavar="START", help=START)
    ablate.add_argument("--out", type=Path, required=True, help="folder of the runs")
    ablate.add_argument("--side", type=_side, default=64, help="pixels of a chip (%(default)s)")
    ablate.add_argument("--epochs", type=_some, default=1, help="epochs of each run (%(default)s)")
    ablate.add_argument("--seed", type=_seed, metavar="N", help="of every run (the base's)")
    ablate.add_argument(
        "--only",
        action="append",
        choices=list(VARIANTS),
        metavar="CHANGE",
        help="one of the changes, beside the base; may be given several times (all of them)",
    )
    ablate.set_defaults(run_command=commands.ablate_recipe)

    degrade = verbs.add_parser(
        "degrade", help="show what small, blurred and dark faces cost a model"
    )
    degrade.add_argument("model", type=Path, help=MODEL)
    degrade.add_argument(
        "--photos", type=int, default=300, help="so many of the valid split (%(default)s)"
    )
    degrade.set_defaults(run_command=commands.degrade_photos)

    sample = verbs.add_parser("sample-day", help="make a day of purchases with nobody's faces")
    sample.add_argument("--out", type=Path, required=True)
    sample.set_defaults(run_command=commands.sample_day)

    for verb in (train, calibrate):
        verb.add_argument(
            "--data-terms",
            type=Path,
            metavar="FILE",
            help="text of the terms under which the photos were given, for the bundle to state",
        )
        verb.add_argument(
            "--label-kind",
            metavar="TEXT",
            help="how the labels came about, for the model card (ages as given in the labels file)",
        )
    for verb in (train, ablate):
        verb.add_argument(
            "--photos", type=_some, metavar="N", help="so many of train, spread over it (all)"
        )
        verb.add_argument(
            "--precision",
            choices=PRECISIONS,
            default=PRECISIONS[0],
            help="of the sums inside the network; the mixed ones are for GPUs (%(default)s)",
        )
    for verb in (
        pack,
        train,
        evaluate,
        checks,
        calibrate,
        quantize,
        sides,
        ablate,
        degrade,
        sample,
    ):
        verb.add_argument("--faces", type=Path, required=True, help=FACES)
    return parser
