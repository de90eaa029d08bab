"""What a report reads, copied here for as long as it is made, where it lies on other storage."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq

from checkout_age.batch.lake import TABLE
from checkout_age.batch.models import FOLDER as MODELS
from checkout_age.batch.place import Place
from checkout_age.batch.report.asked import ReportError


@contextmanager
def local_copy(
    lake: str, baskets: str | None, days: Iterable[date] | None = None
) -> Iterator[tuple[Path, str | None]]:
    """Paths of this machine for the lake and the baskets, each a path or a URI of pyarrow.fs.

    Of a lake elsewhere the nights of these days are copied (None: all), of the others the ids where
    there are baskets, and what its models said of themselves; the copy is gone when the block ends.
    What is here already is used as it is.

    Raises:
        PlaceError: a URI names no file system that can be used.
        ReportError: there is no lake or no baskets, or their storage does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="checkout-age-copy-") as folder:
        here = _lake(lake, Path(folder), days, ids=baskets is not None)
        yield here, _baskets(baskets, Path(folder))


def _lake(given: str, folder: Path, days: Iterable[date] | None, *, ids: bool) -> Path:
    if "://" not in given:
        return Path(given)
    place = Place.of(given)
    if place.local is not None:
        return place.local
    copy = folder / "lake"
    table = place / TABLE
    (copy / TABLE).mkdir(parents=True)
    wanted = None if days is None else {f"purchase_date={day.isoformat()}" for day in days}
    with _telling(place):
        nights = table.children()
        for night in nights:
            if wanted is None or night.name in wanted:
                _copy(night, copy / TABLE / night.name)
            elif ids:
                _copy_ids(night, copy / TABLE / night.name)
        models = place / MODELS
        if models.is_folder():
            _copy(models, copy / MODELS)
    if not nights:
        raise ReportError(
            f"{place.shown} is no lake: it has no folder {TABLE}; name what `run --out` was given"
        )
    return copy


def _baskets(given: str | None, folder: Path) -> str | None:
    if given is None or "://" not in given:
        return given
    place = Place.of(given)
    if place.local is not None:
        return place.path
    with _telling(place):
        if not place.exists():
            raise ReportError(f"there are no basket lines at {place.shown}")
        _copy(place, folder / place.name)
    return str(folder / place.name)


def _copy_ids(night: Place, to: Path) -> None:
    """Of a night out of the range the ids alone, which baskets must not be joined to twice."""
    for file in night.children():
        if file.path.endswith(".parquet"):
            to.mkdir(parents=True, exist_ok=True)
            with file.filesystem.open_input_file(file.path) as source:
                rows = pq.ParquetFile(source).read(["purchase_id"])
            pq.write_table(rows, to / file.name, compression="zstd")


def _copy(place: Place, to: Path) -> None:
    if place.is_folder():
        to.mkdir(parents=True)
    pafs.copy_files(
        place.path,
        str(to),
        source_filesystem=place.filesystem,
        destination_filesystem=pafs.LocalFileSystem(),
    )


@contextmanager
def _telling(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"{place.shown} cannot be read: {error}") from error
