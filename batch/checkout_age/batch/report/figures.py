"""The report's figures: matplotlib drawings for a wide page and for a phone, without any script.

Colours are Okabe and Ito's (2008), told apart by every kind of eye; lines differ by dash and
marker too and cells of the heat map carry their numbers, so that a grey print says the same.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

WIDE, NARROW = 9.0, 3.6
"""Inches, at 100 pixels an inch about the widths of a page and of a phone."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7f7f7f")
DASHES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "checkout-age",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
MOST_PRODUCTS = 25
"""Rows of a heat map that can still be read."""


def drawn(figure: Figure) -> str:
    """The figure as SVG to stand in a page; the same figure gives the same text."""
    file = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def shares_by_group(told: pd.DataFrame, groups: Sequence[str], width: float) -> Figure:
    """A bar for each group's corrected share with its interval, and a mark at the plain one.

    Where shares are not corrected, bars are the plain ones; a suppressed group has none.
    """
    shares = told.drop_duplicates("age_group").set_index("age_group").reindex(list(groups)[::-1])
    corrected = shares["share"].astype(float)
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 0.6 + 0.32 * len(groups)), layout="constrained")
        axes = figure.add_subplot()
        bars = corrected.fillna(shares["plain_share"].astype(float)) * 100
        axes.barh(shares.index, bars, color=COLOURS[0], alpha=0.8, height=0.6)
        spans = shares[corrected.notna()]
        beside = [(spans["share"] - spans["low"]) * 100, (spans["high"] - spans["share"]) * 100]
        axes.errorbar(
            spans["share"] * 100, spans.index, xerr=beside, fmt="none", ecolor="black", capsize=3
        )
        axes.plot(shares["plain_share"] * 100, shares.index, "D", color=COLOURS[4], markersize=5)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    return figure


def shares_over_time(days: pd.DataFrame, groups: Sequence[str], width: float) -> Figure:
    """A small chart for each group: its share of purchases by day, corrected with its band.

    Where shares are not corrected, the plain ones are drawn.
    """
    columns = 4 if width >= WIDE else 2
    rows = -(-len(groups) // columns)
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 1.9 * rows), layout="constrained")
        for place, group in enumerate(groups):
            axes = figure.add_subplot(rows, columns, place + 1)
            _share_lines(axes, days[days["age_group"] == group], COLOURS[place % len(COLOURS)])
            axes.set_title(group, fontsize=9, fontweight="bold", loc="left")
    return figure


def _share_lines(axes: Axes, told: pd.DataFrame, colour: str) -> None:
    days = pd.to_datetime(told["value"]).to_numpy()
    is_corrected = bool(told["share"].notna().any())
    share = told["share"] if is_corrected else told["plain_share"]
    if is_corrected:
        low, high = told["low"].to_numpy() * 100, told["high"].to_numpy() * 100
        axes.fill_between(days, low, high, color=colour, alpha=0.25, linewidth=0)
        if len(days) == 1:  # a band of one day has no width
            axes.vlines(days, low, high, color=colour, alpha=0.5)
    axes.plot(days, share.to_numpy() * 100, color=colour, marker=".", linewidth=1.2)
    axes.plot(
        days, told["plain_share"].to_numpy() * 100, color="#555555", linewidth=0.8, linestyle=":"
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    axes.tick_params(axis="x", labelrotation=45, labelsize=7)
    if len(days):
        places = np.unique(np.linspace(0, len(days) - 1, min(4, len(days))).round().astype(int))
        axes.set_xticks(days[places], [str(day)[5:10] for day in days[places]])


def lift_map(lifts: pd.DataFrame, groups: Sequence[str], width: float) -> Figure:
    """Products by groups: purple where a group buys less than everybody, orange where more.

    Bold numbers are above 1 beyond chance; an empty cell is suppressed.
    """
    table = lifts.pivot_table(
        index="product", columns="age_group", values="lift", aggfunc="first", dropna=False
    ).reindex(columns=list(groups))
    sure = lifts.pivot_table(
        index="product", columns="age_group", values="sure", aggfunc="first", dropna=False
    ).reindex(columns=list(groups))
    firm = sure.to_numpy() == True  # noqa: E712  # nothing is known of a group that is absent
    small = width < WIDE
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 1.0 + 0.28 * len(table)), layout="constrained")
        axes = figure.add_subplot()
        values = np.log2(np.clip(table.to_numpy(float), 0.25, 4))
        axes.imshow(values, aspect="auto", cmap="PuOr_r", norm=TwoSlopeNorm(0, -2, 2))
        for (row, column), lift in np.ndenumerate(table.to_numpy(float)):
            if np.isfinite(lift):
                axes.text(
                    column,
                    row,
                    f"{lift:.1f}",
                    ha="center",
                    va="center",
                    fontsize=6 if small else 8,
                    color="white" if abs(values[row, column]) > 1.4 else "black",  # noqa: PLR2004
                    fontweight="bold" if firm[row, column] else "normal",
                )
        axes.set_xticks(range(len(groups)), groups, rotation=45, fontsize=6 if small else 8)
        axes.set_yticks(range(len(table)), table.index, fontsize=7 if small else 8)
        axes.tick_params(length=0)
    return figure


def coverage_by_hour(coverage: pd.DataFrame, width: float) -> Figure:
    """The share of purchases scored in each hour, a line for each store."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 3.0), layout="constrained")
        axes = figure.add_subplot()
        for place, (store, told) in enumerate(coverage.groupby("store")):
            axes.plot(
                told["hour"].astype(int),
                told["share"] * 100,
                label=str(store),
                color=COLOURS[place % len(COLOURS)],
                linestyle=DASHES[place // len(COLOURS) % len(DASHES)],
                marker="os^Dv"[place % 5],
                markersize=4,
            )
        axes.set_ylim(0, 102)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
        axes.set_xlabel("hour of the shop's clock")
        axes.set_ylabel("scored")
        hours = sorted(coverage["hour"].astype(int).unique())
        axes.set_xticks(hours[:: 1 if width >= WIDE or len(hours) < 9 else 2])  # noqa: PLR2004
        axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower left")
    return figure
