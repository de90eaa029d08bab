"""Saliency in figures: heat over grey faces, of age groups and of single photos."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.photo import Pixels
from checkout_age.training.evaluation.evaluation_figures import grid
from checkout_age.training.evaluation.saliency import Saliency
from checkout_age.training.evaluation.scores import Scores

HEAT = "viridis"


def group_figure(seen: Saliency, scores: Scores) -> Figure:
    """Each age group's mean face, of all its photos, above the mean map of those looked at."""
    maps = seen.by_group
    largest = max(each.max() for each in maps.values())
    labels = [group.label for group in scores.groups.groups]
    figure = Figure(figsize=(1.35 * len(maps) + 0.8, 3.2), layout="constrained")
    cells = figure.subplots(2, len(maps), squeeze=False)
    for column, (label, heat) in enumerate(maps.items()):
        face = _mean(scores.chips[scores.actual_groups == labels.index(label)])
        cells[0, column].set_title(label, fontsize=9)
        cells[0, column].imshow(face)
        image = _lay(cells[1, column], face, heat, largest)
    for axes in cells.ravel():
        axes.axis("off")
    figure.colorbar(image, ax=cells, label="age told moves, years", shrink=0.8)
    return figure


def photos_figure(seen: Saliency, photos: int = 12) -> Figure:
    """Some of the photos looked at, each beside its own map, which has a scale of its own."""
    rows = np.linspace(0, len(seen.moved) - 1, min(photos, len(seen.moved))).round().astype(int)
    figure, cells = grid(2 * len(rows), columns=8, size=1.2)
    for whole, mapped, row in zip(cells[::2], cells[1::2], rows, strict=True):
        chip, heat = seen.scores.chips[row], seen.moved[row]
        whole.imshow(chip)
        whole.set_title(f"told {seen.scores.ages[row]:.0f}", fontsize=8)
        _lay(mapped, chip, heat, heat.max())
        mapped.set_title(f"up to {heat.max():.1f} years", fontsize=8)
    return figure


def _lay(axes: Axes, chip: Pixels, heat: NDArray[np.float64], largest: float) -> AxesImage:
    """Heat over a grey face, stronger where it is hotter."""
    axes.imshow(Image.fromarray(chip).convert("L"), cmap="gray", vmin=0, vmax=255)
    scale = max(largest, 1e-6)
    return axes.imshow(heat, cmap=HEAT, vmin=0, vmax=scale, alpha=0.65)


def _mean(chips: Pixels) -> Pixels:
    return np.asarray(chips.mean(axis=0).round(), np.uint8)
