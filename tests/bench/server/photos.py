"""The photos that servers are asked with: frames of the sample day as 640 x 480 JPEGs."""

from pathlib import Path

from tests.bench.photos import SIZES, scaled
from tests.e2e.samples import frames

ROOT = Path(__file__).parents[3]


def photos() -> list[bytes]:
    """Sixteen, each with a face."""
    return [scaled(frame, SIZES[0]) for frame in frames(ROOT)[1:17]]


def write_odd_ones(folder: Path) -> None:
    """Beside them a scene without anybody and a large one, which other code is run for."""
    nobody = ROOT / "batch" / "sample" / "photos" / "till-nobody.jpg"
    (folder / "nobody.jpg").write_bytes(nobody.read_bytes())
    (folder / "large.jpg").write_bytes(scaled(frames(ROOT)[1], SIZES[-1]))


def write_photos(folder: Path) -> bytes:
    """Write them for a process that asks; gives the first."""
    folder.mkdir()
    everyone = photos()
    for number, photo in enumerate(everyone):
        (folder / f"{number:02}.jpg").write_bytes(photo)
    return everyone[0]
