"""What tills on this machine have of a server elsewhere: one alone, a crowd, and half of a crowd's.

    make bench-tills TILLS="HOST:PORT --ca ca.pem --token-file token" [ROUNDS=3] [SECONDS=8]

So no client takes of the server's cores, as in a shop. `--bare` is the lesser of
`lone_bare_on_one_core_ms` and `lone_bare_on_all_cores_ms`, as `make bench-server` prints them where
the server runs. Exit status 1 where a call failed, 2 where none could be made.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from pathlib import Path
from statistics import fmean, median

import uvloop

from checkout_age.client import AccessError, AsyncAgeClient, CallError
from checkout_age.client.access import access_of, add_access
from tests.bench.figures import merge
from tests.bench.server.load import CLIENTS, Answered, Ask, closed, opened
from tests.bench.server.photos import photos
from tests.bench.table import OF_ROUNDS, print_table

TURNS = 4


async def measured(ask: Ask, sent: list[bytes], seconds: float, bare: float) -> dict[str, float]:
    """One round, its seconds in several turns.

    Args:
        ask: sends a photo and waits for the answer.
        sent: the photos, in turns.
        seconds: of each measurement.
        bare: milliseconds that a photo takes where nothing is around the parts; 0 is unknown.
    """
    lone, crowd, half = ([] for _ in range(3))
    for _ in range(TURNS):
        lone.append(await closed(ask, sent, 1, seconds / TURNS))
        crowd.append(await closed(ask, sent, CLIENTS, seconds / TURNS))
        # a 99th percentile wants many answers
        half.append(await opened(ask, sent, max(crowd[-1].rate / 2, 1), seconds))
    p50, p99 = _mean(lone, "p50"), _mean(half, "p99")
    figures = {
        "tills_photos_per_s": _mean(crowd, "rate"),
        "tills_lone_p50_ms": p50,
        "tills_half_load_photos_per_s": _mean(half, "rate"),
        "tills_half_load_p50_ms": _mean(half, "p50"),
        "tills_half_load_p99_ms": p99,
        "tills_half_load_p99_vs_lone": p99 / p50,
        "tills_failed": sum(told.failed for told in (*lone, *crowd, *half)),
    }
    if bare:
        figures |= {
            "tills_lone_p50_vs_bare": p50 / bare,
            "tills_half_load_p99_vs_bare": p99 / bare,
        }
    return figures


def _mean(told: list[Answered], name: str) -> float:
    return fmean(getattr(each, name) for each in told)


async def rounds(given: Namespace) -> tuple[str, dict[str, list[float]]]:
    """All rounds, and what the server says of its model."""
    sent = photos()
    figures: dict[str, list[float]] = defaultdict(list)
    async with AsyncAgeClient(given.server, access_of(given)) as client:
        model = await client.model()
        await client.estimate_age(sent[0])  # says why, where calls are refused
        for _ in range(given.rounds):
            for name, value in (
                await measured(client.estimate_age, sent, given.seconds, given.bare)
            ).items():
                figures[name].append(value)
    return f"{model.name} {model.version} at {given.server}", figures


def main() -> int:
    """Measure, print a table and write the figures."""
    parser = ArgumentParser(prog="python -m tests.bench.server.tills", description=__doc__)
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--bare", type=float, default=0.0, metavar="MS", help="see above")
    parser.add_argument("--json", type=Path)
    add_access(parser)
    given = parser.parse_args()
    try:
        title, figures = uvloop.run(rounds(given))
    except (AccessError, CallError) as error:
        print(f"{given.server}: {error}", file=sys.stderr)
        return 2
    print_table(title, OF_ROUNDS, figures)
    merge(given.json, {name: round(median(each), 4) for name, each in figures.items()})
    return 1 if any(figures["tills_failed"]) else 0


if __name__ == "__main__":
    sys.exit(main())
