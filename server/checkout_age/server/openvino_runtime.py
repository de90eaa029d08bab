"""OpenVINO on a CPU: one stream a core, each run by the thread that asks."""

import threading

import numpy as np
import openvino

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.graph import build_graph
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import FIRST_LOOK, Precision

BATCH = 2
"""Chips run together; four of 128 pixels lose in caches what they gain, and tills wait longer."""


def graph_of(bundle: Bundle, precision: Precision) -> openvino.Model:
    """The bundle's int8 form, or its weights in single precision.

    Raises:
        BundleError: the weights are not this network's, or there is no int8 form.
    """
    if precision is Precision.INT8 and bundle.int8 is None:
        raise BundleError(
            f"{bundle.facts.name} {bundle.version} has no int8 form; "
            f"checkout-age-training quantize makes one"
        )
    if bundle.int8 is None or precision is Precision.FULL:
        return build_graph(bundle.weights, bundle.facts.chip_side)
    try:
        return openvino.Core().read_model(bundle.int8)
    except RuntimeError as error:
        raise BundleError(f"{bundle.int8} cannot be read: {error}") from error


class OpenVinoRuntime:
    """Runs a graph on one core for each thread that asks, or for a lone chip on all of them."""

    batch = BATCH

    def __init__(self, graph: openvino.Model, threads: int) -> None:
        """Compile the graph for `threads` threads, and look once, see FIRST_LOOK."""
        self.streams = threads
        self._graph = graph
        self._narrow = _compiled(graph, streams=threads, threads=threads)
        self._wide: openvino.CompiledModel | None = None
        self._widening: threading.Thread | None = None
        self._of_thread = threading.local()
        side = graph.input(0).partial_shape[1].get_length()
        with FIRST_LOOK:
            self.logits(np.zeros((1, side, side, 3), np.uint8))

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        """See Runtime."""
        network = self._narrow
        if alone and self.streams > 1:
            network = self._wide or self._widen()
        answer = self._request(network).infer({0: np.ascontiguousarray(chips)}, share_inputs=True)
        return np.asarray(answer[0], np.float32).reshape(len(chips), YEARS)

    def _request(self, network: openvino.CompiledModel) -> openvino.InferRequest:
        """This thread's own; it holds the memory of one run."""
        requests: dict[int, openvino.InferRequest]
        requests = self._of_thread.__dict__.setdefault("requests", {})
        if id(network) not in requests:
            requests[id(network)] = network.create_infer_request()
        return requests[id(network)]

    def _widen(self) -> openvino.CompiledModel:
        """Begin to compile for all cores at once, which the first lone chips do not wait for."""
        if self._widening is None:
            self._widening = threading.Thread(target=self._compile_wide, name="widening")
            self._widening.start()
        return self._narrow

    def _compile_wide(self) -> None:
        self._wide = _compiled(self._graph, streams=1, threads=self.streams)


def _compiled(graph: openvino.Model, *, streams: int, threads: int) -> openvino.CompiledModel:
    return openvino.Core().compile_model(
        graph,
        "CPU",
        {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # the threads are ours, and go where there is room
        },
    )
