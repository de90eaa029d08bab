"""Nights: memory and cost of the job at any size, and its rate beside a load generator's.

make bench-nights [JSON=figures.json]
python -m tests.bench.nights [--large 1000000] [--json FILE]

The job runs as operators run it, as a process whose processor time and peak memory the kernel
tells. For memory and cost the server is a stand-in for the model behind the real gRPC stream; for
the rate it is the real one, asked in turns by the job and by a load generator that has all photos
in memory.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.bench.figures import merge
from tests.bench.timing import machine
from tests.chaos.real_server import RealServer
from tests.e2e.samples import frames

DAY = "2026-11-21"
ROOT = Path(__file__).parents[2]
SMALL = 10_000
SMALL_NIGHTS = 10
"""Half of them before the large one, half after: a machine that others use has slow minutes."""
TINY = 100
"""Purchases of a night that takes hardly more than what any night takes before its first photo."""
PHOTO_FILES = 1_000
PHOTO_BYTES = 20_000


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    purchases: int
    processor_seconds: float
    """Of the job alone, from its first instruction to its last."""
    peak_bytes: int
    seconds: float
    """On the wall, the stages of its record together: without starting Python."""
    scoring_seconds: float


def lay_out(folder: Path, purchases: int, photos: list[bytes]) -> None:
    """A table of purchases in random order, and photos that they name in turns."""
    (folder / "photos").mkdir(parents=True)
    for number, photo in enumerate(photos):
        (folder / "photos" / f"{number}.jpg").write_bytes(photo)
    order = np.random.default_rng(0).permutation(purchases)
    begin = np.datetime64(f"{DAY}T06:00:00", "us")
    writer = None
    for numbers in np.array_split(order, max(1, purchases // 50_000)):
        table = pa.table(
            {
                "purchase_id": [f"receipt-{number:09}" for number in numbers],
                "store_id": [f"store-{number % 40:02}" for number in numbers],
                "purchased_at": begin + (numbers * 50_000 % 57_600_000_000).astype("m8[us]"),
                "photo": [f"{number % len(photos)}.jpg" for number in numbers],
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(folder / "purchases.parquet", table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def run(folder: Path, address: str) -> Cost:
    """Score the night by the command; its record and the kernel tell what it took."""
    lake = Path(tempfile.mkdtemp(dir=folder))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "checkout_age.batch", "run", "--date", DAY),
            *("--purchases", str(folder / "purchases.parquet")),
            *("--photos", str(folder / "photos"), "--out", str(lake), "--server", address),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the night failed"
    record = json.loads(next(lake.glob("runs/*.json")).read_text())
    assert record["rows_new"] == record["purchases"]
    stages = record["seconds_by_stage"]
    return Cost(
        record["purchases"],
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
        sum(stages.values()),
        stages["score"] + stages["write"],
    )


@contextmanager
def stand_in(folder: Path) -> Iterator[str]:
    """The stand-in as a process of its own."""
    port_file = folder / "port"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.standin", "--port-file", str(port_file)],
        stdin=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        while not port_file.exists():
            time.sleep(0.05)
        yield port_file.read_text()
        process.kill()


def memory_and_cost(large: int, folder: Path) -> dict[str, float]:
    """A large night beside small ones."""
    rng = np.random.default_rng(0)
    photos = [rng.bytes(PHOTO_BYTES) for _ in range(PHOTO_FILES)]
    for size in (TINY, SMALL, large):
        lay_out(folder / str(size), size, photos)
    with stand_in(folder) as address:
        tiny = [run(folder / str(TINY), address) for _ in range(5)]
        before = [run(folder / str(SMALL), address) for _ in range(SMALL_NIGHTS // 2)]
        big = run(folder / str(large), address)
        after = [run(folder / str(SMALL), address) for _ in range(SMALL_NIGHTS // 2)]
    small = before + after
    peak = statistics.median(cost.peak_bytes for cost in small)
    begun = statistics.median(cost.seconds for cost in tiny)
    each = [_ms_each(cost, begun) for cost in small]
    figures = {
        "memory_10k_mib": peak / 2**20,
        "memory_1m_mib": big.peak_bytes / 2**20,
        "memory_1m_vs_10k": big.peak_bytes / peak,
        "ms_per_purchase_10k": statistics.median(each),
        "ms_per_purchase_10k_lowest": min(each),
        "ms_per_purchase_10k_highest": max(each),
        "seconds_before_the_first": begun,
        "ms_per_purchase_1m": _ms_each(big, begun),
        "job_ms_per_photo": big.processor_seconds / big.purchases * 1e3,
    }
    figures["seconds_per_purchase_1m_vs_10k"] = (
        figures["ms_per_purchase_1m"] / figures["ms_per_purchase_10k"]
    )
    return {"night_purchases_large": float(large)} | figures


def _ms_each(cost: Cost, begun: float) -> float:
    """Milliseconds a purchase, on the wall, beyond what a night of a few purchases takes."""
    return (cost.seconds - begun) / (cost.purchases - TINY) * 1e3


def load(address: str, photos: list[bytes], count: int) -> float:
    """Photos a second that a load generator gets answered, every photo in memory."""
    requests = (
        pb.EstimateAgesRequest(id=str(number), photo=photos[number % len(photos)])
        for number in range(count)
    )
    with grpc.insecure_channel(address) as channel:
        stub = pb_grpc.AgeEstimationServiceStub(channel)
        stub.GetModel(pb.GetModelRequest())
        begun = time.monotonic()
        answered = sum(1 for _ in stub.EstimateAges(requests))
        seconds = time.monotonic() - begun
    assert answered == count
    return count / seconds


def beside_a_load_generator(count: int, rounds: int, folder: Path) -> dict[str, float]:
    """The rates of both, in turns, from one server."""
    photos = [frame.read_bytes() for frame in frames(ROOT)]
    lay_out(folder / "rate", count, photos)
    ratios, nights, loads = [], [], []
    with RealServer(folder / "server") as server:
        load(server.address, photos, count // 4)
        for _ in range(rounds):
            first = load(server.address, photos, count)
            cost = run(folder / "rate", server.address)
            nights.append(cost.purchases / cost.scoring_seconds)
            second = load(server.address, photos, count)
            loads += [first, second]
            ratios.append(nights[-1] / ((first + second) / 2))
    return {
        "night_photos_per_second": statistics.median(nights),
        "load_generator_photos_per_second": statistics.median(loads),
        "night_vs_load_generator": statistics.median(ratios),
        "night_vs_load_generator_lowest": min(ratios),
        "night_vs_load_generator_highest": max(ratios),
    }


def main() -> None:
    """Print the figures, and put them into the JSON file if one is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, default=1_000_000, help="purchases of the large night")
    parser.add_argument("--count", type=int, default=1500, help="photos for the rates, each time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["memory", "rate"], help="one half")
    parser.add_argument("--json", type=Path, help="file to put the figures into")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-nights-") as folder:
        if given.only != "rate":
            figures |= memory_and_cost(given.large, Path(folder))
        if given.only != "memory":
            figures |= beside_a_load_generator(given.count, given.rounds, Path(folder))
    print(machine())
    for name, value in figures.items():
        print(f"{name:34} {value:.4g}")
    merge(given.json, figures)


if __name__ == "__main__":
    main()
