"""A runtime: what turns a batch of chips into logits. Here Keras, on whatever backend it has."""

from typing import Protocol

import numpy as np

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle
from checkout_age.server.photo import Pixels


class Runtime(Protocol):
    """Runs a network; called from one thread at a time."""

    def logits(self, chips: Pixels) -> Logits:
        """Chips of shape (n, side, side, 3), 0 to 255, to logits of shape (n, 101)."""


class KerasRuntime:
    """The reference: the bundle's weights in the very graph that was trained."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network and fill it; seconds, most of them the import of TensorFlow.

        Raises:
            BundleError: the weights are not those of this network.
        """
        from checkout_age.server.network import build_network, fill

        self._network = build_network(bundle.facts.chip_side)
        fill(self._network, bundle.weights)

    def logits(self, chips: Pixels) -> Logits:
        """See Runtime."""
        answer = np.asarray(self._network.predict_on_batch(chips.astype(np.float32)), np.float32)
        return answer.reshape(len(chips), YEARS)
