"""The reference runtime: Keras, on whatever backend and device it has."""

import os
import time

import numpy as np

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle
from checkout_age.server.network import build_network, fill
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import LARGEST_BATCH

PATIENCE = 0.1
"""Seconds that a batch may take, so that a till that comes meanwhile does not wait longer."""
MEMORY = 0.2
"""How much the latest batch counts in the measured pace."""


class KerasRuntime:
    """The bundle's weights in the very graph that was trained, in batches that adapt.

    A batch is as large a power of two as runs within PATIENCE at the pace measured so far: on a
    GPU that is soon LARGEST_BATCH, on a CPU a few. Powers of two, because a backend may compile
    for each size; fewer chips are filled up with black ones.
    """

    streams = 1

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        """Build the network and fill it; seconds, most of them the import of TensorFlow.

        Raises:
            BundleError: the weights are not those of this network.
        """
        if threads is not None:
            _use_threads(threads)
        self._network = build_network(bundle.facts.chip_side)
        fill(self._network, bundle.weights)
        self._pace = 0.0  # seconds a chip; 0 until measured
        self._compiled: set[int] = set()  # sizes of batches that have run

    @property
    def batch(self) -> int:
        """See Runtime."""
        affordable = PATIENCE / self._pace if self._pace else 1
        return 1 << (int(min(max(affordable, 1), LARGEST_BATCH)).bit_length() - 1)

    def ready(self) -> None:
        """It is, see Runtime."""

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:  # noqa: ARG002  # see Runtime
        """See Runtime."""
        size = 1 << (len(chips) - 1).bit_length()
        filled = np.zeros((size, *chips.shape[1:]), np.float32)
        filled[: len(chips)] = chips
        start = time.perf_counter()
        answer = np.asarray(self._network.predict_on_batch(filled), np.float32)
        pace = (time.perf_counter() - start) / size
        if size in self._compiled:
            self._pace += (MEMORY if self._pace else 1.0) * (pace - self._pace)
        self._compiled.add(size)  # what compiling took says nothing of the next batch
        return answer.reshape(size, YEARS)[: len(chips)]


def _use_threads(threads: int) -> None:
    """One operation at a time on so many threads; TensorFlow takes it before its first one."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    else:  # JAX has no such setting
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
