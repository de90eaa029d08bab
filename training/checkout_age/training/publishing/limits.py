"""The limits of a model: where its bundle's figures say that it errs, and what they do not say."""

from collections.abc import Iterator, Mapping
from typing import Any

from checkout_age.server.bundle import BundleFacts, Metric
from checkout_age.server.calibration import Calibration
from checkout_age.training.evaluation.evaluation import VERY_OLD
from checkout_age.training.evaluation.metric_table import interval_text, value_text

REPORTED = "test"
"""The split that was not chosen by."""
TEENAGE, ADULT = 13, 18
"""Years from which people are called so here."""

SEVERAL = 2


def best_and_worst(facts: BundleFacts) -> Iterator[str]:
    """A sentence for the age groups, and one for each that is audited, such as gender."""
    ages = _age_groups(facts)
    if ages:
        yield f"By age group {_ends(ages)}"
    for column, groups in _audited(facts).items():
        if len(groups) < SEVERAL:
            continue  # one group is told among the figures; there is none to compare it with
        worst, best = _worst(groups), _best(groups)
        apart = worst.value - best.value
        sure = "do not overlap" if worst.low > best.high else "overlap"
        yield (
            f"By {column} {_ends(groups)} They lie {apart:.2f} years apart; their intervals "
            f"{sure}, and the groups may differ in age."
        )


def limits(facts: BundleFacts) -> Iterator[str]:
    """What to know before trusting an answer, each a sentence or two."""
    ages = _age_groups(facts)
    for group in facts.groups.groups:
        if group.youngest < ADULT:
            who = "Teens" if group.youngest >= TEENAGE else "Children"
            yield f"{who}, {group.label}: {_known(ages.get(group.label))}."
    oldest = facts.groups.groups[-1]
    yield f"The oldest group, {oldest.label}: {_known(ages.get(oldest.label))}."
    yield f"Over {VERY_OLD}: {_known(_named(facts, f'MAE age {VERY_OLD + 1}+'))}."
    changes = _augmentation(facts)
    yield (
        f"Greyscale photos: {_trained(changes.get('grey'))}; "
        f"{_known(_named(facts, 'MAE colour grey'))}."
    )
    yield f"Dim light: {_trained(changes.get('dimmed'))}; `degrade`, below, measures it."
    yield (
        "Errors are distances from the labels, which may be wrong themselves; photos from a "
        "checkout may differ from those it was measured on."
    )
    if facts.calibration == Calibration():
        yield "Probabilities and intervals are as the network gave them, not calibrated."
    covers = _named(facts, "90 % interval covers")
    if covers is None:
        yield "How many true ages lie in the intervals is not measured."
    else:
        yield (
            f"The 90 % interval takes in {value_text(covers)} ({interval_text(covers)}) of the "
            f"{covers.split} labels, over all ages together, not in each group."
        )


def _reported(facts: BundleFacts) -> list[Metric]:
    """The figures of test, or where there are none, of the last split."""
    splits = [metric.split for metric in facts.metrics]
    split = REPORTED if REPORTED in splits else splits[-1] if splits else ""
    return [metric for metric in facts.metrics if metric.split == split]


def _named(facts: BundleFacts, name: str) -> Metric | None:
    return next((metric for metric in _reported(facts) if metric.name == name), None)


def _age_groups(facts: BundleFacts) -> dict[str, Metric]:
    found = {group.label: _named(facts, f"MAE {group.label}") for group in facts.groups.groups}
    return {label: metric for label, metric in found.items() if metric is not None}


def _audited(facts: BundleFacts) -> dict[str, dict[str, Metric]]:
    """By column, such as gender, the figure of each value: metrics named `MAE COLUMN VALUE`."""
    columns: dict[str, dict[str, Metric]] = {}
    for metric in _reported(facts):
        what, _, rest = metric.name.partition(" ")
        column, _, value = rest.partition(" ")
        if what == "MAE" and value:
            columns.setdefault(column, {})[value] = metric
    return columns


def _worst(groups: Mapping[str, Metric]) -> Metric:
    return max(groups.values(), key=lambda metric: metric.value)


def _best(groups: Mapping[str, Metric]) -> Metric:
    return min(groups.values(), key=lambda metric: metric.value)


def _ends(groups: Mapping[str, Metric]) -> str:
    labels = {metric.name: label for label, metric in groups.items()}
    worst, best = _worst(groups), _best(groups)
    return (
        f"the {worst.split} error is largest for {labels[worst.name]}, {_years(worst)}, and "
        f"smallest for {labels[best.name]}, {_years(best)}."
    )


def _known(metric: Metric | None) -> str:
    if metric is None:
        return "not measured"
    return f"MAE {_years(metric)} on {metric.photos:,} {metric.split} photos"


def _years(metric: Metric) -> str:
    return f"{value_text(metric)} years ({interval_text(metric)})"


def _trained(share: float | None) -> str:
    if share is None:
        return "the bundle does not say whether it was trained for them"
    return f"{share:.0%} of the chips in training were made so"


def _augmentation(facts: BundleFacts) -> Mapping[str, Any]:
    recipe: Mapping[str, Any] = facts.training.get("recipe") or {}
    augmentation: Mapping[str, Any] = recipe.get("augmentation") or {}
    return augmentation
