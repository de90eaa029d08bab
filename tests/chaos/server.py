"""What the server promises under load, tried: swaps, drains, overload.

make chaos-server                       all in full: 1,000 swaps, 100 drains
make chaos-server SWAPS=20 DRAINS=4     less of it
"""

import asyncio
import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tests.bench.figures import merge
from tests.bench.timing import machine
from tests.chaos.drains import drains_under_load
from tests.chaos.overload import overload
from tests.chaos.swaps import swaps_under_load
from tests.e2e.samples import frames

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "server" / "models" / "distilled"
FEWEST_CLIENTS = 16
MB = 2**20

Figures: TypeAlias = dict[str, float]


def told(words: str) -> None:
    """Print at once, so that a long run can be watched."""
    print(words, flush=True)


def percentiles(seconds: list[float]) -> str:
    """Median, 99th and longest."""
    half, most, longest = np.percentile(seconds, (50, 99, 100))
    return f"median {half:.2f} s, 99 % within {most:.2f} s, longest {longest:.2f} s"


async def press(folder: Path, photos: list[bytes], clients: int, seconds: float) -> Figures:
    """Overload."""
    done = await overload(MODEL, folder, photos, clients=clients, seconds=seconds, told=told)
    return {
        "overload_rate_vs_capacity": round(done.rate_vs_capacity, 3),
        "capacity_photos_per_s": round(done.capacity, 1),
        "overload_refused": done.refused,
        "overload_not_answered": done.calls.failures - done.refused,
    }


async def swap(
    folder: Path, photos: list[bytes], clients: int, swaps: int, pause: float
) -> Figures:
    """Swaps."""
    done = await swaps_under_load(
        MODEL, folder, photos, swaps=swaps, clients=clients, pause=pause, told=told
    )
    settled = [size / MB for size in done.resident[min(10, swaps - 1) :]]
    told(f"swaps: {percentiles(done.swap_seconds)}")
    told(f"tills meanwhile: {percentiles(done.tills.seconds)}")
    told(f"failed: {dict(done.tills.failed + done.night.failed)}")
    told(
        f"memory: {settled[0]:.0f} MB after the first ten swaps, {settled[-1]:.0f} MB after the "
        f"last, {max(settled):.0f} MB at most"
    )
    return {
        "swaps": done.swaps,
        "swap_failures": done.failures,
        "swap_requests": done.tills.answered + done.night.answered,
        "bad_bundles_refused": done.bad_bundles_refused,
        "swap_rss_mb_first": round(settled[0]),
        "swap_rss_mb_last": round(settled[-1]),
    }


async def drain(
    folder: Path, photos: list[bytes], clients: int, drains: int, pause: float
) -> Figures:
    """Drains."""
    done = await drains_under_load(
        MODEL, folder, photos, drains=drains, clients=clients, pause=pause, told=told
    )
    told(f"drains: {percentiles(done.seconds)}")
    told(f"tills meanwhile: {percentiles(done.tills.seconds)}")
    told(f"failed: {dict(done.tills.failed)}")
    return {
        "drains": done.drains,
        "drain_failures": done.failures,
        "drain_requests": done.tills.answered,
    }


async def chaos(*, swaps: int, drains: int, clients: int, pause: float, seconds: float) -> Figures:
    """Run what is asked for (0 leaves out) and give its figures."""
    photos = [path.read_bytes() for path in frames(ROOT)[1:6]]
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="checkout-age-chaos-") as place:
        folders = [Path(place) / name for name in ("overload", "swaps", "drains")]
        for folder in folders:
            folder.mkdir()
        if seconds:
            figures |= await press(folders[0], photos, clients, seconds)
        if swaps:
            figures |= await swap(folders[1], photos, clients, swaps, pause)
        if drains:
            figures |= await drain(folders[2], photos, clients, drains, pause)
    return figures


def main() -> None:
    """Print what came of it; status 1 where anything failed that must not."""
    parser = ArgumentParser(prog="python -m tests.chaos.server", description=__doc__)
    parser.add_argument("--swaps", type=int, default=1000)
    parser.add_argument("--drains", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="of overload")
    parser.add_argument("--clients", type=int, default=FEWEST_CLIENTS)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between a till's calls")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    given = parser.parse_args()
    if given.clients < FEWEST_CLIENTS:
        parser.error(f"clients must be at least {FEWEST_CLIENTS}, got {given.clients}")
    told(f"{machine().partition(',')[0]}, {os.cpu_count()} cores, {given.clients} clients")
    figures = asyncio.run(
        chaos(
            swaps=given.swaps,
            drains=given.drains,
            clients=given.clients,
            pause=given.pause,
            seconds=given.seconds,
        )
    )
    merge(given.json, figures)
    told(str(figures))
    must_be_none = ("swap_failures", "drain_failures", "overload_not_answered")
    sys.exit(any(figures.get(name) for name in must_be_none))


if __name__ == "__main__":
    main()
