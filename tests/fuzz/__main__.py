"""Sends wrong inputs to a real server and tells crashes and the growth of its memory.

make fuzz [COUNT=1000000] [SEED=1] [JSON=file]
"""

import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from tests.bench.figures import merge
from tests.e2e.conftest import running
from tests.fuzz.fuzzing import Fuzzer, copied_model, resident_mb

MOST = 1_000_000
LOOKS = 10
"""How often the memory is looked at."""
WARM = 2_000
"""Inputs after which every way through the server has been gone; growth counts from then on."""
MOST_GROWTH = 30.0
"""MB, over any number of inputs."""


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help=f"inputs, at most {MOST}")
    parser.add_argument("--seed", type=int, default=1, help="the same one sends the same inputs")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    given = parser.parse_args()
    if not 1 <= given.count <= MOST:
        parser.error(f"count must be 1 to {MOST}, got {given.count}")
    sys.exit(fuzz(given.count, given.seed, given.json))


def fuzz(count: int, seed: int, figures: Path | None) -> int:
    """Fuzz, print, and give the exit status.

    1 where an input did what none may do, or the server's memory grew.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        running(
            copied_model(Path(folder)), Path(folder), "--log-level", "error", "--admin-service"
        ) as server,
    ):
        looks = 0
        sent, warm, began = 0, 0.0, time.monotonic()

        def tell(more: int) -> None:
            nonlocal sent, warm, looks
            sent += more
            memory = resident_mb(server.process.pid)
            if not warm and sent >= min(WARM, count // 2):
                warm = memory
            if sent * LOOKS >= count * (looks + 1):
                looks += 1
                rate = sent / (time.monotonic() - began)
                print(f"{sent} inputs, {rate:.0f} a second, {memory:.1f} MB", flush=True)

        fuzzer = Fuzzer(server.address, tell)
        fuzzer.warm_up()
        crash = ""
        try:
            fuzzer.run(count, seed)
        except BaseException as error:  # whatever it is, it is told with the figures
            crash = f"{type(error).__name__}: {error}\n" + "\n".join(
                getattr(error, "__notes__", [])
            )
        fuzzer.close()
        last = resident_mb(server.process.pid) if server.process.poll() is None else 0.0
        if server.process.poll() is not None:
            crash += f"\nthe server ended with status {server.process.returncode}"
        log = (Path(folder) / "log").read_text(errors="replace")
        growth = round(last - warm, 1) if warm else 0.0
        print(f"answers: {dict(fuzzer.outcomes.most_common())}")
        print(f"crashes: {int(bool(crash))}; failures in the server's log: {log.count('incident')}")
        print(f"memory since {min(WARM, count // 2)} inputs: {growth:+.1f} MB")
    if growth > MOST_GROWTH:
        print(f"memory grew by more than {MOST_GROWTH} MB", file=sys.stderr)
    told = {"fuzz_inputs": sent, "fuzz_crashes": int(bool(crash)), "fuzz_growth_mb": growth}
    merge(figures, told)
    if crash:
        print(crash, log[-2000:], sep="\n", file=sys.stderr)
    return int(bool(crash) or growth > MOST_GROWTH)


if __name__ == "__main__":
    main()
