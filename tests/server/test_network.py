"""The real ResNet50 graph, as far as it can be checked in seconds."""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from checkout_age.server.bundle import Bundle, BundleError, BundleFacts
from checkout_age.server.keras_runtime import KerasRuntime
from checkout_age.server.network import build_network

pytestmark = pytest.mark.slow


def test_the_normalisation_is_inside_the_graph() -> None:
    network = build_network(32)
    inside = keras.Model(network.input, network.get_layer("conv1_pad").input)
    rgb = np.zeros((1, 32, 32, 3), np.float32)
    rgb[..., 0] = 255  # red
    blue, green, red = np.asarray(inside(rgb))[0, 0, 0]
    assert (blue, green, red) == pytest.approx((-103.939, -116.779, 255 - 123.68))


def test_published_weights_without_top_are_taken_from_a_file(tmp_path: Path) -> None:
    """In the form that Keras publishes its ImageNet weights in."""
    body = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "resnet50_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, body)
    network = build_network(weights=path)
    for layer in ("conv1_conv", "conv5_block3_3_bn"):
        for ours, theirs in zip(
            network.get_layer(layer).get_weights(), body.get_layer(layer).get_weights(), strict=True
        ):
            assert np.array_equal(ours, theirs)


def test_weights_of_another_network_are_refused_by_name() -> None:
    facts = BundleFacts("other", chip_side=32)
    with pytest.raises(BundleError, match="not this network's, see"):
        KerasRuntime(Bundle(facts, {"dense/kernel": np.ones((2, 2), np.float16)}, "v"))
