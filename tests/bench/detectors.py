"""Which detector: recall and false faces on scenes and tight crops, time, memory, start.

    make bench-detectors SHARED=FOLDER

FOLDER holds `scenes/` (photos and truth.csv with a nose point for each face) and `faces/`.
"""

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from checkout_age.server.decoder import decode
from checkout_age.server.photo import Pixels
from tests.bench.timing import in_turns, machine, on_one_core

Boxes: TypeAlias = list[NDArray[np.float64]]
"""Corners of each face, shape (2, 2), in pixels."""
Detector: TypeAlias = Callable[[Pixels], Boxes]
CROPS = 500
SIZES = ((640, 480), (1920, 1080))
ROUNDS = 20


def two_looks() -> Detector:
    """Ours: full range, confirmed by short range."""
    from checkout_age.server.face_finder import FaceFinder

    finder = FaceFinder()
    return lambda pixels: [np.asarray(face.corners, float) for face in finder.find(pixels)[0]]


def back_camera() -> Detector:
    """BlazeFace's back-camera form in one look, again with 30 % of padding if that finds none."""
    from checkout_age.server.blazeface import BlazeFace
    from checkout_age.server.blazeface_network import Form
    from checkout_age.server.view import View

    form = Form("face_detection_back.tflite", 256, ((16, 2), (32, 6)))
    network = BlazeFace(form, looks=1)

    def look(pixels: Pixels) -> Boxes:
        for margin in (0.0, 0.3):
            view = View.with_margin(pixels, margin)
            faces, _ = network.look(view.seen(pixels, network.side), 0.5)
            if faces:
                return [np.asarray(view.to_photo(f, network.side).corners, float) for f in faces]
        return []

    return look


def mtcnn() -> Detector:
    """The package `mtcnn` as its README says, again with 30 % of padding if that finds none."""
    from mtcnn import MTCNN

    detector = MTCNN(device="CPU:0")

    def look(pixels: Pixels) -> Boxes:
        for margin in (0, int(0.3 * max(pixels.shape))):
            padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)))
            boxes = [np.array(face["box"], float) for face in detector.detect_faces(padded)]
            if boxes:
                return [
                    np.array([[x - margin, y - margin], [x - margin + w, y - margin + h]])
                    for x, y, w, h in boxes
                ]
        return []

    return look


DETECTORS = {"two_looks": two_looks, "back_camera": back_camera, "mtcnn": mtcnn}


def measure(name: str, shared: Path) -> dict[str, object]:
    """One detector's figures, in a process of its own."""
    on_one_core()
    before = time.perf_counter()
    look = DETECTORS[name]()
    look(np.zeros((480, 640, 3), np.uint8))
    start = time.perf_counter() - before
    seen = false = noses = 0
    scenes = []
    with (shared / "scenes" / "truth.csv").open() as truth:
        for row in csv.DictReader(truth):
            photo = decode((shared / "scenes" / row["file_name"]).read_bytes(), enough=960)
            boxes = look(photo.pixels)
            points = np.reshape(json.loads(row["nose_points"]), (-1, 2)) / photo.reduction
            inside = np.array(
                [[(b[0] <= p).all() and (p <= b[1]).all() for b in boxes] for p in points]
            ).reshape(len(points), len(boxes))
            seen += int(inside.any(axis=1).sum())
            false += int((~inside.any(axis=0)).sum())
            noses += len(points)
            if len(points) == 1 and photo.pixels.shape[1] > photo.pixels.shape[0]:
                scenes.append(photo.pixels)
    photos = sorted((shared / "faces" / "final_files").glob("*.jpg"))
    crops = photos[:: max(1, len(photos) // CROPS)][:CROPS]
    found = sum(bool(look(decode(crop.read_bytes()).pixels)) for crop in crops)
    scene = Image.fromarray(scenes[0])
    resized = {
        f"{width} x {height}": np.asarray(scene.resize((width, height))) for width, height in SIZES
    }
    times = in_turns(
        {size: partial(_look, look, pixels) for size, pixels in resized.items()}, ROUNDS
    )
    return {
        "noses in a face": f"{seen} of {noses}",
        "false faces": str(false),
        "tight crops": f"{found} of {len(crops)}",
        "start, s": f"{start:.1f}",
        **{f"ms at {size}": str(spread) for size, spread in times.items()},
        "memory, MB": str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024),
    }


def _look(look: Detector, pixels: Pixels, _: int) -> Boxes:
    return look(pixels)


def main(shared: Path) -> None:
    """Run each detector in a fresh process and print what it reached."""
    columns: dict[str, dict[str, str]] = {}
    for name in DETECTORS:
        run = subprocess.run(
            [sys.executable, "-m", "tests.bench.detectors", str(shared), name],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        columns[name] = json.loads(run.stdout.splitlines()[-1])
    table = Table(title=f"Face detectors, {machine()}", title_justify="left")
    for heading in ("", *columns):
        table.add_column(heading, justify="right" if heading else "left")
    for figure in next(iter(columns.values())):
        table.add_row(figure, *(column[figure] for column in columns.values()))
    Console(soft_wrap=True).print(table)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:  # the process of one detector
        print(json.dumps(measure(sys.argv[2], folder)))
    else:
        main(folder)
