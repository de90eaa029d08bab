from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.server.bundle import Bundle, BundleFacts
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.evaluation import degradation
from checkout_age.training.evaluation.degradation import BLURS, LIGHTS, WIDTHS, degrade
from tests.conftest import Always34
from tests.faces import BrightPhotosHaveFaces


@pytest.fixture
def faces(tmp_path: Path, root: Path) -> Faces:
    """Three faces cut out of the sample day's frames, 34, 44 and 24 years old."""
    photos = []
    for number in (1, 2, 3):
        with Image.open(root / f"batch/sample/photos/till-{number:02}.jpg") as frame:
            photos.append(tmp_path / f"{number}.png")
            frame.crop((220, 120, 420, 320)).save(photos[-1])
    return Faces(tuple(photos), np.array([34, 44, 24], np.float32), np.zeros(3, np.float32))


def test_each_degradation_lowers_its_measure_until_photos_are_refused(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(degradation, "KerasRuntime", Always34)
    monkeypatch.setattr(degradation, "FaceFinder", BrightPhotosHaveFaces)
    steps = list(degrade(Bundle(BundleFacts("fake", 64), {}, "draft"), faces))
    assert len(steps) == len(WIDTHS) + len(BLURS) + len(LIGHTS)
    assert {step.found for step in steps} == {1.0}
    assert all(step.mae == pytest.approx(20 / 3) for step in steps)
    smaller = steps[: len(WIDTHS)]
    blurred = steps[len(WIDTHS) : len(WIDTHS) + len(BLURS)]
    darker = steps[-len(LIGHTS) :]
    for kind in (smaller, blurred, darker):
        measures = [step.measured for step in kind]
        assert max(measures[1:]) < measures[0]
    assert blurred[0].refused == darker[0].refused == 0
    assert blurred[-1].refused == darker[-1].refused == 1
