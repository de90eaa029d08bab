"""Jobs and servers as processes of their own that can be killed, quick to start."""

import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import date
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd  # Arrow imports it at its first array; here it is imported once for all jobs
import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.batch import progress_store
from checkout_age.batch.failures import status_of
from checkout_age.batch.progress import Watch
from checkout_age.batch.run import run_night
from checkout_age.batch.scoring import Patience
from checkout_age.batch.sources import Scorer, Sources
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.standin import StandIn, estimate_of, serving_stand_in

DAY = date(2026, 11, 21)
DURABLE_EVERY = 0.02
REFERENCES = 3
"""Unbroken nights, of which the middle one's time counts."""
PRELOADED = (pd.__name__, pa.__name__)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shop:
    """What nights are scored from."""

    table: Path
    photos: Path


@dataclass(frozen=True)
class Night:
    """One night in a lake of its own."""

    shop: Shop
    lake: Path

    @property
    def file(self) -> Path:
        return self.lake / f"purchase_ages/purchase_date={DAY}/part-0.parquet"

    def digest(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def absent_or_whole(self, purchases: int) -> bool:
        return not self.file.exists() or pq.read_metadata(self.file).num_rows == purchases

    def rows_taken_over(self) -> int:
        """Rows that the runs took over from one that was killed."""
        records = (json.loads(path.read_text()) for path in self.lake.glob("runs/*.json"))
        return sum(record["rows_resumed"] for record in records)

    def remove(self) -> None:
        shutil.rmtree(self.lake)


def start_method() -> ForkServerContext:
    """Processes that are forked off one that has imported all and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def lay_out(folder: Path, purchases: int, *, photos_of_the_sample_day: bool = False) -> Shop:
    """Purchases in three stores; some lack their photo, some photos show nobody or are empty."""
    shop = Shop(folder / "purchases.csv", folder / "photos")
    shop.photos.mkdir(parents=True)
    sample = sorted((ROOT / "batch/sample/photos").glob("till-*.jpg"))
    lines = ["purchase_id,store_id,purchased_at,photo"]
    for number in range(purchases):
        name = f"{number}.jpg"
        lines.append(f"p-{number},store-{number % 3},{DAY}T{number % 24:02}:00:00,{name}")
        if photos_of_the_sample_day:
            shutil.copy(sample[number % len(sample)], shop.photos / name)
        elif number % 41:
            empty, nobody = number % 37 == 0, number % 31 == 0
            content = b"" if empty else b"no face" if nobody else f"photo {number}".encode()
            (shop.photos / name).write_bytes(content)
    shop.table.write_text("\n".join(lines) + "\n")
    return shop


def job(
    context: ForkServerContext, night: Night, address: str, patience: float = 20.0
) -> BaseProcess:
    """A run of the night, begun."""
    process = context.Process(target=_run, args=(night, address, patience))
    process.start()
    return process


def _run(night: Night, address: str, patience: float) -> None:
    progress_store.EVERY = DURABLE_EVERY
    scorer = Scorer(address, patience=Patience(deadline=30, away=patience), readers=2)
    sources = Sources(night.shop.table, night.shop.photos, night.lake, ZoneInfo("UTC"), scorer)
    try:
        run_night(DAY, sources, Watch(lambda *_: None, 1e9))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(status_of(error) or 1)


def stand_in_server(
    context: ForkServerContext, port_file: Path, address: str | None = None
) -> BaseProcess:
    """A stand-in that serves, at an address where it stood before if one is given.

    For each photo that it answers a file beside the port's grows by a byte, see `answered`.
    """
    port_file.unlink(missing_ok=True)
    port = 0 if address is None else int(address.rpartition(":")[2])
    process = context.Process(target=_serve, args=(port_file, port), daemon=True)
    process.start()
    deadline = time.monotonic() + 30
    while not port_file.exists():
        assert time.monotonic() < deadline, "the stand-in does not start"
        time.sleep(0.005)
    return process


def answered(port_file: Path) -> int:
    """Photos that stand-ins at that port have answered so far."""
    return _count(port_file).stat().st_size


def _count(port_file: Path) -> Path:
    return port_file.with_suffix(".answered")


def _serve(port_file: Path, port: int) -> None:
    count = os.open(_count(port_file), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def takes_a_millisecond(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        time.sleep(0.001)
        os.write(count, b".")
        return estimate_of(request.photo)

    with serving_stand_in(StandIn(takes_a_millisecond), port) as address:
        written = port_file.with_suffix(".new")
        written.write_text(address)
        written.replace(port_file)
        time.sleep(1e6)


def reference(
    context: ForkServerContext, shop: Shop, lake: Path, address: str
) -> tuple[pa.Table, str, float]:
    """The rows of a night that nothing broke, the digest of its bytes, and how long it took."""
    seconds = []
    for number in range(REFERENCES):
        night = Night(shop, lake / str(number))
        begun = time.monotonic()
        process = job(context, night, address)
        process.join()
        seconds.append(time.monotonic() - begun)
        assert process.exitcode == 0, "the unbroken night fails"
    return pq.read_table(night.file), night.digest(), sorted(seconds)[1]
