"""Calibration in figures: what was said against what was seen; the diagonal is as it should be."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from checkout_age.training.evaluation.calibration_tables import label_levels
from checkout_age.training.evaluation.evaluation_figures import BLUE, GREY, RED, plot
from checkout_age.training.evaluation.scores import Scores


def reliability_figure(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Probabilities of age groups as said and as seen; what is calibrated lies on the diagonal."""
    figure, axes = plot((5.5, 5))
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--")
    for (name, table), colour, marker in zip(tables.items(), (BLUE, RED), "os", strict=False):
        axes.plot(table["said"] * 100, table["seen"] * 100, color=colour, marker=marker, label=name)
    axes.set(xlabel="probability said, %", ylabel="share that was right, %")
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.legend(loc="upper left")
    return figure


def coverage_figure(scores: Scores, table: pd.DataFrame, served: pd.DataFrame) -> Figure:
    """Labels inside central intervals, over the probability that the intervals hold."""
    needed = np.sort(label_levels(scores)) * 100
    figure, axes = plot((5.5, 5))
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--")
    axes.plot(needed, np.arange(1, len(needed) + 1) / len(needed) * 100, color=BLUE)
    axes.plot(table["level"] * 100, table["seen"] * 100, "o", color=BLUE, label="all told ages")
    axes.plot(
        served["level"] * 100, served["seen"] * 100, "s", color=RED, label="as served, by told age"
    )
    axes.set(xlabel="probability that the interval holds, %", ylabel="labels inside it, %")
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.legend(loc="upper left")
    return figure
