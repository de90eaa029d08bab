"""The server against its parts, a tutorial's server and its peers, all in one run.

    make bench-server [JSON=file] [MODEL=models/NAME/VERSION] [ROUNDS=3] [SECONDS=8]

Clients and server share the machine. Every figure is the median of the rounds, with the least and
the greatest; a round starts every server anew and asks them in turns.
"""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from checkout_age.server.bundle import Bundle, find_bundle, read_bundle
from checkout_age.server.config import SHIPPED
from checkout_age.server.runtime import RUNTIMES, Precision, Runtime, RuntimeName, cores
from tests.bench.figures import merge
from tests.bench.server.chips import chips_against_bare
from tests.bench.server.load import Answered
from tests.bench.server.parts import Bare, bare, together
from tests.bench.server.photos import ROOT, photos, write_photos
from tests.bench.server.processes import (
    BENTOML,
    EMPTY,
    LITSERVE,
    OURS,
    TUTORIAL,
    Kind,
    Running,
    running,
)
from tests.bench.timing import machine

CLIENTS = 16
SETTLING = 6.0
"""Seconds of load on each server before anything counts, besides load's own: what it makes ready
behind its start is over by then."""
PEERS = (BENTOML, LITSERVE)

Figures = defaultdict[str, list[float]]


def main() -> None:
    """Measure, print a table and write the figures."""
    parser = ArgumentParser(prog="python -m tests.bench.server", description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--alone", action="store_true", help="neither tutorial nor peers")
    parser.add_argument("--runtime", choices=tuple(RUNTIMES), default=RuntimeName.OPENVINO)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures: Figures = defaultdict(list)
    console = Console(soft_wrap=True)
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder / "photos")
        bundle = read_bundle(find_bundle(given.model))
        runtime = RUNTIMES[RuntimeName(given.runtime)](bundle, Precision.BEST, cores())
        shares = chips_against_bare(bundle, photos(), runtime, given.seconds / 2, given.rounds)
        figures["chips_vs_bare_runtime"] += shares
        for _ in range(given.rounds):
            parts = bare(bundle, photos(), runtime, given.seconds / 4)
            kind = replace(OURS, command=(*OURS.command, "--runtime", given.runtime))
            place = Place(folder, given.model, given.seconds, bundle, runtime)
            _round(figures, parts, kind, place, compared=not given.alone)
    int8 = bundle.int8 is not None and given.runtime == RuntimeName.OPENVINO
    form = f"{given.runtime} {Precision.INT8 if int8 else Precision.FULL}"
    _print(
        console,
        figures,
        f"{bundle.facts.name} {bundle.version}, {bundle.facts.chip_side} pixels, {form}",
    )
    merge(given.json, {name: round(median(values), 4) for name, values in figures.items()})


@dataclass(frozen=True)
class Place:
    """What a round is measured with."""

    folder: Path
    model: Path
    seconds: float
    bundle: Bundle
    runtime: Runtime
    """Of this process, for what is measured without a server."""


