"""Nights that are killed at random moments, and finished by a second run.

make chaos-nights [JSON=figures.json]
python -m tests.chaos.nights [--kills 300] [--real 12] [--seed 1] [--json FILE]

Each kill is SIGKILL to the job, to its server, or to both, at a random moment of a run. Then
a second run must leave exactly the rows of a night that was never broken. Most kills are against a
stand-in for the model behind the real gRPC stream, some against the real server. Progress is made
durable every 20 ms instead of every 2 s, so that a small night has as many seams as a large one.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.figures import merge
from tests.chaos.night_jobs import (
    REFERENCES,
    Night,
    answered,
    job,
    lay_out,
    reference,
    stand_in_server,
    start_method,
)
from tests.chaos.real_server import RealServer

KINDS = ("job", "server", "both")
PURCHASES = 240


@dataclass
class Tally:
    """What came of all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    real: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    other_bytes: int = 0
    half_nights_seen: int = 0
    rows_taken_over: int = 0
    photos_of_nights: int = 0
    """That the nights against the stand-in have to send."""
    photos_answered: int = 0
    """That the stand-in answered in both runs of each; more than those were sent again."""
    second_runs_failed: int = 0

    def figures(self) -> dict[str, int]:
        """As JSON has them; all but the first ones must be 0."""
        return {
            "night_kills": self.kills.total(),
            **{f"night_kills_of_{kind}": self.kills[kind] for kind in KINDS},
            "night_kills_with_the_real_server": self.real,
            "night_rows_taken_over": self.rows_taken_over,
            "night_photos": self.photos_of_nights,
            "night_photos_sent_again": self.photos_answered - self.photos_of_nights,
            "lost": self.lost,
            "doubled": self.doubled,
            "differing": self.differing,
            "night_files_with_other_bytes": self.other_bytes,
            "half_nights_seen": self.half_nights_seen,
            "second_runs_failed": self.second_runs_failed,
        }

    def failed(self) -> bool:
        """Whether anything was lost, doubled or otherwise not as it must be."""
        wrong = (self.lost, self.doubled, self.differing, self.other_bytes)
        return any((*wrong, self.half_nights_seen, self.second_runs_failed))


def compare(tally: Tally, night: Night, unbroken: pa.Table, digest: str) -> None:
    """Hold a finished night against the one that was never broken."""
    if not night.file.exists():
        tally.second_runs_failed += 1
        return
    rows = pq.read_table(night.file)
    expected = unbroken.to_pylist()
    found: dict[str, list[dict[str, object]]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["purchase_id"], []).append(row)
    tally.lost += sum(row["purchase_id"] not in found for row in expected)
    tally.doubled += sum(len(each) - 1 for each in found.values())
    tally.differing += sum(row not in found.get(row["purchase_id"], [row]) for row in expected)
    tally.other_bytes += night.digest() != digest


def chaos(tally: Tally, kills: int, rng: random.Random, folder: Path) -> None:
    """Kill runs against the stand-in."""
    context = start_method()
    shop = lay_out(folder / "shop", PURCHASES)
    server = stand_in_server(context, folder / "port")
    address = (folder / "port").read_text()
    unbroken, digest, seconds = reference(context, shop, folder / "unbroken", address)
    photos = answered(folder / "port") // REFERENCES
    try:
        for number in range(kills):
            kind = KINDS[number % len(KINDS)]
            night = Night(shop, folder / f"night-{number}")
            before = answered(folder / "port")
            first = job(context, night, address)
            moment = rng.uniform(0, seconds * 1.1)
            first.join(moment)
            if kind in ("job", "both"):
                first.kill()
            if kind in ("server", "both"):
                server.kill()
                server.join()
                time.sleep(rng.uniform(0, 0.3))
                server = stand_in_server(context, folder / "port", address)
            first.join()
            tally.kills[kind] += 1
            tally.half_nights_seen += not night.absent_or_whole(PURCHASES)
            second = job(context, night, address)
            second.join(120)
            tally.rows_taken_over += night.rows_taken_over()
            tally.photos_answered += answered(folder / "port") - before
            tally.photos_of_nights += photos
            compare(tally, night, unbroken, digest)
            night.remove()
            if sys.stderr.isatty() or number % 25 == 24:
                print(f"{number + 1} of {kills} kills", file=sys.stderr)
    finally:
        server.kill()


def chaos_with_the_real_server(tally: Tally, kills: int, rng: random.Random, folder: Path) -> None:
    """Kill runs of the sample day against the real server, started anew where it was killed."""
    context = start_method()
    shop = lay_out(folder / "shop", 60, photos_of_the_sample_day=True)
    with ExitStack() as stack:
        server = stack.enter_context(RealServer(folder / "real"))
        unbroken, digest, seconds = reference(context, shop, folder / "unbroken", server.address)
        for number in range(kills):
            kind = KINDS[number % 4 % 3]
            night = Night(shop, folder / f"night-{number}")
            first = job(context, night, server.address, patience=120)
            first.join(rng.uniform(0, seconds))
            if kind in ("job", "both"):
                first.kill()
            if kind in ("server", "both"):
                server.kill_and_start_again()
            first.join()
            tally.kills[kind] += 1
            tally.real += 1
            tally.half_nights_seen += not night.absent_or_whole(60)
            second = job(context, night, server.address, patience=120)
            second.join(240)
            tally.rows_taken_over += night.rows_taken_over()
            compare(tally, night, unbroken, digest)
            night.remove()


def main() -> None:
    """Print the figures; end with status 1 where anything was lost, doubled or differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--real", type=int, default=12, help="further kills, with the real server")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", type=Path, help="file to put the figures into")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    tally, rng, begun = Tally(), random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-nights-") as folder:
        chaos(tally, given.kills, rng, Path(folder))
        if given.real:
            with tempfile.TemporaryDirectory(prefix="chaos-nights-") as other:
                chaos_with_the_real_server(tally, given.real, rng, Path(other))
    figures = tally.figures()
    print(f"seed {seed}, {time.monotonic() - begun:.0f} s")
    for name, value in figures.items():
        print(f"{name:36} {value}")

    merge(given.json, figures)
    sys.exit(tally.failed())


if __name__ == "__main__":
    main()
