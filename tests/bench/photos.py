"""What a photo costs before the network: decoding, finding the face, cutting the chip.

make bench-photos
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from checkout_age.server.chip import cut_chip
from checkout_age.server.decoder import decode
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.shopper import ENOUGH, ShopperFinder
from tests.bench.timing import Spread, in_turns, machine, on_one_core
from tests.e2e.samples import frames

ROOT = Path(__file__).parents[2]
SIZES = ((640, 480), (1920, 1080))
SIDE = 64
ROUNDS = 200
ONE_FACE, TWO_FACES = slice(1, 6), slice(0, 30, 6)
"""Frames of the sample day."""
CASES = (
    ("640 x 480", SIZES[0], 1.0, ONE_FACE),
    ("two faces", SIZES[0], 1.0, TWO_FACES),
    ("1920 x 1080", SIZES[1], 1.0, ONE_FACE),
    ("a far face", SIZES[1], 0.45, ONE_FACE),
)
"""Name, size, share of the height that the frame fills, frames."""


def scaled(frame: Path, size: tuple[int, int], share: float = 1.0) -> bytes:
    """The frame in the middle of a grey JPEG of that size."""
    height = round(size[1] * share)
    width = height * 4 // 3
    with Image.open(frame) as image:
        whole = Image.new("RGB", size, (150, 150, 150))
        whole.paste(
            image.resize((width, height), Image.Resampling.BICUBIC),
            ((size[0] - width) // 2, (size[1] - height) // 2),
        )
    file = BytesIO()
    whole.save(file, "JPEG", quality=90)
    return file.getvalue()


def case(photos: list[bytes], finder: FaceFinder) -> dict[str, Spread]:
    """The steps of some photos, each found to have a face, in turns."""
    shoppers = ShopperFinder(finder, SIDE)
    for photo in photos:
        shoppers.find(photo)  # raises where there is no face: the figures would mean little
    decoded = [decode(photo, enough=ENOUGH).pixels for photo in photos]
    found = [finder.find(pixels)[0][0] for pixels in decoded]
    count = len(photos)
    return in_turns(
        {
            "plain decode (Pillow, all pixels)": lambda n: np.asarray(
                Image.open(BytesIO(photos[n % count]))
            ),
            "decode": lambda n: decode(photos[n % count], enough=ENOUGH),
            "find faces": lambda n: finder.find(decoded[n % count]),
            "cut the chip": lambda n: cut_chip(decoded[n % count], found[n % count], SIDE),
            "together, with quality": lambda n: shoppers.find(photos[n % count]),
        },
        ROUNDS,
    )


def main() -> None:
    """Print a table of medians."""
    on_one_core()
    finder = FaceFinder()
    console = Console(width=190)
    table = Table(title=f"Milliseconds a photo, {machine()}: median (10 % to 90 %)")
    table.add_column("step")
    rows: dict[str, list[str]] = {}
    for name, size, share, which in CASES:
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("/ plain", justify="right")
        photos = [scaled(frame, size, share) for frame in frames(ROOT)[which]]
        times = case(photos, finder)
        plain = next(iter(times.values())).median
        for step, spread in times.items():
            rows.setdefault(step, [step]).extend([str(spread), f"{spread.median / plain:.2f}"])
    for row in rows.values():
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
