import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.bundle import (
    FACTS,
    WEIGHTS,
    BundleError,
    BundleFacts,
    Metric,
    digest_of,
    find_bundle,
    read_bundle,
    write_bundle,
)
from checkout_age.server.told import ToldAge

FACTS_OF_ONE = BundleFacts(
    "one", 64, metrics=(Metric("MAE", 5.0, 4.8, 5.2, 1000, "test"),), training={"seed": 7}
)


def test_what_is_written_is_read_with_kernels_in_half_precision(tmp_path: Path) -> None:
    kernel = {"a/kernel": np.array([[0.1, 2.5]], np.float32)}
    folder = write_bundle(tmp_path, FACTS_OF_ONE, kernel | {"a/b": np.array([1e6], np.float32)})
    bundle = read_bundle(folder)
    assert bundle.facts == FACTS_OF_ONE
    assert folder == tmp_path / "one" / bundle.version
    assert bundle.weights["a/kernel"].dtype == np.float16
    assert bundle.weights["a/kernel"][0, 1] == 2.5
    assert bundle.weights["a/b"][0] == 1e6  # beyond what half precision can hold


def test_the_same_content_gets_the_same_version_and_other_content_another(tmp_path: Path) -> None:
    weights = {"w": np.ones(2, np.float32)}
    first = write_bundle(tmp_path, BundleFacts("m", 64), weights)
    assert write_bundle(tmp_path, BundleFacts("m", 64), weights) == first
    assert write_bundle(tmp_path, BundleFacts("m", 96), weights) != first


def test_what_was_told_by_true_age_is_kept_and_an_older_bundle_without_it_is_still_read(
    tmp_path: Path,
) -> None:
    told = (ToldAge(30, tuple(range(300, 312))), ToldAge(31, tuple(range(12))))
    weights = {"w": np.ones(2, np.float32)}
    folder = write_bundle(tmp_path, replace(FACTS_OF_ONE, told_ages=told), weights)
    assert "[ 30, 300, 301," in (folder / FACTS).read_text()
    assert read_bundle(folder).facts.told_ages == told
    stored = (folder / WEIGHTS).read_bytes()
    described = json.loads((folder / FACTS).read_text())
    del described["told_ages"], described["version"]
    described["version"] = digest_of(described, [stored])
    (folder / FACTS).write_text(json.dumps(described))
    assert read_bundle(folder).facts == FACTS_OF_ONE


def test_one_version_is_found_by_the_models_name_and_several_are_listed(tmp_path: Path) -> None:
    first = write_bundle(tmp_path, BundleFacts("m", 64), {"w": np.ones(2, np.float32)})
    assert find_bundle(tmp_path / "m") == first
    assert find_bundle(first) == first
    second = write_bundle(tmp_path, BundleFacts("m", 96), {"w": np.ones(2, np.float32)})
    with pytest.raises(BundleError, match=f"{min(first.name, second.name)}, "):
        find_bundle(tmp_path / "m")


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no model in"):
        find_bundle(tmp_path)


def test_changed_weights_are_refused(tiny_bundle: Path) -> None:
    weights = tiny_bundle / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(BundleError, match="changed or is incomplete"):
        read_bundle(tiny_bundle)


def test_missing_weights_are_refused(tiny_bundle: Path) -> None:
    (tiny_bundle / WEIGHTS).unlink()
    with pytest.raises(BundleError, match=WEIGHTS):
        read_bundle(tiny_bundle)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("chip_definition", "aligned/9"),
        ("architecture", "resnet18"),
        ("format", 3),
        ("chip_side", 16),
        ("group_starts", [0, 0]),
        ("unheard_of", 1),
    ],
)
def test_a_bundle_for_another_server_is_refused_by_what_differs(
    tiny_bundle: Path, key: str, value: object
) -> None:
    described = json.loads((tiny_bundle / FACTS).read_text())
    (tiny_bundle / FACTS).write_text(json.dumps(described | {key: value}))
    with pytest.raises(BundleError, match=key if key != "group_starts" else "age group"):
        read_bundle(tiny_bundle)
