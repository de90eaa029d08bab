"""The model card: what a model is, what it may be used for and how well it does, from its bundle.

After Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv:1810.03993).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checkout_age.server.bundle import Bundle, BundleFacts, Metric
from checkout_age.server.calibration import Calibration
from checkout_age.training.evaluation.metric_table import interval_text, value_text
from checkout_age.training.publishing.limits import best_and_worst, limits
from checkout_age.training.publishing.markdown import flattened, quoted, table, written

USE = """\
For: which age groups buy what, counted over many purchases; offers to an age group.

Not for: selling restricted goods without staff, on this answer alone; telling who somebody is;
decisions about one person; watching children."""
CALIBRATION = ("90 % interval covers", "age group calibration error")


def model_card(bundle: Bundle) -> str:
    """The card in Markdown; the same bundle gives the same text, and only it is told of.

    Figures that older bundles lack are left out.
    """
    facts = bundle.facts
    parts = [
        f"# Model card: {facts.name} {bundle.version}",
        *_model(bundle),
        "## Use",
        USE,
        *_training(facts),
        *_figures(facts),
        *_int8(facts),
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits(facts)),
        *_commands(facts, bundle.version),
    ]
    return "\n\n".join(parts) + "\n"


def _model(bundle: Bundle) -> Iterator[str]:
    facts = bundle.facts
    numbers = sum(int(weights.size) for weights in bundle.weights.values())
    yield (
        "Tells from one face how likely each age is. This card is generated from the bundle, "
        f"whose version, `{bundle.version}`, is a digest of all it holds."
    )
    yield "## Model"
    yield table(
        ("", ""),
        [
            ("architecture", f"`{facts.architecture}`, {numbers:,} weights"),
            (
                "input",
                f"RGB chip of one face, {facts.chip_side} x {facts.chip_side} pixels, 0 to 255; "
                "normalised inside the network",
            ),
            ("cut as", f"`{facts.chip_definition}`; a server that cuts otherwise refuses it"),
            ("output", "P(age) for each whole year from 0 to 100; 100 stands for all above"),
            ("age groups", ", ".join(group.label for group in facts.groups.groups)),
            ("temperature", f"{facts.calibration.temperature:.4g}"),
            ("90 % interval", f"the central range that holds {_levels(facts.calibration)}"),
        ],
    )


def _levels(calibration: Calibration) -> str:
    levels = [
        f"{level:.1%} of the probability" + (f" from a told age of {told:g}" if told else "")
        for told, level in zip(calibration.told_from, calibration.levels, strict=True)
    ]
    return ", ".join(levels)


def _training(facts: BundleFacts) -> Iterator[str]:
    training = facts.training
    yield "## Data"
    yield table(
        ("", ""),
        [
            ("labels", training.get("labels", "ages as given in the labels file")),
            ("held out", _held_out(facts)),
            ("labels and split, SHA-256", f"`{training.get('faces_sha256', 'not stated')}`"),
        ],
    )
    yield "Terms of the photos:"
    yield quoted(facts.data_terms or "None are stated in the bundle.")
    yield "## Training"
    yield f"Started from: {training.get('initialisation', 'not stated')}."
    if teachers := training.get("teachers"):
        yield f"Learnt beside the labels from what these say: {'; '.join(teachers)}."
    yield from _recipe(training.get("recipe") or {})
    history: Sequence[Mapping[str, Any]] = training.get("history") or ()
    if history:
        last = history[-1]
        seconds = [epoch.get("seconds", 0) for epoch in history]
        took = f" in {sum(seconds) / 60:.0f} minutes" if all(seconds) else ""
        yield (
            f"After {len(history)} epochs{took} the mean absolute error was "
            f"{last['train_mae']:.2f} years on train, with augmentation, and "
            f"{last['valid_mae']:.2f} on valid, before rounding and calibration."
        )


def _held_out(facts: BundleFacts) -> str:
    photos = {each.split: each.photos for each in facts.metrics if each.name == "face found"}
    return ", ".join(f"{split}: {number:,} photos" for split, number in photos.items()) or (
        "not stated"
    )


def _recipe(recipe: Mapping[str, Any]) -> Iterator[str]:
    stages = recipe.get("stages") or ()
    if stages:
        names = tuple(dict.fromkeys(name for stage in stages for name in stage))
        rows = [[written(stage.get(name)) for name in names] for stage in stages]
        yield table(tuple(name.replace("_", " ") for name in names), rows)
    others = {name: value for name, value in recipe.items() if name != "stages"}
    if others:
        yield table(("recipe", ""), list(flattened(others)))


def _figures(facts: BundleFacts) -> Iterator[str]:
    yield "## Figures"
    if not facts.metrics:
        yield "The bundle holds no figures: the model was not measured."
        return
    yield (
        "Of all photos in which a face was found, with the weights as they are served in full "
        "precision; what the int8 form changes, where there is one, is said of it below. MAE is "
        "the mean absolute error in years, other figures are shares; in brackets the bootstrap "
        "95 % interval, then the number of photos. Valid is the split to choose and calibrate by, "
        "test the one to report."
    )
    yield from best_and_worst(facts)
    names = list(dict.fromkeys(metric.name for metric in facts.metrics))
    for kind in dict.fromkeys(_kind(name) for name in names):
        yield f"### {kind}"
        yield _figure_table([name for name in names if _kind(name) == kind], facts.metrics)


def _int8(facts: BundleFacts) -> Iterator[str]:
    made = facts.quantization
    if not made:
        return
    yield "## The int8 form"
    yield (
        "For CPUs the bundle also holds the network in whole numbers of 8 bits; a server runs it "
        f"unless told otherwise. Made by {made['method']}, on {made['chips']} chips of train. "
        "Errors in years, photo by photo against the full precision; coverage as a share. "
        "`evaluate` prints all figures of this form, too."
    )
    metrics = [Metric(**metric) for metric in made["metrics"]]
    yield _figure_table(list(dict.fromkeys(metric.name for metric in metrics)), metrics)


def _kind(name: str) -> str:
    """Which table a metric stands in: `MAE 13-17` by age group, `MAE gender male` by gender."""
    words = name.split()
    if name in CALIBRATION:
        return "Calibration"
    if words[0] != "MAE" or len(words) == 1:
        return "All photos"
    return "By age group" if words[1:] == words[-1:] else f"By {words[1]}"


def _figure_table(names: Sequence[str], metrics: Sequence[Metric]) -> str:
    splits = tuple(dict.fromkeys(metric.split for metric in metrics))
    known = {(metric.name, metric.split): metric for metric in metrics}
    rows = [(name, *(_told(known.get((name, split))) for split in splits)) for name in names]
    return table(("figure", *splits), rows)


def _told(metric: Metric | None) -> str:
    if metric is None:
        return "not measured"
    return f"{value_text(metric)} ({interval_text(metric)}), {metric.photos:,}"


def _commands(facts: BundleFacts, version: str) -> Iterator[str]:
    recipe = (facts.training.get("recipe") or {}).get("name", "RECIPE")
    start = str(facts.training.get("initialisation", "random")).split(", ")[0]
    weights = f"models/{start.partition('/')[0]}" if "/" in start else start  # NAME/VERSION
    teachers = [str(name).partition("/")[0] for name in facts.training.get("teachers") or ()]
    taught = "".join(f" --teacher models/{name}" for name in teachers)
    fresh = f"models/{facts.name}/VERSION"
    model = f"models/{facts.name}/{version}"
    given = facts.training.get("given") or {}
    said = "".join(f" --{option} {number}" for option, number in given.items())
    said += " --data-terms TERMS" if facts.data_terms else ""
    first = (
        "" if "/" not in start else f"train {start.partition('/')[0]} --faces FACES --out models/"
    )
    int8 = f"quantize {fresh} --faces FACES --out models/" if facts.quantization else ""
    lines = (
        first,
        f"train {recipe} --faces FACES --out models/ --weights {weights}{taught}{said}",
        f"calibrate {fresh} --faces FACES --out models/",
        int8,
        f"evaluate {model} --faces FACES --split test",
        f"degrade {model} --faces FACES",
    )
    yield "## Again"
    commands = "".join(f"checkout-age-training {line}\n" for line in lines if line)
    yield f"```sh\n{commands}```"
    yield (
        "VERSION is what the command before has printed; a GPU's sums differ a little from run to "
        "run, so that another model like this one comes out, under another version. "
        "On a machine without the photos FACES is the file that `pack` wrote; there "
        "`KERAS_BACKEND=jax` and `--precision mixed_bfloat16` use a GPU."
    )
