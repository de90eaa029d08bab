"""A process for each core that reads photos as the server does: the parts beside the network.

    python -m tests.bench.server.readers PHOTOS CHIP_SIDE

Every core reads at once, since a core is faster while others idle. Each line on standard input is
a part and for how many seconds; the answer is one JSON object.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from statistics import fmean

from checkout_age.server.decoder import decode
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.queue import IN_A_ROW
from checkout_age.server.runtime import cores
from checkout_age.server.shopper import ENOUGH, ShopperFinder


class Part(StrEnum):
    """What can be asked for."""

    DECODE = "decode"
    READ = "read"
    """Decoding, finding the face, judging it and cutting the chip."""
    READ_IN_A_ROW = "read in a row"
    """The same of several photos at once, as of a crowd's."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one core for one photo, on average, while every core is at it."""

    wall: float
    processor: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.processor + other.processor)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.wall - other.wall, self.processor - other.processor)

    @classmethod
    def mean(cls, costs: "list[Cost]") -> "Cost":
        """Of several."""
        return cls(fmean(cost.wall for cost in costs), fmean(cost.processor for cost in costs))


class Readers:
    """The processes; they do nothing until they are asked."""

    def __init__(self, processes: "list[subprocess.Popen[str]]") -> None:
        self._processes = processes

    def cost(self, part: Part, seconds: float) -> Cost:
        """Let all do that at the same time."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{part} {seconds}\n")
            process.stdin.flush()
        return Cost.mean([Cost(**json.loads(_line(process))) for process in self._processes])


@contextmanager
def readers(photos: Path, chip_side: int) -> Iterator[Readers]:
    """Start a process for each core, and wait until each has read a photo."""
    command = [sys.executable, "-m", "tests.bench.server.readers", str(photos), str(chip_side)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(cores())
        ]
        for process in processes:
            _line(process)
        yield Readers(processes)
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@cache
def finder() -> FaceFinder:
    """One for the whole process, which has made ready what it may."""
    faces = FaceFinder(crowds=False)
    faces.ready()
    return faces


def main(photos: list[bytes], chip_side: int) -> None:
    """Do what is asked until standard input ends."""
    shoppers = ShopperFinder(finder(), chip_side)
    crowds = ShopperFinder(FaceFinder(), chip_side)
    crowds.faces.ready()
    calls: dict[Part, tuple[int, Callable[[Sequence[bytes]], object]]] = {
        Part.DECODE: (1, lambda photos: decode(photos[0], enough=ENOUGH)),
        Part.READ: (1, lambda photos: shoppers.find(photos[0])),
        Part.READ_IN_A_ROW: (IN_A_ROW, crowds.find_all),
    }
    shoppers.find(photos[0])
    print("ready", flush=True)
    for line in sys.stdin:
        part, _, seconds = line.rpartition(" ")
        at_once, call = calls[Part(part)]
        print(json.dumps(asdict(_cost(call, photos, at_once, float(seconds)))), flush=True)


def _cost(
    call: Callable[[Sequence[bytes]], object], photos: list[bytes], at_once: int, seconds: float
) -> Cost:
    done, used, began = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - began < seconds or done % len(photos):  # each as often
        call([photos[number % len(photos)] for number in range(done, done + at_once)])
        done += at_once
    return Cost(
        1e3 * (time.perf_counter() - began) / done, 1e3 * (time.process_time() - used) / done
    )


if __name__ == "__main__":
    main([path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())], int(sys.argv[2]))
