"""OpenVINO on a CPU: one stream a core, each run by the thread that asks."""

import threading

import numpy as np
import openvino

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.graph import build_graph
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Precision

BATCH = 4


class OpenVinoRuntime:
    """The bundle's int8 form where there is one, else its weights in single precision."""

    batch = BATCH

    def __init__(
        self, bundle: Bundle, precision: Precision = Precision.BEST, threads: int = 1
    ) -> None:
        """Compile the network for `threads` threads that each run it on one core.

        Raises:
            BundleError: the weights are not this network's, or there is no int8 form.
        """
        if precision is Precision.INT8 and bundle.int8 is None:
            raise BundleError(
                f"{bundle.facts.name} {bundle.version} has no int8 form; "
                f"checkout-age-training quantize makes one"
            )
        self.streams = threads
        self.precision = Precision.FULL
        core = openvino.Core()
        if bundle.int8 is not None and precision is not Precision.FULL:
            self.precision = Precision.INT8
            graph = core.read_model(bundle.int8)
        else:
            graph = build_graph(bundle.weights, bundle.facts.chip_side)
        self._network = core.compile_model(
            graph,
            "CPU",
            {
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                "ENABLE_CPU_PINNING": False,  # the threads are ours, and go where there is room
            },
        )
        self._of_thread = threading.local()
        side = bundle.facts.chip_side
        self.logits(
            np.zeros((1, side, side, 3), np.uint8)
        )  # the binding's first look, see BlazeFace

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:  # noqa: ARG002  # see Runtime
        """See Runtime."""
        request: openvino.InferRequest | None = getattr(self._of_thread, "request", None)
        if request is None:
            request = self._of_thread.request = self._network.create_infer_request()
        answer = request.infer({0: np.ascontiguousarray(chips)}, share_inputs=True)
        return np.asarray(answer[0], np.float32).reshape(len(chips), YEARS)