def _round(figures: Figures, parts: Bare, kind: Kind, place: Place, *, compared: bool) -> None:
    folder, model, seconds = place.folder, place.model, place.seconds
    for name, milliseconds in (
        ("decode_ms", parts.decode),
        ("find_ms", parts.find),
        ("network_ms", parts.network),
        ("network_batched_ms", parts.batched),
        ("lone_bare_on_one_core_ms", parts.lone_on_one),
        ("lone_bare_on_all_cores_ms", parts.lone_on_all),
    ):
        figures[name].append(milliseconds)
    with _started(EMPTY, folder, model) as server:
        told, server_ms = _closed(server, folder, CLIENTS, seconds / 2)
        grpc_ms = told.client_ms + server_ms
        figures["grpc_server_ms"].append(server_ms)
        figures["grpc_client_ms"].append(told.client_ms)
    with _started(kind, folder, model) as server:
        ours, ours_ms = _closed(server, folder, CLIENTS, seconds)
        figures["photos_per_s"].append(ours.rate)
        figures["photos_p50_ms"].append(ours.p50)
        figures["photos_p99_ms"].append(ours.p99)
        figures["failed"].append(ours.failed)
        worked = parts.decode + parts.find + parts.batched
        figures["photos_vs_parts_limit"].append(ours.rate * (worked + grpc_ms) / 1e3 / cores())
        figures["photos_vs_parts_limit_without_grpc"].append(ours.rate * worked / 1e3 / cores())
        figures["own_share_ms"].append(ours_ms - worked - figures["grpc_server_ms"][-1])
        _beside_bare(figures, ours.rate, ours_ms, grpc_ms, place)
        lone, _ = _closed(server, folder, 1, seconds / 2)
        figures["lone_till_p50_ms"].append(lone.p50)
        figures["lone_till_p50_vs_bare"].append(lone.p50 / parts.lone)
        half = server.ask(folder / "photos", 0, ours.rate / 2, seconds)
        figures["half_load_p99_ms"].append(half.p99)
        figures["half_load_p99_vs_bare"].append(half.p99 / parts.lone)
        memory = server.memory_mb
        figures["rss_mb"].append(memory)
        figures["start_to_first_answer_s"].append(server.start_s)
    for other in (TUTORIAL, *PEERS) if compared else ():
        with _started(other, folder, model) as server:
            theirs, _ = _closed(server, folder, CLIENTS, seconds)
            key = other.name.lower() if other in PEERS else "tutorial"
            ratio = "photos_vs_tutorial_server" if other is TUTORIAL else f"vs_{key}"
            figures[ratio].append(ours.rate / theirs.rate)
            figures[f"vs_{key}_p99"].append(ours.p99 / theirs.p99)
            figures[f"vs_{key}_memory"].append(memory / server.memory_mb)
            figures[f"{key}_photos_per_s"].append(theirs.rate)
            figures[f"{key}_p99_ms"].append(theirs.p99)
            figures[f"{key}_memory_mb"].append(server.memory_mb)
            figures[f"{key}_failed"].append(theirs.failed)


def _beside_bare(
    figures: Figures, reached: float, used_ms: float, grpc_ms: float, place: Place
) -> None:
    """What the same parts reach in the same threads without a server, right after it."""
    parts = together(place.bundle, photos(), place.runtime, place.seconds / 2)
    limit = 1 / (1 / parts.rate + grpc_ms / 1e3 / cores())
    figures["parts_together_per_s"].append(parts.rate)
    figures["parts_together_ms"].append(parts.processor_ms)
    figures["photos_vs_parts_together"].append(reached / limit)
    server_ms = figures["grpc_server_ms"][-1]
    figures["own_share_beside_parts_together_ms"].append(used_ms - parts.processor_ms - server_ms)


@contextmanager
def _started(kind: Kind, folder: Path, model: Path) -> Iterator[Running]:
    print(f"{kind.name} ...", file=sys.stderr, flush=True)
    photo = (folder / "photos" / "00.jpg").read_bytes()
    with running(kind, model, photo, folder / f"{kind.name}.log") as server:
        server.ask(folder / "photos", CLIENTS, 0, SETTLING)
        yield server


def _closed(server: Running, folder: Path, clients: int, seconds: float) -> tuple[Answered, float]:
    """What clients saw, and the server's processor time for each photo in milliseconds."""
    before = server.processor_s
    told = server.ask(folder / "photos", clients, 0, seconds)
    return told, 1e3 * (server.processor_s - before) / max(told.answers, 1)


def _print(console: Console, figures: Figures, model: str) -> None:
    table = Table(title=f"{model}; {cores()} cores of {machine()}", title_justify="left")
    table.add_column("figure")
    for heading in ("median", "least", "greatest"):
        table.add_column(heading, justify="right")
    for name, values in figures.items():
        table.add_row(
            name, *(f"{value:.3f}" for value in (median(values), min(values), max(values)))
        )
    console.print(table)


if __name__ == "__main__":
    main()
