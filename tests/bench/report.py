"""A year of a chain: what a report of ten million purchases takes, in seconds and memory.

make bench-report [JSON=file]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from checkout_age.batch.models import keep_model
from tests.bench.figures import merge
from tests.bench.timing import machine
from tests.lakes import Photos, made_up_photos, write_night

PURCHASES = 10_000_000
DAYS = 365
FIRST = date(2025, 11, 1)
STORES = [f"store-{number:02d}" for number in range(20)]
HOURS = range(8, 21)
PRODUCTS, CATEGORIES = 400, 40
LINES = 2.5
"""Basket lines of a purchase on average; at least one."""
CORES = 2


def make_lake(folder: Path, purchases: int, days: int) -> Path:
    """A lake of so many purchases, and baskets.parquet in it; the baskets' path."""
    labelled, photos = made_up_photos(1200, 1), made_up_photos(20_000, 2)
    keep_model(folder, labelled.model())
    generator = np.random.default_rng(0)
    baskets = folder / "baskets.parquet"
    with pq.ParquetWriter(baskets, _lines(["none"], np.zeros(1, int), generator).schema) as writer:
        for number in range(days):
            rows = generator.integers(0, len(photos.ages), purchases // days)
            day = FIRST + timedelta(days=number)
            ids = write_night(folder, day, photos, rows, stores=STORES, hours=HOURS)
            writer.write_table(_lines(ids, _groups(photos, rows), generator))
    return baskets


def _groups(photos: Photos, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(photos.groups[rows])


def _lines(ids: list[str], groups: NDArray[np.int64], generator: np.random.Generator) -> pa.Table:
    """Lines of products that are bought by rank, and a little more by one group each."""
    lines = 1 + generator.poisson(LINES - 1, len(ids))
    owner = np.repeat(np.arange(len(ids)), lines)
    product = np.minimum(generator.zipf(1.2, len(owner)), PRODUCTS) - 1
    liked = generator.random(len(owner)) < 0.1
    product = np.where(liked, product // 8 * 8 + groups[owner], product) % PRODUCTS
    names = pa.array([f"product-{number:03d}" for number in range(PRODUCTS)])
    categories = pa.array([f"category-{number:02d}" for number in range(CATEGORIES)])
    return pa.table(
        {
            "purchase_id": pa.array(ids).take(pa.array(owner)),
            "product": names.take(pa.array(product)),
            "category": categories.take(pa.array(product * CATEGORIES // PRODUCTS)),
            "quantity": generator.integers(1, 4, len(owner)),
            "amount": generator.gamma(2, 2, len(owner)).round(2),
        }
    )


def run_report(lake: Path, baskets: Path, days: int) -> tuple[float, float]:
    """Seconds and peak MiB of the command, on two cores."""
    last = FIRST + timedelta(days=days - 1)
    command = [
        *(sys.executable, "-m", "checkout_age.batch", "report", "--lake", str(lake)),
        *("--baskets", str(baskets), "--from", str(FIRST), "--to", str(last)),
        *("--out", str(lake / "report")),
    ]
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:CORES]))
    begun = time.monotonic()
    subprocess.run(command, check=True)
    seconds = time.monotonic() - begun
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Make the year, report on it, print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--purchases", type=int, default=PURCHASES)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--lake", type=Path, help="keep the lake there, or use the one there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="checkout-age-year-") as scratch:
        lake = given.lake or Path(scratch)
        baskets = lake / "baskets.parquet"
        if not baskets.is_file():
            lake.mkdir(parents=True, exist_ok=True)
            baskets = make_lake(lake, given.purchases, given.days)
        lines = pq.read_metadata(baskets).num_rows
        seconds, mebibytes = run_report(lake, baskets, given.days)
    print(
        f"{given.purchases // given.days * given.days:,} purchases of {given.days} days with "
        f"{lines:,} basket lines: {seconds:.1f} s, {mebibytes:,.0f} MiB at its peak; {machine()}"
    )
    merge(given.json, {"report_10m_seconds": seconds, "report_10m_mebibytes": mebibytes})


if __name__ == "__main__":
    main()
