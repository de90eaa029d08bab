"""The network as OpenVINO's graph: built from a bundle's weights by code, without TensorFlow.

The same ResNet50 as `network`, layer by layer; a test holds the two to agree.
"""

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from checkout_age.server.bundle import BundleError
from checkout_age.server.weights import Weights

STACKS = (("conv2", 3, 1), ("conv3", 4, 2), ("conv4", 6, 2), ("conv5", 3, 2))
"""Name, blocks, and the stride of the first block (He et al. 2015, arXiv:1512.03385)."""
EPSILON = 1.001e-5
"""What Keras' ResNet50 adds to the variances of its batch normalisation."""
MEAN_RGB = (123.68, 116.779, 103.939)
CHIPS, LOGITS = "chips", "logits"


def build_graph(weights: Weights, side: int) -> openvino.Model:
    """From chips, u8 of shape (n, side, side, 3) in RGB, to logits of shape (n, 101).

    Batch normalisation is folded into the convolution before it.

    Raises:
        BundleError: the weights are those of another network.
    """
    chips = ops.parameter([-1, side, side, 3], np.uint8, name=CHIPS)
    try:
        planes = ops.transpose(ops.convert(chips, "f32"), [0, 3, 1, 2])
        centred = ops.subtract(planes, np.reshape(MEAN_RGB, (1, 3, 1, 1)).astype(np.float32))
        first = _convolved(weights, "conv1", centred, stride=2, channels=slice(None, None, -1))
        seen = ops.max_pool(
            ops.relu(first), [2, 2], [1, 1], [1, 1], [1, 1], [3, 3], "floor", "explicit"
        ).output(0)
        for stack, blocks, stride in STACKS:
            for block in range(1, blocks + 1):
                seen = _bottleneck(
                    weights, f"{stack}_block{block}", seen, stride if block == 1 else 1
                )
        pooled = ops.reduce_mean(seen, [2, 3], keep_dims=False)
        kernel = _constant(weights["age_logits/kernel"].astype(np.float32))
        bias = _constant(weights["age_logits/bias"].astype(np.float32)[None])
        logits = ops.add(ops.matmul(pooled, kernel, False, False), bias)
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(f"the weights are not this network's: {error}") from error
    logits.output(0).set_names({LOGITS})
    return openvino.Model([logits.output(0)], [chips], "checkout_age")


def _bottleneck(weights: Weights, name: str, seen: openvino.Output, stride: int) -> openvino.Output:
    """Narrow, look around, widen, and add what came in."""
    beside = seen
    if f"{name}_0_conv/kernel" in weights:
        beside = _convolved(weights, f"{name}_0", seen, stride=stride).output(0)
    narrow = ops.relu(_convolved(weights, f"{name}_1", seen, stride=stride))
    around = ops.relu(_convolved(weights, f"{name}_2", narrow))
    wide = _convolved(weights, f"{name}_3", around)
    return ops.relu(ops.add(wide, beside)).output(0)


def _convolved(
    weights: Weights,
    name: str,
    seen: "openvino.Output | openvino.Node",
    stride: int = 1,
    channels: slice = slice(None),
) -> openvino.Node:
    """One convolution with its normalisation; `channels` is the order in which it takes them."""
    kernel, bias = _folded(weights, name)
    kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)[:, channels])
    pad = [kernel.shape[2] // 2] * 2
    sums = ops.convolution(seen, _constant(kernel), [stride, stride], pad, pad, [1, 1])
    sums.set_friendly_name(f"{name}_conv")
    return ops.add(sums, _constant(bias.reshape(1, -1, 1, 1)))


def _folded(weights: Weights, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel, shape (height, width, in, out), and bias that also normalise."""
    of = {
        part: weights[f"{name}_bn/{part}"].astype(np.float32)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    scale = of["gamma"] / np.sqrt(of["moving_variance"] + EPSILON)
    kernel = weights[f"{name}_conv/kernel"].astype(np.float32) * scale
    bias = (weights[f"{name}_conv/bias"].astype(np.float32) - of["moving_mean"]) * scale
    return kernel, bias + of["beta"]


def _constant(values: NDArray[np.float32]) -> openvino.Node:
    """Without a copy; OpenVINO's own way from an array to a node goes over Python's numbers."""
    return ops.constant(values, shared_memory=True)
