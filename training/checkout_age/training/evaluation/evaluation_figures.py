"""Evaluation in figures: each drawn from one of the tables, told apart without colour too."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from checkout_age.server.age import OLDEST
from checkout_age.training.evaluation.evaluation_tables import BAND, signed_errors
from checkout_age.training.evaluation.scores import Scores
from checkout_age.training.report import PALETTE

BLUE, RED, GREEN = PALETTE[:3]
GREY = "#777777"
HEAT = "cividis"
"""Rises in lightness for every kind of eye and in print (Nuñez et al. 2018)."""
FEWEST = 5
"""Bands of labels with fewer photos have no median drawn; tables list them."""
MARKS = (3, 5, 10)
"""Years that the cumulative score is read at."""


def errors_figure(table: pd.DataFrame, watched: tuple[str, ...] = ()) -> Figure:
    """Mean absolute and mean signed error of some groups of people, with 95 % intervals.

    Groups that are `watched` are drawn as squares of another colour.
    """
    figure = Figure(figsize=(9, 1.2 + 0.36 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for place, row in enumerate(table.to_dict("records")):
        colour, marker = (RED, "s") if row["group"] in watched else (BLUE, "o")
        for axes, name in ((left, "mae"), (right, "bias")):
            axes.plot([row[f"{name}_low"], row[f"{name}_high"]], [place, place], color=colour)
            axes.plot(row[name], place, color=colour, marker=marker)
    left.set_yticks(range(len(table)), table["group"])
    left.set_ylim(len(table) - 0.5, -0.5)
    left.set_xlim(left=0)
    left.set_xlabel("mean absolute error, years")
    right.axvline(0, color=GREY, linewidth=1)
    right.set_xlabel("too young  ←  mean signed error, years  →  too old")
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
    return figure


def cumulative_figure(table: pd.DataFrame) -> Figure:
    """The share of photos within so many years, marked at 3, 5 and 10."""
    figure, axes = plot((6, 4))
    axes.plot(table["years"], table["share"] * 100, color=BLUE, marker=".")
    for row in table[table["years"].isin(MARKS)].to_dict("records"):
        place = (row["years"], row["share"] * 100)
        axes.plot(*place, color=RED, marker="s")
        axes.annotate(f"{row['share']:.1%}", place, xytext=(8, -12), textcoords="offset points")
    axes.set(xlabel="years from the label, at most", ylabel="share of photos, %", ylim=(0, 100))
    return figure


def confusion_figure(table: pd.DataFrame) -> Figure:
    """Row by row the shares of a label's age group that were told as each group, in %."""
    shares = (table.div(table.sum(axis=1).clip(lower=1), axis=0) * 100).to_numpy()
    figure, axes = plot((7, 5.5))
    image = axes.imshow(shares, cmap=HEAT, vmin=0, vmax=100)
    for row, column in np.ndindex(shares.shape):
        ink = "black" if shares[row, column] > 50 else "white"  # noqa: PLR2004  # half the scale
        axes.text(column, row, f"{shares[row, column]:.0f}", color=ink, ha="center", va="center")
    axes.set_xticks(range(len(table)), table.columns)
    axes.set_yticks(range(len(table)), table.index)
    axes.set(xlabel="age group told", ylabel="age group of the label")
    axes.grid(visible=False)
    figure.colorbar(image, label="share of the row, %")
    return figure


def told_figure(scores: Scores, table: pd.DataFrame) -> Figure:
    """Ages told over labels, with the diagonal and the median of each band of labels."""
    figure, axes = plot((7, 6))
    oldest = max(OLDEST, float(scores.faces.ages.max()))
    known = _well_known(table)
    cells = axes.hexbin(
        scores.faces.ages,
        scores.ages,
        gridsize=34,
        bins="log",
        mincnt=1,
        cmap=HEAT,
        extent=(0, oldest, 0, OLDEST),
        linewidths=0.1,
    )
    axes.plot([0, OLDEST], [0, OLDEST], color=GREY, linestyle="--", label="told as labelled")
    axes.plot(_middles(known), known["median_told"], color=RED, marker="s", label="median told")
    axes.set(xlabel="label, years", ylabel="age told, years")
    axes.set(xlim=(0, oldest), ylim=(0, OLDEST))
    axes.legend(loc="upper left")
    figure.colorbar(cells, label="photos")
    return figure


def signed_figure(scores: Scores, table: pd.DataFrame) -> Figure:
    """Signed errors over labels: photos, their median and the middle eight in ten."""
    figure, axes = plot((8, 4.5))
    axes.plot(scores.faces.ages, signed_errors(scores), ".", color=GREY, alpha=0.25, markersize=4)
    known = _well_known(table)
    middles = _middles(known)
    axes.fill_between(middles, known["tenth"], known["ninetieth"], color=BLUE, alpha=0.25)
    axes.plot(middles, known["tenth"], color=BLUE, linewidth=0.8)
    axes.plot(middles, known["ninetieth"], color=BLUE, linewidth=0.8, label="eight in ten between")
    axes.plot(middles, known["median_error"], color=RED, marker="s", label="median")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="label, years", ylabel="told too old by, years")
    axes.legend(loc="lower left")
    return figure


def learning_figure(table: pd.DataFrame) -> Figure:
    """Errors and loss after each epoch; a line where the chips' side changes."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(table["epoch"], table["train_mae"], color=BLUE, marker="o", label="train")
    left.plot(table["epoch"], table["valid_mae"], color=RED, marker="s", label="valid")
    left.set(xlabel="epoch", ylabel="mean absolute error, years")
    left.legend()
    right.plot(table["epoch"], table["loss"], color=GREEN, marker="o")
    right.set(xlabel="epoch", ylabel="loss")
    begins = table.loc[table["side"].ne(table["side"].shift()), ["epoch", "side"]]
    for axes in (left, right):
        axes.grid(alpha=0.3)
        for epoch, side in begins.itertuples(index=False):
            axes.axvline(epoch - 0.5, color=GREY, linewidth=0.8)
            place = (epoch - 0.4, 1.01)
            axes.annotate(f"{side} px", place, xycoords=("data", "axes fraction"), fontsize=8)
    return figure


def worst_figure(scores: Scores, photos: int = 24) -> Figure:
    """The chips with the largest errors, first the worst, each with its label and age told."""
    worst = np.argsort(-scores.errors, kind="stable")[:photos]
    figure, cells = grid(len(worst), columns=6, size=1.5)
    for axes, row in zip(cells, worst, strict=True):
        axes.imshow(scores.chips[row])
        age, label = scores.ages[row], scores.faces.ages[row]
        axes.set_title(f"label {label:.0f}, told {age:.0f}", fontsize=9)
    return figure


def grid(pictures: int, columns: int, size: float) -> tuple[Figure, list[Axes]]:
    """Places for square pictures with a title each, `size` inches wide; those left stay empty."""
    lines = max(1, -(-pictures // columns))
    figure = Figure(figsize=(size * columns, size * 1.2 * lines))
    figure.subplots_adjust(0, 0, 1, 1, wspace=0.05, hspace=0.2)
    cells = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in cells:
        axes.axis("off")
    return figure, cells[:pictures]


def plot(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """One pair of axes with a grid, so many inches wide and high."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    return figure, axes


def _well_known(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["photos"] >= FEWEST]


def _middles(table: pd.DataFrame) -> "pd.Series[float]":
    return table["youngest"] + BAND / 2
