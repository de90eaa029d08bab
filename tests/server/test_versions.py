import os
from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.bundle import BundleError, BundleFacts, write_bundle
from checkout_age.server.versions import NoSuchVersionError, Versions, fingerprint


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """Three versions of one model, each a day newer than the one before."""
    folders = []
    for day in (1, 2, 3):
        facts = BundleFacts("fake", chip_side=32, data_terms=f"day {day}")
        folder = write_bundle(tmp_path, facts, {"nothing": np.zeros(1, np.float32)})
        os.utime(folder / "bundle.json", (day * 86400, day * 86400))
        folders.append(folder)
    return folders


def test_the_newest_version_is_wanted_and_older_ones_after_it(models: list[Path]) -> None:
    assert list(Versions.within(models[0].parent).wanted()) == models[::-1]


def test_a_version_named_by_its_folder_is_the_only_one_wanted(models: list[Path]) -> None:
    versions = Versions.within(models[0])
    assert list(versions.wanted()) == [models[0]]
    assert list(versions.all()) == models[::-1]


def test_a_pinned_version_is_the_only_one_wanted_until_it_is_unpinned(models: list[Path]) -> None:
    versions = Versions.within(models[0].parent)
    versions.pin(models[1].name)
    assert list(versions.wanted()) == [models[1]]
    versions.pin(None)
    versions.pin(None)
    assert versions.wanted()[0] == models[2]


def test_a_version_that_is_not_there_is_named_beside_those_that_are(models: list[Path]) -> None:
    versions = Versions.within(models[0].parent)
    versions.pin("abc")
    with pytest.raises(NoSuchVersionError, match=f"no version 'abc'; there are: {models[2].name},"):
        versions.wanted()


def test_a_name_is_never_a_way_out_of_the_folder(models: list[Path]) -> None:
    with pytest.raises(NoSuchVersionError):
        Versions.within(models[0].parent).named(f"../fake/{models[0].name}")


def test_an_empty_folder_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no model in"):
        Versions.within(tmp_path).wanted()


def test_a_folder_that_is_still_copied_into_is_no_version_yet(models: list[Path]) -> None:
    (models[2] / "bundle.json").rename(models[2] / "bundle.json.new")
    assert Versions.within(models[0].parent).wanted()[0] == models[1]


def test_a_fingerprint_changes_with_any_file(models: list[Path]) -> None:
    before = fingerprint(models[0])
    assert fingerprint(models[0]) == before
    (models[0] / "weights.safetensors").write_bytes(b"other")
    assert fingerprint(models[0]) != before


def test_a_file_serve_that_is_no_text_is_named(models: list[Path]) -> None:
    (models[0].parent / "serve").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="serve cannot be read, it names a version"):
        Versions.within(models[0].parent).wanted()


def test_a_file_in_the_place_of_a_models_folder_is_told_to_hold_none(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("no folder")
    with pytest.raises(BundleError, match="there is no model in"):
        Versions.within(tmp_path / "model").wanted()


def test_refused_versions_are_wanted_only_where_there_is_no_other(models: list[Path]) -> None:
    versions = Versions.within(models[0].parent)
    versions.refused.add(models[2].name, "its ages are far off")
    assert list(versions.wanted()) == models[1::-1]
    for folder in models:
        versions.refused.add(folder.name, "likewise")
    assert list(versions.wanted()) == models[::-1]


def test_a_refusal_that_cannot_be_kept_is_logged(
    models: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    versions = Versions.within(models[0].parent)
    versions.refused.file.write_bytes(b"\xff")
    versions.refused.add(models[2].name, "its ages are far off")
    assert "is not kept" in caplog.text
    with pytest.raises(BundleError, match="refused cannot be read"):
        versions.wanted()
