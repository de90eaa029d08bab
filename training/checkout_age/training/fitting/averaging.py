"""Averaging: the mean of a network's weights over the epochs of its training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


class Average:
    """An exponential moving mean of all weights, the statistics of normalisation among them."""

    def __init__(self, decay: float, values: Sequence[NDArray[Any]] = (), epochs: int = 0) -> None:
        """Goes on from the values after so many epochs; a decay of 0 is the last epoch alone."""
        self._decay = decay
        self._values: list[Any] = list(values)
        self._epochs = epochs

    @property
    def values(self) -> list[NDArray[Any]]:
        """The mean of each weight, in the order of the network's."""
        return [np.asarray(ops.convert_to_numpy(value)) for value in self._values]

    def add(self, network: keras.Model) -> None:
        """Count an epoch's weights; the first ones are forgotten sooner."""
        if not self._values:
            self._values = [ops.copy(weight.value) for weight in network.weights]
        kept = min(self._decay, (1 + self._epochs) / (10 + self._epochs))
        self._values = [
            value * kept + weight.value * (1 - kept)
            for value, weight in zip(self._values, network.weights, strict=True)
        ]
        self._epochs += 1

    def fill(self, network: keras.Model) -> None:
        """Give the network the mean weights: copies, since JAX hands values on and deletes them."""
        for weight, value in zip(network.weights, self._values, strict=True):
            weight.assign(ops.copy(value))

    @contextmanager
    def worn_by(self, network: keras.Model) -> Iterator[None]:
        """Let the network have the mean weights for a while."""
        own = [ops.copy(weight.value) for weight in network.weights]
        self.fill(network)
        try:
            yield
        finally:
            for weight, value in zip(network.weights, own, strict=True):
                weight.assign(value)
