"""The settings that say what runs the network."""

from dataclasses import dataclass

from checkout_age.server.options import Options, option
from checkout_age.server.runtime import Precision, RuntimeName, cores


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

    @property
    def used_threads(self) -> int:
        """As many as given, or one for each core."""
        return self.threads or cores()
