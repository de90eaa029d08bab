"""Quantization: the network in whole numbers of 8 bits, for CPUs, held to the errors it had."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from rich.console import Console

from checkout_age.server.bundle import INT8, Bundle, BundleError, Metric
from checkout_age.server.graph import CHIPS, build_graph
from checkout_age.server.openvino_runtime import OpenVinoRuntime, graph_of
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Precision, cores
from checkout_age.training.dataset.faces import load_test, load_train, load_valid
from checkout_age.training.dataset.pack import CACHE, pack
from checkout_age.training.evaluation.evaluation import mean_metric, predict_logits
from checkout_age.training.evaluation.scores import Scores

MOST_WORSE = 0.05
"""Years that the mean absolute error may change by."""
STEM = ".*(conv1|conv2)_.*"
"""The layers that see the finest detail, by the names of `graph`."""


@dataclass(frozen=True)
class Attempt:
    """One way to quantize; the next leaves more as it was and saves less."""

    name: str
    kept: tuple[str, ...] = ()
    """Patterns of layers that stay in single precision."""
    thorough: bool = True
    """Correct biases layer by layer, each on chips that went through those quantized before it."""


ATTEMPTS = (
    Attempt("all layers"),
    Attempt("conv1 and conv2 left in single precision", (STEM,)),
)


@dataclass(frozen=True)
class Quantized:
    """The int8 form of a network: its files by name, and how it was made and does."""

    files: Mapping[str, bytes]
    facts: Mapping[str, Any]
    """What the bundle states: the method, the chips, and for each split what was measured."""


def quantize(
    bundle: Bundle, faces: Path, chips: int, console: Console, cache: Path | None = CACHE
) -> Quantized:
    """Quantize after training (NNCF), on so many chips of the train split.

    Weights and activations are rounded to 8 bits with a scale for each channel and each layer
    (Jacob et al. 2018, arXiv:1712.05877); weights to 7, so that sums of products do not overflow
    on CPUs without VNNI, which add pairs of them in 16 bits. The biases are corrected for what
    rounding shifts (Nagel et al. 2019, arXiv:1906.04721). The first attempt whose mean absolute
    error on valid is that of the full precision within MOST_WORSE is taken.

    Raises:
        BundleError: no attempt came so close.
    """
    side = bundle.facts.chip_side
    train = load_train(faces)
    some = np.unique(np.linspace(0, len(train) - 1, chips).astype(np.int64))
    examples = pack(train.chosen(some), side, "train photos", cache).chips
    valid = _full(bundle, faces, "valid", cache)
    for attempt in ATTEMPTS:
        files = _files(_rounded(bundle, examples, attempt))
        told = _figures(files, valid, "valid")
        console.print(f"{attempt.name}: {told[0].value:+.3f} years on valid")
        if abs(told[0].value) <= MOST_WORSE:
            told += _figures(files, _full(bundle, faces, "test", cache), "test")
            facts = {
                "method": f"post-training, {attempt.name}, weights of 7 bits",
                "chips": len(examples),
                "metrics": [asdict(metric) for metric in told],
            }
            return Quantized(files, facts)
    raise BundleError(
        f"no int8 form keeps the error of {bundle.facts.name} within {MOST_WORSE} years; "
        f"train it longer or at a larger side, or give more --chips than {chips}"
    )


def _rounded(bundle: Bundle, examples: Pixels, attempt: Attempt) -> openvino.Model:
    import nncf  # seconds

    return nncf.quantize(
        build_graph(bundle.weights, bundle.facts.chip_side),
        nncf.Dataset(list(examples[:, None]), lambda chip: {CHIPS: chip}),
        subset_size=len(examples),
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        fast_bias_correction=not attempt.thorough,
        ignored_scope=nncf.IgnoredScope(patterns=list(attempt.kept), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE
        ),
    )


def _files(graph: openvino.Model) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / INT8[0]
        openvino.save_model(graph, path, compress_to_fp16=False)
        return {name: path.with_name(name).read_bytes() for name in INT8}


def _full(bundle: Bundle, faces: Path, split: str, cache: Path | None) -> Scores:
    """What the full precision says of a split."""
    everyone = load_valid(faces) if split == "valid" else load_test(faces)
    seen = pack(everyone, bundle.facts.chip_side, f"{split} photos", cache)
    runtime = OpenVinoRuntime(graph_of(bundle, Precision.FULL), cores())
    logits = predict_logits(runtime.logits, seen.chips)
    return Scores(
        everyone.chosen(seen.rows),
        seen.chips,
        logits,
        bundle.facts.calibration,
        bundle.facts.groups,
    )


def _figures(files: Mapping[str, bytes], full: Scores, split: str) -> list[Metric]:
    """How far the int8 form lies from the full precision, the error first."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        graph = openvino.Core().read_model(Path(folder) / INT8[0])
        runtime = OpenVinoRuntime(graph, cores())
    logits = predict_logits(runtime.logits, full.chips)
    return list(differences(full, Scores(full.faces, full.chips, logits, full.calibration), split))


def differences(full: Scores, int8: Scores, split: str) -> Iterator[Metric]:
    """Photo by photo what the int8 form changes: error, coverage, the told age; in years."""
    yield mean_metric("MAE int8 less full", int8.errors - full.errors, split)
    yield mean_metric("MAE int8", int8.errors, split)
    yield mean_metric("MAE full", full.errors, split)
    yield mean_metric("MAE int8 against full", np.abs(int8.ages - full.ages), split)
    for name, scores in (("int8", int8), ("full", full)):
        yield mean_metric(f"90 % interval covers {name}", scores.covered.astype(np.float64), split)
