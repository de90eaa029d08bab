"""A runtime: what turns a batch of chips into logits, and how it likes to be asked."""

import os
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from checkout_age.server.age import Logits
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.photo import Pixels

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux tells the quota of a container: microseconds of processor time, and of how many."""
LARGEST_BATCH = 32
"""Chips that any runtime is given at once, at most."""

FIRST_LOOK = threading.Lock()
"""Held by whoever runs a network of OpenVINO's for the first time.

Its binding prepares itself then; two threads that both do so can wait for each other for ever (one
holds Python's lock, the other that of the preparation).
"""


class Runtime(Protocol):
    """Runs a network."""

    @property
    def streams(self) -> int:
        """How many threads may call `logits` at once."""

    @property
    def batch(self) -> int:
        """How many chips are best run together now, where so many wait; 1 to LARGEST_BATCH."""

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        """Chips of shape (n, side, side, 3), 0 to 255, to logits of shape (n, 101).

        `alone` tells that no other work is waiting, so that every core may be used for this.
        """

    def ready(self) -> None:
        """Make ready for as many threads as `streams`, if that is not done; it runs meanwhile."""


class Precision(StrEnum):
    """Of the sums inside the network."""

    BEST = "best"
    """int8 where the bundle has that form and the runtime knows it, else full."""
    FULL = "full"
    INT8 = "int8"


class RuntimeName(StrEnum):
    """Those that there are."""

    OPENVINO = "openvino"
    KERAS = "keras"


def keras_runtime(bundle: Bundle, precision: Precision, threads: int) -> Runtime:
    """TensorFlow, or what else KERAS_BACKEND names; on a CPU or a GPU."""
    from checkout_age.server.keras_runtime import KerasRuntime

    if precision is Precision.INT8:
        raise BundleError("the runtime keras has no int8 form; take openvino, or full precision")
    return KerasRuntime(bundle, threads)


def openvino_runtime(bundle: Bundle, precision: Precision, threads: int) -> Runtime:
    """OpenVINO on a CPU."""
    from checkout_age.server.openvino_runtime import OpenVinoRuntime, graph_of

    return OpenVinoRuntime(graph_of(bundle, precision), threads)


RUNTIMES: Mapping[RuntimeName, Callable[[Bundle, Precision, int], Runtime]] = {
    RuntimeName.OPENVINO: openvino_runtime,
    RuntimeName.KERAS: keras_runtime,
}


def cores() -> int:
    """Cores that this process may use: those it may run on, less where a quota gives fewer."""
    allowed, granted = len(os.sched_getaffinity(0)), quota()
    return allowed if granted is None else max(1, min(allowed, int(granted)))


def quota() -> float | None:
    """Cores whose processor time the process may use up (`docker run --cpus`); None: any."""
    try:
        share, period = CPU_MAX.read_text().split()
        return int(share) / int(period)
    except (OSError, ValueError):  # no such file, or no limit: "max"
        return None
