"""Quantization of the real ResNet50, small and with few chips."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from checkout_age.server.age import YEARS
from checkout_age.server.bundle import (
    INT8,
    Bundle,
    BundleError,
    find_bundle,
    read_bundle,
    write_bundle,
)
from checkout_age.server.config import SHIPPED
from checkout_age.server.openvino_runtime import OpenVinoRuntime, graph_of
from checkout_age.server.runtime import Precision
from checkout_age.training.dataset.compact import Compact, write_compact
from checkout_age.training.publishing import quantization
from checkout_age.training.publishing.publish import write_with_card
from checkout_age.training.publishing.quantization import Attempt, quantize

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small() -> Bundle:
    """The shipped weights on the smallest chips."""
    bundle = read_bundle(find_bundle(SHIPPED))
    return replace(bundle, facts=replace(bundle.facts, name="small", chip_side=32), int8=None)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Blurred noise with ages, in one file as `pack` writes it."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    chips = coarse.repeat(4, axis=1).repeat(4, axis=2)
    table = pd.DataFrame(
        {
            "file_name": [f"{number}.jpg" for number in range(12)],
            "split": ["train"] * 6 + ["valid"] * 3 + ["test"] * 3,
            "real_age": np.linspace(5, 80, 12),
            "age_conflict": 0.0,
        }
    )
    write_compact(tmp_path / "faces.parquet", Compact(table, chips, "abc"))
    return tmp_path / "faces.parquet"


def test_a_model_gets_an_int8_form_that_is_served_and_that_its_card_tells_of(
    small: Bundle, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "MOST_WORSE", 100)  # noise has no age
    monkeypatch.setattr(quantization, "ATTEMPTS", (Attempt("quickly", thorough=False),))
    made = quantize(small, faces, 6, Console(quiet=True), cache=None)
    facts = replace(small.facts, quantization=made.facts)
    folder = write_with_card(tmp_path / "models", replace(small, facts=facts), made.files)
    bundle = read_bundle(folder)
    assert bundle.facts.quantization["chips"] == 6
    assert {metric["split"] for metric in bundle.facts.quantization["metrics"]} == {"valid", "test"}
    assert "## The int8 form" in (folder / "MODEL_CARD.md").read_text()
    assert all((folder / name).stat().st_size < 50e6 for name in INT8)
    chips = np.full((3, 32, 32, 3), 127, np.uint8)
    int8 = OpenVinoRuntime(graph_of(bundle, Precision.BEST), 1).logits(chips)
    full = OpenVinoRuntime(graph_of(bundle, Precision.FULL), 1).logits(chips)
    assert int8.shape == full.shape == (3, YEARS)
    assert not np.array_equal(int8, full)  # so it is another form
    assert np.abs(int8 - full).max() < 3


def test_a_network_whose_error_no_attempt_keeps_is_not_given_one(
    small: Bundle, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "MOST_WORSE", -1)
    monkeypatch.setattr(quantization, "ATTEMPTS", (Attempt("quickly", thorough=False),))
    with pytest.raises(BundleError, match="no int8 form keeps the error of small within -1 years"):
        quantize(small, faces, 6, Console(quiet=True), cache=None)


def test_a_changed_int8_form_is_refused_as_changed_weights_are(
    small: Bundle, tmp_path: Path
) -> None:
    facts = replace(small.facts, quantization={"method": "by hand"})
    weights = {"w": np.ones(2, np.float32)}
    folder = write_bundle(tmp_path, facts, weights, dict.fromkeys(INT8, b"<net/>"))
    assert read_bundle(folder).int8 == folder / INT8[0]
    (folder / INT8[1]).write_bytes(b"<nets>")
    with pytest.raises(BundleError, match="changed or is incomplete"):
        read_bundle(folder)
    (folder / INT8[1]).unlink()
    with pytest.raises(BundleError, match="changed or is incomplete"):
        read_bundle(folder)


def test_without_the_form_nothing_is_told_of_its_making(small: Bundle, tmp_path: Path) -> None:
    facts = replace(small.facts, quantization={"method": "by hand"})
    folder = write_bundle(tmp_path, facts, {"w": np.ones(2, np.float32)})
    assert "quantization" not in json.loads((folder / "bundle.json").read_text())
