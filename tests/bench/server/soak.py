"""Soak: memory over many requests. make soak [REQUESTS=200000] [JSON=file] [MODEL=...]

Exit status 1 where memory grew by more than MOST_GROWTH after the first tenth.
"""

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from checkout_age.server.config import SHIPPED
from tests.bench.figures import merge
from tests.bench.server.load import CLIENTS
from tests.bench.server.photos import write_odd_ones, write_photos
from tests.bench.server.processes import OURS, running

SECONDS = 20.0
MOST_GROWTH = 5.0
"""MB for each 100,000 requests."""


def main() -> int:
    """Ask until so many were answered; print what was held meanwhile."""
    parser = ArgumentParser(prog="python -m tests.bench.server.soak", description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    answers, failed = 0, 0
    held: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = write_photos(folder / "photos")
        write_odd_ones(folder / "photos")
        with running(OURS, given.model, photo, folder / "log") as server:
            while answers < given.requests:
                told = server.ask(folder / "photos", CLIENTS, 0, SECONDS)
                if not told.answers:
                    raise RuntimeError(
                        f"no answers any more: {(folder / 'log').read_text()[-2000:]}"
                    )
                answers, failed = answers + told.answers, failed + told.failed
                held.append((answers, server.memory_mb))
                print(f"{answers} answered, {failed} failed, {held[-1][1]:.1f} MB", flush=True)
    late = [(count, memory) for count, memory in held if count >= given.requests / 10]
    counts, memories = np.array(late).T if len(late) > 1 else np.array(held * 2).T
    growth = float(np.polyfit(counts, memories, 1)[0] * 1e5) if len(late) > 1 else 0.0
    print(
        f"{growth:+.2f} MB for each 100,000 requests, from {memories[0]:.1f} to {memories[-1]:.1f}"
    )
    merge(
        given.json,
        {
            "soak_requests": answers,
            "soak_failed": failed,
            "soak_mb_per_100000": round(growth, 3),
            "soak_first_mb": round(float(memories[0]), 1),
            "soak_last_mb": round(float(memories[-1]), 1),
        },
    )
    return 1 if failed or growth > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
