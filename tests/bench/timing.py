"""Timing on one core: medians with their spread, taken in turns so that noise hits all alike."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    low: float
    """A tenth of the calls took less."""
    high: float
    """A tenth took more."""

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def on_one_core() -> None:
    """Keep this process, and the threads that it starts from now on, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def in_turns(calls: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, Spread]:
    """Time every call once a round; each is told the round. Three rounds before do not count."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-3, rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call(number)
            if number >= 0:
                taken[name].append((time.perf_counter() - start) * 1e3)
    return {
        name: Spread(*np.percentile(values, [50, 10, 90]).tolist())
        for name, values in taken.items()
    }


def processor() -> str:
    """The processor, as the kernel names it."""
    with open("/proc/cpuinfo") as file:  # noqa: PTH123  # a kernel's file
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def machine() -> str:
    """The processor, and that one core of it was measured."""
    return f"{processor()}, one core of {os.cpu_count()}"
