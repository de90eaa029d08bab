"""The settings that say what runs the network."""

from dataclasses import dataclass

from checkout_age.server.options import Options, option
from checkout_age.server.runtime import Precision, RuntimeName, cores, quota

BUSY_WAIT = 0.02
"""Seconds; a few times what a photo takes."""


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions(Options):
    """What runs the network"""

    runtime: RuntimeName = option(
        RuntimeName.OPENVINO, "openvino for a CPU, keras for a GPU and as the reference"
    )
    precision: Precision = option(
        Precision.BEST, "best is int8 where the model has that form, else full"
    )
    threads: int | None = option(
        None,
        "threads that read photos and run the network",
        at_least=1,
        unset="the cores it may use",
    )
    busy_wait: float | None = option(
        None,
        "seconds up to which a wait for the next photo is spent awake, 0 sleeps at once",
        at_least=0,
        at_most=1,
        unset="0.02, 0 under a CPU quota",
    )

    @property
    def used_busy_wait(self) -> float:
        """As given, or none where waiting would use up a quota."""
        if self.busy_wait is not None:
            return self.busy_wait
        return BUSY_WAIT if quota() is None else 0.0

    @property
    def used_threads(self) -> int:
        """As many as given, or one for each core."""
        return self.threads or cores()
