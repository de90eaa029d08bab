"""OpenVINO on a CPU: a compiled network a core, each run by the thread that asks."""

import threading

import numpy as np
import openvino

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.compilation import compiled
from checkout_age.server.graph import build_graph
from checkout_age.server.photo import Pixels
from checkout_age.server.pool import Pool
from checkout_age.server.runtime import FIRST_LOOK, Precision

BATCH = 4
"""Chips run together where a crowd waits; more gain next to nothing, and tills wait longer."""


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
    """Runs a graph on one core for each thread that asks, or for a lone chip on all of them.

    The graph is compiled once for each core: what is compiled for one stream runs in the thread
    that asks, while streams that share a compiled graph have threads of their own, and each run
    is handed over to one of those and back.
    """

    batch = BATCH

    def __init__(self, graph: openvino.Model, threads: int) -> None:
        """Compile the graph for the first of `threads` threads; for others when they ask."""
        self.streams = threads
        self._graph = graph
        self._narrow = Pool(lambda: self._looked_once(cores=1), most=threads)
        self._narrow.prepare(1)
        self._wide = Pool(lambda: self._looked_once(cores=threads), most=1)
        self._widening: threading.Thread | None = None

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        """See Runtime."""
        pool = self._widened() if alone and self.streams > 1 else self._narrow
        with pool.one() as request:
            answer = request.infer({0: np.ascontiguousarray(chips)}, share_inputs=True)
            return np.asarray(answer[0], np.float32).reshape(len(chips), YEARS)

    def ready(self) -> None:
        """See Runtime."""
        self._narrow.prepare(self.streams)

    def _widened(self) -> "Pool[openvino.InferRequest]":
        """Begin to compile for all cores at once, which the first lone chips do not wait for."""
        if self._widening is None:
            self._widening = threading.Thread(target=self._wide.prepare, args=[1], name="widening")
            self._widening.start()
        return self._wide if self._wide.made else self._narrow

    def _looked_once(self, cores: int) -> openvino.InferRequest:
        """A request of a compiled graph of its own, which has run as it will be run."""
        side = self._graph.input(0).partial_shape[1].get_length()
        request = compiled(self._graph, cores).create_infer_request()
        with FIRST_LOOK:
            request.infer({0: np.zeros((1, side, side, 3), np.uint8)})
        if cores == 1 and self._narrow.made:  # the very first one is warmed up by the loader
            request.infer({0: np.zeros((BATCH, side, side, 3), np.uint8)})
        return request
