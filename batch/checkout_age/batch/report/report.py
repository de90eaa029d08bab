"""The report: every table of it, from the lake and the baskets, and what must be said of them."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.models import read_model
from checkout_age.batch.report import baskets, coverage, nights
from checkout_age.batch.report.asked import Asked, ReportError
from checkout_age.batch.report.cells import share_cells
from checkout_age.batch.report.lift import lift_cells, lift_table, recommendations
from checkout_age.batch.report.model_error import ModelError, error_in_groups
from checkout_age.batch.report.nights import Kinds
from checkout_age.batch.report.notes import absent_nights, drift_caveats, matched, repeated_ids
from checkout_age.batch.report.quantification import Codebook, Quantifier
from checkout_age.batch.report.shares import shares_table
from checkout_age.v1 import age_estimation_pb2 as pb

SHARES = [
    *("by", "value", "age_group", "measure", "purchases", "plain_purchases", "plain_share"),
    *("share", "low", "high", "step", "suppressed"),
]
LIFTS = [
    *("level", "product", "category", "age_group", "purchases", "lift", "low", "high"),
    *("support", "sure", "suppressed"),
]
OFFERS = [
    *("age_group", "rank", "product", "category", "lift", "low", "high", "support"),
    *("first", "last", "model"),
]


@dataclass
class Report:
    """Tables by name, and sentences for what a reader must know of them."""

    asked: Asked
    groups: tuple[str, ...] = ()
    purchases: int = 0
    scored: int = 0
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What is missing and why, each a sentence or two."""
    stability: float | None = None
    """How far the age mix has moved; None where it cannot be told."""
    drift_caveats: list[str] = field(default_factory=list)
    """Why the weeks before may not be comparable."""


def make_report(asked: Asked) -> Report:
    """Read the nights and the baskets once, in DuckDB, and make every table.

    Raises:
        ReportError: the lake or the baskets cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="checkout-age-report-") as spill:
        connection = nights.connect(asked, Path(spill))
        try:
            return _make(connection, asked)
        except (duckdb.Error, pa.ArrowException) as error:
            raise ReportError(
                f"the nights in {asked.lake} or the baskets cannot be read: "
                f"{str(error).splitlines()[0]}"
            ) from error
        finally:
            connection.close()


def _make(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Report:
    baskets.load(connection, asked)
    report = Report(asked, purchases=nights.load(connection, asked))
    repeated = nights.part_repeated(connection, asked)
    files = nights.night_files(asked.lake, asked.first, asked.last)
    groups = nights.groups_of(connection, files)
    report.tables = {
        "shares": pd.DataFrame(columns=SHARES),
        "lift": pd.DataFrame(columns=LIFTS),
        "recommendations": pd.DataFrame(columns=OFFERS),
        "coverage": coverage.coverage_table(connection),
        "baskets": coverage.basket_table(connection),
        "photo_drift": coverage.drift_table(connection),
        "age_drift": pd.DataFrame(columns=["age_group", "before", "now", "change"]),
        "models": coverage.model_table(connection).assign(name="", corrected=False),
    }
    if not report.purchases:
        report.notes.append(
            f"There are no purchases in the lake from {asked.first} to {asked.last}: "
            "nothing to report. `checkout-age-batch status` shows which nights are there."
        )
        return report
    report.notes += absent_nights(asked) + repeated_ids(repeated, baskets=asked.baskets is not None)
    if groups is None:
        report.notes.append(
            "None of the purchases could be scored, so nothing is known of age groups; the "
            "coverage below says why."
        )
    else:
        report.groups = tuple(groups.labels)
        _fill(connection, report, groups, nights.kinds_of(connection, files))
    return report


def _fill(
    connection: duckdb.DuckDBPyConnection, report: Report, groups: AgeGroups, kinds: Kinds
) -> None:
    asked, tables = report.asked, report.tables
    table = share_cells(connection, groups, kinds)
    whole = table.cells("purchases").at(np.array([0]))
    report.scored = int(whole.weights.sum())
    quantifier = _quantifier(report, groups, kinds, whole.weights[0])
    tables["shares"] = shares_table(table, groups, quantifier, asked.threshold)[SHARES]
    tables["age_drift"] = coverage.age_drift_table(connection, groups, asked.threshold)
    report.drift_caveats = drift_caveats(connection, groups)
    report.stability = coverage.stability_index(tables["age_drift"])
    if not matched(report.asked, tables["baskets"], report.notes):
        return
    if quantifier is None:
        report.notes.append("Lifts need corrected shares, so there are none.")
        return
    bought = lift_cells(connection, groups, kinds)
    tables["lift"] = lift_table(bought, groups, whole, quantifier, asked.threshold)[LIFTS]
    tables["recommendations"] = recommendations(tables["lift"]).assign(
        first=str(asked.first), last=str(asked.last), model=", ".join(kinds.models)
    )


def _quantifier(
    report: Report,
    groups: AgeGroups,
    kinds: Kinds,
    whole: NDArray[np.float64],
) -> Quantifier | None:
    """What corrects; None, with a note, where a model of the range does not state its error."""
    errors: list[ModelError] = []
    silent: list[str] = []
    thin: dict[str, list[str]] = {}
    models = report.tables["models"]
    for version in kinds.models:
        facts = _kept(report.asked.lake, version)
        error = None if facts is None else error_in_groups(facts, groups.starts)
        if error is not None and error.unknown:
            thin[version] = [groups.labels[group] for group in error.unknown]
            error = None
        row = models["model"] == version
        models.loc[row, "name"] = "" if facts is None else facts.name
        models.loc[row, "corrected"] = error is not None
        if error is not None:
            errors.append(error)
        elif version not in thin:
            silent.append(version)
    for version, labels in thin.items():
        report.notes.append(
            f"Shares are counted, not corrected: the model {version} knows its error from fewer "
            f"than two labelled photos in {', '.join(labels)}. Draw the nights into groups that "
            "have more (`regroup`)."
        )
    if silent:
        report.notes.append(
            f"Shares are counted, not corrected: the model {', '.join(silent)} does not state its "
            "error by age, being older than that or kept without it. Renew its bundle with "
            "`checkout-age-training calibrate`, serve that and score the nights again "
            "(`rescore`)."
        )
    if silent or thin:
        return None
    if len(errors) > 1:
        report.notes.append(
            f"{len(errors)} models scored this range. Corrected shares are comparable, since each "
            "model's own error is taken out; plain counts before and after a change are not."
        )
    return Quantifier(errors, Codebook(kinds.posteriors, kinds.numbers), whole)


def _kept(lake: Path, version: str) -> pb.GetModelResponse | None:
    try:
        return read_model(lake, version)
    except ValueError as error:
        raise ReportError(str(error)) from error
