"""A mosaic: one picture of many photos, each with a few words below."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from checkout_age.server.photo import Pixels

WORDS = 18
"""Pixels of the line below a photo."""
GAP = 6
WHITE, INK = (255, 255, 255), (34, 34, 34)


def mosaic(
    rows: Sequence[Sequence[tuple[Pixels, str]]], width: int = 96, height: int = 96
) -> Pixels:
    """Rows of photos with their words, each photo within so many pixels.

    Returns:
        Pixels on white, shape (height, width, 3); rows may differ in length, one at least is
        not empty.
    """
    columns = max(len(row) for row in rows)
    step_x, step_y = width + GAP, height + WORDS + GAP
    sheet = Image.new("RGB", (columns * step_x - GAP, len(rows) * step_y - GAP), WHITE)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for row, photos in enumerate(rows):
        for column, (pixels, words) in enumerate(photos):
            x, y = column * step_x, row * step_y
            image = Image.fromarray(pixels)
            box = (width, height)
            sheet.paste(ImageOps.pad(image, box, Image.Resampling.LANCZOS, color=WHITE), (x, y))
            pen.text((x + width / 2, y + height + WORDS / 2), words, INK, font, anchor="mm")
    return np.asarray(sheet)


def in_rows(
    photos: Sequence[tuple[Pixels, str]], columns: int
) -> list[Sequence[tuple[Pixels, str]]]:
    """The photos in rows of so many."""
    return [photos[start : start + columns] for start in range(0, len(photos), columns)]
