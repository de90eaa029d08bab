"""Which decoder is fastest: those that a wheel ships, to an array of RGB pixels.

make bench-decoders
"""

from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
import pyvips
import simplejpeg
from PIL import Image
from rich.console import Console
from rich.table import Table

from tests.bench.photos import ROOT, SIZES, scaled
from tests.bench.timing import in_turns, machine, on_one_core
from tests.e2e.samples import frames

ROUNDS = 200


def decoders(photo: bytes, reduction: int) -> dict[str, Callable[[int], object]]:
    """Each library's own way to whole or to half the size."""
    with Image.open(BytesIO(photo)) as image:
        least = (image.width // reduction, image.height // reduction)
    flag = cv2.IMREAD_COLOR if reduction == 1 else cv2.IMREAD_REDUCED_COLOR_2

    def pillow(_: int) -> object:
        image = Image.open(BytesIO(photo))
        if reduction > 1:
            image.draft("RGB", least)
        return np.asarray(image)

    def simple(_: int) -> object:
        return simplejpeg.decode_jpeg(photo, "RGB", min_width=least[0], min_height=least[1])

    def opencv(_: int) -> object:
        pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), flag)
        assert pixels is not None
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def vips(_: int) -> object:
        return pyvips.Image.jpegload_buffer(photo, shrink=reduction).numpy()

    return {"Pillow": pillow, "simplejpeg": simple, "OpenCV": opencv, "libvips": vips}


def main() -> None:
    """Print a table of medians."""
    on_one_core()
    cv2.setNumThreads(1)
    table = Table(title=f"Milliseconds a JPEG, {machine()}", title_justify="left")
    table.add_column("decoder")
    rows: dict[str, list[str]] = {}
    for size, reduction in ((SIZES[0], 1), (SIZES[1], 1), (SIZES[1], 2)):
        table.add_column(f"{size[0]} x {size[1]}, 1/{reduction}", justify="right")
        times = in_turns(decoders(scaled(frames(ROOT)[3], size), reduction), ROUNDS)
        for name, spread in times.items():
            rows.setdefault(name, [name]).append(str(spread))
    for row in rows.values():
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


if __name__ == "__main__":
    main()
