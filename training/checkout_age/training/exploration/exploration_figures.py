"""The exploration in figures: each drawn from one of its tables, told apart without colour too."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from checkout_age.server.age import OLDEST
from checkout_age.training.exploration.alignment import Alignment
from checkout_age.training.report import PALETTE

BLUE, RED = PALETTE[:2]
GREY = "#777777"
HATCHES = ("", "//", "..", "xx")
HEAT = "cividis"


def ages_figure(by_year: pd.DataFrame) -> Figure:
    """Photos by year of age; years that stand out are hatched."""
    figure, axes = _one((9, 3.6))
    usual, spikes = by_year[~by_year["spike"]], by_year[by_year["spike"]]
    axes.bar(usual["age"], usual["photos"], width=0.9, color=BLUE)
    if len(spikes):
        label = "stands out from its neighbours"
        axes.bar(spikes["age"], spikes["photos"], 0.9, color=RED, hatch="//", label=label)
        axes.legend(loc="upper right")
    axes.set(xlabel="age, years", ylabel="photos")
    return figure


def groups_figure(shares: pd.DataFrame) -> Figure:
    """The share of each age group, a row, in each split, a column."""
    figure, axes = _one((9, 3.6))
    width = 0.8 / max(len(shares.columns), 1)
    places = np.arange(len(shares))
    for number, split in enumerate(shares.columns):
        shift = (number - (len(shares.columns) - 1) / 2) * width
        colour, hatch = PALETTE[number % len(PALETTE)], HATCHES[number % len(HATCHES)]
        axes.bar(places + shift, shares[split] * 100, width, color=colour, hatch=hatch, label=split)
    axes.set_xticks(places, shares.index)
    axes.set(xlabel="age group, years", ylabel="share of the split's photos, %")
    axes.legend()
    return figure


def spreads_figure(by_spread: pd.DataFrame) -> Figure:
    """Groups of near-duplicates by the years between their labels."""
    figure, axes = _one((6, 3))
    bars = axes.bar(by_spread["years apart"], by_spread["groups"], color=BLUE)
    axes.bar_label(bars)
    axes.margins(y=0.12)
    axes.set(xlabel="years between the labels of one photo's copies", ylabel="groups")
    return figure


def sizes_figure(widths: "pd.Series[int]", heights: "pd.Series[int]") -> Figure:
    """Width and height of each photo, in pixels."""
    figure, axes = _one((5.5, 4.5))
    axes.plot(widths, heights, ".", color=BLUE, alpha=0.3)
    axes.set(xlabel="width, pixels", ylabel="height, pixels")
    axes.set(xlim=0, ylim=0)
    return figure


def apparent_figure(real: "pd.Series[float]", apparent: "pd.Series[float]") -> Figure:
    """Apparent ages over real ones, with the diagonal."""
    figure, axes = _one((6.5, 5.5))
    cells = axes.hexbin(
        real,
        apparent,
        gridsize=34,
        bins="log",
        mincnt=1,
        cmap=HEAT,
        extent=(0, OLDEST, 0, OLDEST),
        linewidths=0.1,
    )
    axes.plot([0, OLDEST], [0, OLDEST], color=GREY, linestyle="--")
    axes.set(xlabel="real age, years", ylabel="apparent age, years")
    figure.colorbar(cells, label="photos")
    return figure


def alignment_figure(alignment: Alignment) -> Figure:
    """The mean of the photos and of the chips, each with the eyes of every photo."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, title, picture, eyes in (
        (panels[0], "photos as they are", alignment.mean_square, alignment.eyes_before),
        (panels[1], "chips", alignment.mean_chip, alignment.eyes_after),
    ):
        axes.imshow(picture, extent=(0, 100, 100, 0))
        for eye, colour, marker in ((0, "#56B4E9", "o"), (1, "#E69F00", "x")):
            axes.plot(*eyes[:, eye].T * 100, marker, color=colour, markersize=3, alpha=0.7)
        axes.set(xlim=(0, 100), ylim=(100, 0), title=title)
        axes.set(xlabel="% of the side", ylabel="% of the side")
    return figure


def _one(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes
