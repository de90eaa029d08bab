"""A round: every server started anew, its parts, its peers and itself asked in turns."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from checkout_age.server.bundle import Bundle
from checkout_age.server.runtime import cores
from tests.bench.server.asked import Asked
from tests.bench.server.ideal import ideal_p99
from tests.bench.server.load import CLIENTS
from tests.bench.server.pace import unevenness
from tests.bench.server.parts import Network
from tests.bench.server.processes import BENTOML, EMPTY, LITSERVE, TUTORIAL, Kind, Running, running
from tests.bench.server.readers import Cost, Part, Readers, readers
from tests.bench.server.scoring import Scoring, scoring

SETTLING = 6.0
"""Seconds of load on each server before anything counts, besides load's own: what it makes ready
behind its start is over by then."""
TURNS = 4
"""A round asks for its seconds in so many turns: the machine's pace changes within a round, by more
than what is to be told."""
PEERS = (BENTOML, LITSERVE)

Figures = defaultdict[str, list[float]]


@dataclass(frozen=True)
class Place:
    """What a round is measured with."""

    folder: Path
    """For what servers say; it has the folders `photos` and `large`."""
    model: Path
    bundle: Bundle
    kind: Kind
    """Of the server."""
    seconds: float
    network: Network

    @property
    def photos(self) -> Path:
        """The folder of those at 640 x 480."""
        return self.folder / "photos"

    @property
    def large(self) -> Path:
        """The folder of those at 1920 x 1080."""
        return self.folder / "large"


def measure(figures: Figures, place: Place, *, compared: bool) -> None:
    """Add the figures of one round."""
    side = place.network.chips.shape[1]
    with (
        readers(place.photos, side) as reading,
        _started(EMPTY, place) as empty,
        _started(place.kind, place) as server,
    ):
        _crowd(figures, place, reading, Asked(empty, place.photos), Asked(server, place.photos))
        with scoring(place.bundle, place.network.runtime) as inside:
            inside.ask(place.photos, CLIENTS, 0, SETTLING)
            _few(figures, place, server, (inside, empty))
        memory = server.memory_mb
        figures["rss_mb"].append(memory)
        figures["start_to_first_answer_s"].append(server.start_s)
        _large(figures, place, Asked(empty, place.large), Asked(server, place.large))
        for other in (TUTORIAL, *PEERS) if compared else ():
            with _started(other, place) as theirs:
                _beside(figures, place, (server, memory), theirs)


def _crowd(figures: Figures, place: Place, reading: Readers, grpc: Asked, ours: Asked) -> None:
    """Sixteen clients, beside what the parts reach alone."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    short = place.seconds / TURNS
    for _ in range(TURNS):
        costs["decode"].append(reading.cost(Part.DECODE, short / 2))
        costs["read"].append(reading.cost(Part.READ, short))
        costs["in a row"].append(reading.cost(Part.READ_IN_A_ROW, short / 2))
        costs["network"].append(place.network.cost(short / 2))
        grpc.turn(CLIENTS, short / 2)
        ours.turn(CLIENTS, short)
    decode, read, in_a_row, network = (
        Cost.mean(costs[part]) for part in ("decode", "read", "in a row", "network")
    )
    grpc_ms = grpc.server_ms + grpc.mean("client_ms")
    rate, parts, crowd = ours.mean("rate"), read + network, in_a_row + network
    for name, value in {
        "decode_ms": decode.wall,
        "find_ms": (read - decode).wall,
        "read_in_a_row_ms": in_a_row.wall,
        "network_ms": network.wall,
        "grpc_server_ms": grpc.server_ms,
        "grpc_client_ms": grpc.mean("client_ms"),
        "parts_ms": parts.wall + grpc_ms,
        "photos_per_s": rate,
        "photos_p50_ms": ours.mean("p50"),
        "photos_p99_ms": ours.mean("p99"),
        "failed": grpc.failed + ours.failed,
        "photos_vs_parts_limit": rate * (parts.wall + grpc_ms) / 1e3 / cores(),
        "photos_vs_parts_limit_without_grpc": rate * parts.wall / 1e3 / cores(),
        "photos_vs_parts_limit_in_a_row": rate * (crowd.wall + grpc_ms) / 1e3 / cores(),
        "processor_ms": ours.server_ms,
        "own_share_ms": ours.server_ms - parts.processor - grpc.server_ms,
        "own_share_in_a_row_ms": ours.server_ms - crowd.processor - grpc.server_ms,
    }.items():
        figures[name].append(value)


