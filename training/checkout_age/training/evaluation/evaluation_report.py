"""The evaluation report: one page of figures with their numbers, and the tables as CSV beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from checkout_age.server.bundle import Bundle, Metric
from checkout_age.server.keras_runtime import KerasRuntime
from checkout_age.training.evaluation import (
    calibration_figures,
    calibration_tables,
    saliency_figures,
)
from checkout_age.training.evaluation import evaluation_figures as figures
from checkout_age.training.evaluation import evaluation_tables as tables
from checkout_age.training.evaluation.evaluation_words import extremes, in_words, with_intervals
from checkout_age.training.evaluation.metric_table import interval_text, metric_table, value_text
from checkout_age.training.evaluation.saliency import STEPS, Network, Saliency, saliency
from checkout_age.training.evaluation.scores import Scores
from checkout_age.training.report import Report

WATCHED = ("13-17", "18-24")
"""Age groups that shops ask about first: the years around which goods are restricted."""
WORST = 24


def write_evaluation(
    bundle: Bundle,
    scores: Scores,
    metrics: Sequence[Metric],
    out: Path,
    *,
    form: str = "full precision",
    network: Network | None = None,
) -> Path:
    """Write the report of one model on one split into the folder `out`.

    Args:
        bundle: the model; its facts hold the learning curves.
        scores: its answers for every photo with a face.
        metrics: the figures of these very photos, the first of them the MAE.
        out: gets index.html, photos.csv with a row for each photo, and each table as CSV.
        form: of the network that gave those answers, in words.
        network: answers for chips that are changed, for the saliency; None runs the bundle's.

    Returns:
        The page.
    """
    out.mkdir(parents=True, exist_ok=True)
    name = f"{bundle.facts.name} {bundle.version}"
    page = _Page(Report(f"{name} on the {metrics[0].split} photos"), out)
    tables.photo_table(scores).round(4).to_csv(out / "photos.csv", index=False)
    _summary(page, metrics, form)
    _groups(page, scores)
    _audit(page, scores)
    _closeness(page, scores)
    _confusion(page, scores)
    _ages(page, scores)
    _calibration(page, scores)
    _learning(page, bundle.facts.training)
    _saliency(page, saliency(network or KerasRuntime(bundle).logits, scores), scores)
    _worst(page, scores)
    page.report.write(out / "index.html")
    return out / "index.html"


@dataclass(frozen=True)
class _Page:
    """A report, and the folder that takes its tables."""

    report: Report
    out: Path

    def table(
        self, name: str, table: pd.DataFrame, caption: str, shown: pd.DataFrame | None = None
    ) -> None:
        """Keep a table as `NAME.csv`, and show it in words."""
        table.to_csv(self.out / f"{name}.csv", index=False)
        self.report.table(in_words(table) if shown is None else shown, f"{caption} ({name}.csv)")


def _summary(page: _Page, metrics: Sequence[Metric], form: str) -> None:
    mae = metrics[0]
    page.report.text(
        f"The mean absolute error is {value_text(mae)} years ({interval_text(mae)}, bootstrap "
        f"95 %) on the {mae.photos:,} {mae.split} photos in which a face was found."
    )
    page.report.text(
        f"The answers are those of the {form} network; what they rest on, below, is found on the "
        "one of full precision."
    )
    page.report.text("This page shows faces: keep it as the photos are kept.")
    page.report.heading("All figures")
    pd.DataFrame(metrics).to_csv(page.out / "metrics.csv", index=False)
    page.report.table(metric_table(metrics), "MAE in years, the others in shares (metrics.csv)")


def _groups(page: _Page, scores: Scores) -> None:
    page.report.heading("Age groups")
    groups = tables.age_group_table(scores)
    page.report.text(
        f"By age group, {extremes(groups)} Who is hard to tell is drawn to the middle of all ages, "
        "so the young are easily told too old and the old too young."
    )
    page.report.figure(
        figures.errors_figure(groups, WATCHED),
        f"Errors by the age group of the label, with 95 % intervals; {' and '.join(WATCHED)} are "
        "the squares.",
    )
    page.table("age_groups", groups, "Years", with_intervals(groups))


def _audit(page: _Page, scores: Scores) -> None:
    page.report.heading("Who is served worse")
    audit = tables.audit_table(scores)
    if audit.empty:
        page.report.text("Nothing but their age is known of the people on these photos.")
        return
    for column, part in audit.groupby("by", sort=False):
        if len(part) > 1:
            page.report.text(f"By {column}, {extremes(part)}")
        page.report.figure(figures.errors_figure(part), f"Errors by {column}, with 95 % intervals.")
    page.report.text(
        "These groups differ in age too. The last column is the error that their ages alone "
        "account for: as if each person erred like the mean of everyone in the same age group."
    )
    shown = with_intervals(audit)
    shown["MAE expected of their ages"] = [f"{years:.2f}" for years in audit["expected"]]
    page.table("audit", audit, "Years", shown)


def _closeness(page: _Page, scores: Scores) -> None:
    page.report.heading("How many lie how close")
    cumulative = tables.cumulative_table(scores)
    page.report.figure(
        figures.cumulative_figure(cumulative),
        "Cumulative score: the share of photos told within so many years of the label.",
    )
    page.table("cumulative", cumulative, "Share of photos within so many years")


def _confusion(page: _Page, scores: Scores) -> None:
    page.report.heading("Age groups told for others")
    confusion = tables.confusion_table(scores)
    page.report.figure(
        figures.confusion_figure(confusion),
        "Each row is the age group of a label and adds up to 100 %; the likeliest group is told.",
    )
    page.table("confusion", confusion.reset_index(), "Photos; rows are labels")


def _ages(page: _Page, scores: Scores) -> None:
    page.report.heading("Year by year")
    ages = tables.age_table(scores)
    page.report.figure(
        figures.told_figure(scores, ages),
        "Ages told over labels; a lighter cell holds more photos, by powers of ten.",
    )
    page.report.figure(
        figures.signed_figure(scores, ages),
        "Signed errors over labels; above 0, people are told too old.",
    )
    page.table("ages", ages, f"Years; each row takes {tables.BAND} years of labels")


def _calibration(page: _Page, scores: Scores) -> None:
    page.report.heading("Whether probabilities and intervals hold")
    reliability = calibration_tables.reliability_tables(scores)
    errors = " and ".join(
        f"{value:.1%} for {name}"
        for name, value in calibration_tables.calibration_errors(reliability).items()
    )
    page.report.text(
        f"The probabilities lie from the shares that were right by {errors}, on average "
        f"(expected calibration error over ten bins)."
    )
    page.report.figure(
        calibration_figures.reliability_figure(reliability),
        "Reliability of the age groups' probabilities: below the diagonal they are too sure.",
    )
    named = [table.assign(probability=name) for name, table in reliability.items()]
    page.table(
        "reliability", pd.concat(named)[["probability", "said", "seen", "answers"]], "By bin"
    )
    coverage = calibration_tables.coverage_table(scores)
    served = calibration_tables.served_table(scores)
    widths = scores.intervals[:, 1] - scores.intervals[:, 0]
    page.report.text(
        f"The interval that is served as 90 % takes in {scores.covered.mean():.1%} of labels and "
        f"is {widths.mean():.1f} years wide on average, at a temperature of "
        f"{scores.calibration.temperature:.3g}."
    )
    page.report.figure(
        calibration_figures.coverage_figure(scores, coverage, served),
        "Coverage of central intervals: below the diagonal they are too narrow.",
    )
    page.table("coverage", coverage, "Probability held, labels inside, mean width in years")
    page.table("served", served, "The intervals served, by told age: as before, ages in years")


def _learning(page: _Page, training: Mapping[str, Any]) -> None:
    page.report.heading("Learning curves")
    history = tables.history_table(training)
    if history.empty:
        page.report.text("This model's bundle does not hold the history of its training.")
        return
    page.report.figure(
        figures.learning_figure(history),
        "After each epoch: errors in years (train with augmentation and dropout) and loss.",
    )
    page.table("history", history, "Side in pixels, errors in years")


def _saliency(page: _Page, seen: Saliency, scores: Scores) -> None:
    page.report.heading("What the answer rests on")
    page.report.text(
        f"A patch of a quarter of the chip's side is blurred away at {STEPS**2} places of "
        f"{len(seen.moved)} chips, spread over the age groups; the maps show how many years the "
        "age told moves (occlusion sensitivity)."
    )
    page.report.figure(
        saliency_figures.group_figure(seen, scores),
        "Mean face of each age group's photos, and the mean map of those that were looked at.",
    )
    page.table("saliency", seen.bands, "Years moved by hiding a part of the face, on average")
    page.report.figure(
        saliency_figures.photos_figure(seen), "Single photos; each map has a scale of its own."
    )


def _worst(page: _Page, scores: Scores) -> None:
    page.report.heading("The largest errors")
    page.report.figure(
        figures.worst_figure(scores, WORST), "Years; photos.csv lists all photos with names."
    )
