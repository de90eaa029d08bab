"""The pack: all photos of a split as chips in memory, cut once as the server would cut them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from rich.progress import track

from checkout_age.server.chip import cut_chip
from checkout_age.server.photo import Pixels
from checkout_age.training.photo_file import read_photo


def pack(photos: Sequence[Path], side: int, title: str) -> Pixels:
    """Decode every photo into one array of chips, shape (n, side, side, 3), values 0 to 255."""
    chips = np.empty((len(photos), side, side, 3), np.uint8)
    with ThreadPoolExecutor(2) as readers:
        cut = readers.map(lambda photo: cut_chip(read_photo(photo), side), photos)
        for index, chip in enumerate(track(cut, title, total=len(photos))):
            chips[index] = chip
    return chips
