"""What the peers serve: this server's own parts in one call, photo in and age out."""

import os
from pathlib import Path

from checkout_age.server.bundle import find_bundle, read_bundle
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.runtime import Precision, cores, openvino_runtime
from checkout_age.server.shopper import ShopperFinder

MODEL = "BENCH_MODEL"
"""The environment variable that names the model."""
CORES = cores()


class Pipeline:
    """One photo at a time on one core; the same runtime in the same form as the server's."""

    def __init__(self) -> None:
        bundle = read_bundle(find_bundle(Path(os.environ[MODEL])))
        self._calibration = bundle.facts.calibration
        self._runtime = openvino_runtime(bundle, Precision.BEST, 1)
        faces = FaceFinder(threads=1, crowds=False)
        faces.ready()
        self._shoppers = ShopperFinder(faces, bundle.facts.chip_side)

    def age(self, photo: bytes) -> dict[str, float]:
        """The age and its interval in years."""
        chip = self._shoppers.find(photo).chip
        ages = self._calibration.distribution(self._runtime.logits(chip[None])[0])
        low, high = self._calibration.interval(ages)
        return {"age": ages.age, "age_low": low, "age_high": high}