def _large(figures: Figures, place: Place, grpc: Asked, ours: Asked) -> None:
    """What the server does beyond the parts for photos of which most pixels are never decoded."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    short = place.seconds / TURNS
    with readers(place.large, place.network.chips.shape[1]) as reading:
        for _ in range(TURNS):
            costs["read"].append(reading.cost(Part.READ, short))
            costs["in a row"].append(reading.cost(Part.READ_IN_A_ROW, short))
            costs["network"].append(place.network.cost(short / 2))
            grpc.turn(CLIENTS, short / 2)
            ours.turn(CLIENTS, short)
    read, in_a_row, network = (Cost.mean(costs[part]) for part in ("read", "in a row", "network"))
    own, own_in_a_row = (
        ours.server_ms - (reads + network).processor - grpc.server_ms for reads in (read, in_a_row)
    )
    for name, value in {
        "large_grpc_server_ms": grpc.server_ms,
        "large_processor_ms": ours.server_ms,
        "large_own_share_ms": own,
        "large_own_share_in_a_row_ms": own_in_a_row,
    }.items():
        figures[name].append(value)
    figures["failed"][-1] += grpc.failed + ours.failed


def _few(figures: Figures, place: Place, server: Running, others: tuple[Scoring, Running]) -> None:
    """A lone till, and photos that arrive at random at half the rate that sixteen reach.

    The same of the scorer without a server, and of a server that answers nothing.
    """
    lone, crowd, half = (Asked(server, place.photos) for _ in range(3))
    without, empty = (Asked(other, place.photos) for other in others)
    on_one: list[float] = []
    on_all: list[float] = []
    pace: list[float] = []
    in_order = (half, without, empty)
    short = place.seconds / TURNS
    for turn in range(TURNS):
        on_one.append(place.network.lone(short / 2, alone=False))
        on_all.append(place.network.lone(short / 2, alone=True))
        pace.append(unevenness(short / 2))
        lone.turn(1, short)
        crowd.turn(CLIENTS, short)
        for asked in reversed(in_order) if turn % 2 else in_order:
            asked.turn(0, place.seconds, crowd.told[-1].rate / 2)
    bare = min(fmean(on_one), fmean(on_all))
    rate, p99 = half.mean("rate"), half.mean("p99")
    cost, grpc = (asked.server_ms + asked.mean("client_ms") for asked in (half, empty))
    ideal, of_bare, at_cost = (
        1e3 * ideal_p99(rate, each / 1e3, cores()) / bare
        for each in (figures["parts_ms"][-1], fmean(on_one) + grpc, cost)
    )
    for name, value in {
        "lone_bare_on_one_core_ms": fmean(on_one),
        "lone_bare_on_all_cores_ms": fmean(on_all),
        "lone_till_p50_ms": lone.mean("p50"),
        "lone_till_p50_vs_bare": lone.mean("p50") / bare,
        "pace_unevenness": fmean(pace),
        "half_load_photos_per_s": rate,
        "half_load_p50_ms": half.mean("p50"),
        "half_load_p99_ms": p99,
        "half_load_p99_vs_bare": p99 / bare,
        "half_load_p99_vs_bare_on_one_core": p99 / fmean(on_one),
        "half_load_p99_without_grpc_vs_bare": without.mean("p99") / bare,
        "half_load_grpc_ms": grpc,
        "half_load_p99_of_ideal_queue_vs_bare": ideal,
        "half_load_p99_of_ideal_queue_of_bare_vs_bare": of_bare,
        "half_load_processor_ms": cost,
        "half_load_p99_of_ideal_queue_at_that_cost_vs_bare": at_cost,
    }.items():
        figures[name].append(value)
    figures["failed"][-1] += sum(asked.failed for asked in (lone, crowd, *in_order))


def _beside(figures: Figures, place: Place, ours: tuple[Running, float], other: Running) -> None:
    """Another server, in turns with ours, of which the memory alone is given."""
    server, memory = ours
    mine, theirs = Asked(server, place.photos), Asked(other, place.photos)
    for _ in range(TURNS):  # long ones: a 99th percentile wants many answers
        for asked in (theirs, mine):
            asked.turn(CLIENTS, 2 * place.seconds / TURNS)
    key = other.kind.name.lower()
    ratio = "photos_vs_tutorial_server" if other.kind is TUTORIAL else f"vs_{key}"
    for name, value in {
        ratio: mine.mean("rate") / theirs.mean("rate"),
        f"vs_{key}_p99": mine.mean("p99") / theirs.mean("p99"),
        f"vs_{key}_memory": memory / other.memory_mb,
        f"{key}_photos_per_s": theirs.mean("rate"),
        f"{key}_p99_ms": theirs.mean("p99"),
        f"{key}_memory_mb": other.memory_mb,
        f"{key}_failed": theirs.failed,
    }.items():
        figures[name].append(value)
    figures["failed"][-1] += mine.failed


@contextmanager
def _started(kind: Kind, place: Place) -> Iterator[Running]:
    print(f"{kind.name} ...", file=sys.stderr, flush=True)
    photo = (place.photos / "00.jpg").read_bytes()
    with running(kind, place.model, photo, place.folder / f"{kind.name}.log") as server:
        server.ask(place.photos, CLIENTS, 0, SETTLING)
        yield server
