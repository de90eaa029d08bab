"""Boxes: which of those that a detector tells are one face."""

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.face import Face

SAME_FACE = 0.3
"""Boxes that overlap by more than this share (intersection over union) are one face."""


def merged(points: NDArray[np.float32], probabilities: NDArray[np.float32]) -> list[Face]:
    """One face for each heap of overlapping boxes: their mean, weighted by probability.

    BlazeFace's own form of non-maximum suppression, which steadies the points.

    Args:
        points: shape (n, 8, 2): top left and bottom right of a box, then six landmarks.
        probabilities: shape (n,), 0 to 1 each.
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
        mean = (weights @ points[heap].reshape(heap.size, -1)).reshape(points.shape[1:])
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
