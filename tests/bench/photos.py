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
from tests.bench.timing import in_turns, machine, on_one_core
from tests.e2e.samples import frames

ROOT = Path(__file__).parents[2]
SIZES = ((640, 480), (1920, 1080))
SIDE = 64
ROUNDS = 200


def scaled(frame: Path, size: tuple[int, int]) -> bytes:
    """The frame as a JPEG of that size; cut at top and bottom where it is too tall."""
    with Image.open(frame) as image:
        whole = image.resize((size[0], size[0] * 3 // 4), Image.Resampling.BICUBIC)
        top = (whole.height - size[1]) // 2
        file = BytesIO()
        whole.crop((0, top, size[0], top + size[1])).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    """Print a table of medians."""
    on_one_core()
    finder = FaceFinder()
    shoppers = ShopperFinder(finder, SIDE)
    table = Table(title=f"Milliseconds a photo, {machine()}", title_justify="left")
    table.add_column("step")
    for size in SIZES:
        table.add_column(f"{size[0]} x {size[1]}: median (10 % to 90 %)", justify="right")
        table.add_column("/ plain decode", justify="right")
    rows: dict[str, list[str]] = {}
    for size in SIZES:
        photos = [scaled(frame, size) for frame in frames(ROOT)[1:12:2]]
        photos = [photo for photo in photos if finder.find(decode(photo).pixels)[0]]
        decoded = [decode(photo, enough=ENOUGH).pixels for photo in photos]
        found = [finder.find(pixels)[0][0] for pixels in decoded]

        def of(number: int, count: int = len(photos)) -> int:
            return number % count

        times = in_turns(
            {
                "plain decode (Pillow, all pixels)": lambda n: np.asarray(
                    Image.open(BytesIO(photos[of(n)]))  # noqa: B023
                ),
                "decode": lambda n: decode(photos[of(n)], enough=ENOUGH),  # noqa: B023
                "find the face": lambda n: finder.find(decoded[of(n)]),  # noqa: B023
                "cut the chip": lambda n: cut_chip(decoded[of(n)], found[of(n)], SIDE),  # noqa: B023
                "together, with quality": lambda n: shoppers.find(photos[of(n)]),  # noqa: B023
            },
            ROUNDS,
        )
        plain = next(iter(times.values())).median
        for step, spread in times.items():
            rows.setdefault(step, [step]).extend([str(spread), f"{spread.median / plain:.2f}"])
    for row in rows.values():
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


if __name__ == "__main__":
    main()
