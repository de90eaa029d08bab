from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.server.bundle import Bundle, BundleFacts
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.evaluation import degradation
from checkout_age.training.evaluation.degradation import (
    BLURS,
    LIGHTS,
    WIDTHS,
    Degradation,
    degrade,
)
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


def test_photos_are_read_as_the_server_reads_them(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def noted(image: Image.Image) -> Image.Image:
        seen.append(image.size)
        return image

    kind = Degradation("as it is", noted, lambda shopper: shopper.face.width, 24)
    monkeypatch.setattr(degradation, "degradations", lambda: [kind])
    monkeypatch.setattr(degradation, "KerasRuntime", Always34)
    monkeypatch.setattr(degradation, "FaceFinder", BrightPhotosHaveFaces)
    with Image.open(faces.photos[0]) as photo:
        upright = photo.convert("RGB").resize((200, 160))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the side
    upright.save(faces.photos[0], "PNG", exif=exif)
    bundle = Bundle(BundleFacts("fake", 64), {}, "draft")
    list(degrade(bundle, faces))
    assert seen[0] == (160, 200)
    faces.photos[1].write_bytes(b"no photo")
    with pytest.raises(FacesError, match=r"2\.png: "):
        list(degrade(bundle, faces))
