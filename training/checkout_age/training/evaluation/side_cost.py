"""Accuracy against cost: a network's error and its time at each side of the chip."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import openvino

from checkout_age.server.bundle import Bundle, Metric
from checkout_age.server.openvino_runtime import BATCH, OpenVinoRuntime, graph_of
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Precision, cores
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import CACHE, pack
from checkout_age.training.evaluation.evaluation import mean_metric, predict_logits
from checkout_age.training.evaluation.scores import Scores

SECONDS = 2.0
"""That each pace is measured for."""


@dataclass(frozen=True)
class SideCost:
    """One network in one form at one side."""

    model: str
    side: int
    form: str
    """full or int8."""
    error: Metric
    """The mean absolute error in years."""
    lone_ms: float
    """Milliseconds of one core for one chip, the median."""
    rate: float
    """Chips a second on all cores, in the batches that the server runs."""


def side_costs(
    bundles: Sequence[Bundle],
    faces: Faces,
    split: str,
    sides: Sequence[int] | None = None,
    cache: Path | None = CACHE,
) -> Iterator[SideCost]:
    """A row for each bundle, side and form that the bundle has, measured on these faces.

    The network takes chips of any side; at another than its own it sees faces larger or smaller
    than those it was trained on, so that a model trained at each side tells more.
    """
    for bundle in bundles:
        forms = [Precision.FULL, *([Precision.INT8] if bundle.int8 else [])]
        for side in sides or [bundle.facts.chip_side]:
            seen = pack(faces, side, f"{split} photos", cache)
            found = faces.chosen(seen.rows)
            for form in forms:
                runtime = OpenVinoRuntime(at_side(graph_of(bundle, form), side), cores())
                logits = predict_logits(runtime.logits, seen.chips)
                runtime.ready()
                scores = Scores(found, seen.chips, logits, bundle.facts.calibration)
                yield SideCost(
                    f"{bundle.facts.name} {bundle.version}",
                    side,
                    str(form),
                    mean_metric("MAE", scores.errors, split),
                    lone_ms(runtime, seen.chips[:1]),
                    rate(runtime, np.resize(seen.chips, (BATCH, side, side, 3))),
                )


def at_side(graph: openvino.Model, side: int) -> openvino.Model:
    """The same network for chips of another side."""
    graph.reshape({0: openvino.PartialShape([-1, side, side, 3])})
    return graph


def lone_ms(runtime: OpenVinoRuntime, chip: Pixels) -> float:
    """Milliseconds for one chip on one core, the median."""
    return median(_timed(lambda: runtime.logits(chip))) * 1e3


def rate(runtime: OpenVinoRuntime, chips: Pixels) -> float:
    """Chips a second when each of the runtime's threads runs batches of these."""
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(_timed(lambda: runtime.logits(chips)))))
        for _ in range(runtime.streams)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) * len(chips) / (time.perf_counter() - start)


def _timed(call: Callable[[], object]) -> list[float]:
    """Seconds of each call within SECONDS."""
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while (start := time.perf_counter()) < end:
        call()
        taken.append(time.perf_counter() - start)
    return taken
