"""The network: ResNet50 from a chip to 101 logits, with its normalisation inside the graph."""

from pathlib import Path

import keras
import numpy as np

from checkout_age.server.age import YEARS
from checkout_age.server.bundle import BundleError
from checkout_age.server.weights import Weights

MEAN_BGR = (103.939, 116.779, 123.68)
"""What the published ResNet50 weights subtract from each channel, in BGR order."""


def build_network(
    side: int | None = None, *, weights: str | Path | None = None, dropout: float = 0.0
) -> keras.Model:
    """ResNet50 over RGB chips: float (batch, side, side, 3) in 0..255 to logits (batch, 101).

    Deep residual learning: He et al. 2015, arXiv:1512.03385; the body is Keras' own.

    Args:
        side: chip side in pixels, at least 32; None accepts any.
        weights: None starts at random; "imagenet" lets Keras fetch its published
            weights; a path names a file of them that was fetched before.
        dropout: share of pooled features that training switches off.
    """
    chips = keras.Input((side, side, 3), name="chip")
    bgr = keras.ops.flip(chips, axis=-1)
    normalised = keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR])(bgr)
    body = keras.applications.ResNet50(
        include_top=False,
        weights=None if weights is None else str(weights),
        input_tensor=normalised,
        pooling="avg",
    )
    # without a seed of its own, PyTorch's dropout has no state that a checkpoint could keep
    features = keras.layers.Dropout(dropout, seed=0)(body.output)
    logits = keras.layers.Dense(YEARS, dtype="float32", name="age_logits")(features)
    return keras.Model(chips, logits, name="checkout_age")


def fill(network: keras.Model, weights: Weights) -> None:
    """Give the network's variables the values that a bundle holds for their paths.

    Raises:
        BundleError: the weights are those of another network.
    """
    expected = {variable.path: variable for variable in network.weights}
    if expected.keys() != weights.keys():
        odd = sorted(expected.keys() ^ weights.keys())
        raise BundleError(f"the weights are not this network's, see {odd[0]}")
    for path, variable in expected.items():
        if variable.shape != weights[path].shape:
            raise BundleError(
                f"the weights of {path} have shape {weights[path].shape}, "
                f"the network needs {tuple(variable.shape)}"
            )
        variable.assign(weights[path].astype(np.float32))
