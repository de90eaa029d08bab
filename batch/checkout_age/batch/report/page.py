"""The page: the report's tables and figures as one HTML file that needs no network."""

from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from checkout_age.batch.report.lake_sections import coverage_section, drift_section, models_section
from checkout_age.batch.report.lift_sections import lifts_section, offers_section
from checkout_age.batch.report.parts import (
    HIDDEN,
    Section,
    number,
    percent,
)
from checkout_age.batch.report.report import Report
from checkout_age.batch.report.share_sections import over_time_section, shares_section

METHOD = (
    "Corrected shares are not counts of guesses: what the model told is divided by how it errs. "
    "The shares at which its probabilities agree with themselves are found by EM (SLD; Saerens, "
    "Latinne and Decaestecker 2002); the probabilities at these shares are then adjusted by what "
    "was told of labelled photos of each true age (probabilistic adjusted counts; Bella et al. "
    "2010), whose answers are stored in the model's bundle. The 95 % interval holds the chance of "
    "these photos and of so many purchases under a flat prior (Ziegler and Czyz 2024). It does "
    "not hold what the labelled photos cannot show: that tills differ from them."
)
PRIVACY = (
    "Groups of fewer than {threshold} purchases are suppressed ({hidden}), and a second one with "
    "a group that would stand alone. Counts are rounded to multiples of {threshold}, up or down "
    "by a chance that hangs on the purchases counted, so that they are right on average, the same "
    "in every report, and no difference of two of them tells of fewer. Shares come in steps of as "
    "many purchases."
)


def render(report: Report) -> str:
    """The page as HTML."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("checkout_age.batch.report").joinpath("page.html").read_text("utf-8")
    asked = report.asked
    days = str(asked.first) if asked.first == asked.last else f"{asked.first} to {asked.last}"
    return environment.from_string(template).render(
        title=f"What each age group buys, {days}",
        subtitle="Of all purchases whose photo could be scored. Days and hours are told by the "
        f"clock of {asked.zone.key}.",
        notes=report.notes,
        facts=_facts(report),
        sections=list(_sections(report)) if report.purchases else [],
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    coverage = report.scored / report.purchases if report.purchases else None
    return [
        ("purchases", number(report.purchases)),
        ("scored", number(report.scored)),
        ("coverage", percent(coverage)),
    ]


def _sections(report: Report) -> Iterator[Section]:
    if report.groups and len(report.tables["shares"]):
        yield shares_section(report)
        yield over_time_section(report)
    if len(report.tables["lift"]):
        yield offers_section(report)
        yield lifts_section(report)
    yield coverage_section(report)
    yield drift_section(report)
    yield models_section(report)
    texts = [METHOD] if report.groups else []
    yield Section(
        "method",
        "How this was made",
        [*texts, PRIVACY.format(threshold=report.asked.threshold, hidden=HIDDEN)],
    )
