"""Sends wrong inputs to a real server and tells crashes and the growth of its memory.

make fuzz [COUNT=1000000] [SEED=1] [JSON=file]
"""

import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from tests.e2e.conftest import running
from tests.fuzz.fuzzing import Fuzzer, resident_mb

ROOT = Path(__file__).parents[2]
MOST = 1_000_000
LOOKS = 10
"""How often the memory is looked at; growth counts from the first look, when all is warm."""


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
    """Fuzz, print, and give the exit status: 1 where an input did what none may do."""
    model = ROOT / "server" / "models" / "balanced"
    with (
        tempfile.TemporaryDirectory() as folder,
        running(model, Path(folder), "--log-level", "error") as server,
    ):
        looks: list[float] = []
        sent, began = 0, time.monotonic()

        def tell(more: int) -> None:
            nonlocal sent
            sent += more
            if sent * LOOKS >= count * (len(looks) + 1):
                looks.append(resident_mb(server.process.pid))
                rate = sent / (time.monotonic() - began)
                print(f"{sent} inputs, {rate:.0f} a second, {looks[-1]:.1f} MB", flush=True)

        fuzzer = Fuzzer(server.address, tell)
        crash = ""
        try:
            fuzzer.run(count, seed)
        except BaseException as error:  # whatever it is, it is told with the figures
            crash = f"{type(error).__name__}: {error}\n" + "\n".join(
                getattr(error, "__notes__", [])
            )
        fuzzer.close()
        if server.process.poll() is not None:
            crash += f"\nthe server ended with status {server.process.returncode}"
        log = (Path(folder) / "log").read_text(errors="replace")
        growth = looks[-1] - looks[0] if looks else 0.0
        print(f"answers: {dict(fuzzer.outcomes.most_common())}")
        print(f"crashes: {int(bool(crash))}; failures in the server's log: {log.count('incident')}")
        print(f"memory after the first tenth: {growth:+.1f} MB")
    if figures is not None:
        told = {"fuzz_inputs": sent, "fuzz_crashes": int(bool(crash)), "fuzz_growth_mb": growth}
        before = json.loads(figures.read_text()) if figures.exists() else {}
        figures.write_text(json.dumps(before | told, indent=2) + "\n")
    if crash:
        print(crash, log[-2000:], sep="\n", file=sys.stderr)
    return int(bool(crash))


if __name__ == "__main__":
    main()
