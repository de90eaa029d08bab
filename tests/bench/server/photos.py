"""The photos that servers are asked with: frames of the sample day, as JPEGs of two sizes."""

from pathlib import Path

from tests.bench.photos import SIZES, scaled
from tests.e2e.samples import frames

ROOT = Path(__file__).parents[3]


SMALL, LARGE = SIZES


def photos(size: tuple[int, int] = SMALL) -> list[bytes]:
    """Sixteen, each with a face."""
    return [scaled(frame, size) for frame in frames(ROOT)[1:17]]


def write_odd_ones(folder: Path) -> None:
    """Beside them a scene without anybody and a large one, which other code is run for."""
    nobody = ROOT / "batch" / "sample" / "photos" / "till-nobody.jpg"
    (folder / "nobody.jpg").write_bytes(nobody.read_bytes())
    (folder / "large.jpg").write_bytes(scaled(frames(ROOT)[1], LARGE))


def write_photos(folder: Path, size: tuple[int, int] = SMALL) -> bytes:
    """Write them for a process that asks; gives the first."""
    folder.mkdir()
    everyone = photos(size)
    for number, photo in enumerate(everyone):
        (folder / f"{number:02}.jpg").write_bytes(photo)
    return everyone[0]
