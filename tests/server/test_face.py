"""The real detector on the sample day's photos and on whatever else is at hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.face import FaceFinder, NoFaceError
from checkout_age.server.photo import decode


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def test_every_averaged_face_of_the_sample_day_is_a_face(finder: FaceFinder, root: Path) -> None:
    photos = sorted((root / "batch/sample/photos").glob("till-[0-9]*.jpg"))
    assert len(photos) > 50
    for photo in photos:
        finder.require_face(decode(photo.read_bytes()))


def test_an_empty_checkout_is_none_and_the_score_is_told(finder: FaceFinder, root: Path) -> None:
    nobody = (root / "batch/sample/photos/till-nobody.jpg").read_bytes()
    with pytest.raises(NoFaceError, match=r"reached 0\.\d\d, 0\.5 is needed"):
        finder.require_face(decode(nobody))


@pytest.mark.parametrize("size", [(1, 1), (480, 640), (2000, 3)])
def test_darkness_and_noise_are_none_at_any_size(finder: FaceFinder, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    for pixels in (np.zeros_like(noise), noise):
        with pytest.raises(NoFaceError):
            finder.require_face(pixels)


@pytest.mark.slow
def test_the_first_photos_of_a_process_may_come_at_once() -> None:
    code = (
        "import threading, numpy as np\n"
        "from checkout_age.server.face import FaceFinder, NoFaceError\n"
        "finder, start = FaceFinder(), threading.Barrier(8)\n"
        "def look():\n"
        "    start.wait()\n"
        "    try: finder.require_face(np.zeros((64, 64, 3), np.uint8))\n"
        "    except NoFaceError: print('none')\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
    )
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert run.stdout.split() == ["none"] * 8


@pytest.mark.slow
def test_tight_crops_of_real_faces_are_faces(finder: FaceFinder, faces_folder: Path) -> None:
    photos = sorted((faces_folder / "final_files").glob("*.jpg"))[::40]
    missed = 0
    for photo in photos:
        try:
            finder.require_face(decode(photo.read_bytes()))
        except NoFaceError:
            missed += 1
    assert missed <= len(photos) * 0.005


def test_whole_scenes_with_people_have_faces_and_the_empty_one_has_none(
    finder: FaceFinder, root: Path
) -> None:
    scenes = root.parent / "shared" / "scenes"
    if not scenes.is_dir():
        pytest.skip("the scenes are not beside this checkout")
    truth = (scenes / "truth.csv").read_text().splitlines()[1:]
    for name, width, _, faces, *_ in (line.split(",") for line in truth):
        if int(width) > 1000:
            continue  # the large ones cost a second each to decode
        pixels = decode((scenes / name).read_bytes())
        if int(faces):
            finder.require_face(pixels)
        else:
            with pytest.raises(NoFaceError):
                finder.require_face(pixels)
