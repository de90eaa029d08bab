"""Training as an engineer runs it: real ResNet50, real files, a bundle that the server takes."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout_age.server.bundle import BundleFacts, Metric, find_bundle, read_bundle
from checkout_age.training.__main__ import main
from tests.e2e.conftest import RunningServer
from tests.e2e.samples import frames

pytestmark = pytest.mark.slow


def command(
    folder: Path, *arguments: str, backend: str = "tensorflow"
) -> subprocess.CompletedProcess[str]:
    """Run in a folder, where the cache of chips comes to lie."""
    return subprocess.run(
        [sys.executable, "-m", "checkout_age.training", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"KERAS_BACKEND": backend},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The sample day's frames in the study's layout, without a split, and two of nobody."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "final_files").mkdir()
    rows = ["file_name,real_age"]
    nobody = [root / f"batch/sample/photos/till-{name}.jpg" for name in ("nobody", "nobody")]
    for number, frame in enumerate(frames(root) + nobody):
        shutil.copy(frame, folder / "final_files" / f"{number}.jpg")
        rows.append(f"{number}.jpg,{20 + number % 2 * 30}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


class Trained(NamedTuple):
    """What became of a recipe."""

    said: str
    faces: Path
    model: Path
    facts: BundleFacts


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model of the trial, trained on chips in one file, without the photos or the detector."""
    away = tmp_path_factory.mktemp("away")
    file, terms = away / "faces.parquet", away / "terms.txt"
    packed = command(away, "pack", "--faces", str(folder), "--side", "40", "--out", str(file))
    assert packed.returncode == 0, packed.stderr
    assert re.match(r"58 chips are in .*, 0\.\d MB", packed.stdout.splitlines()[-1])
    terms.write_text("noise is free\n")
    done = command(
        away,
        *("train", "trial", "--faces", str(file), "--out", "models"),
        *("--run", "run", "--data-terms", str(terms), "--seed", "11"),
    )
    assert done.returncode == 0, done.stderr
    model = find_bundle(away / "models" / "trial")
    return Trained(done.stdout, file, model, read_bundle(model).facts)


def stated(facts: BundleFacts, name: str, split: str) -> Metric:
    return next(m for m in facts.metrics if (m.name, m.split) == (name, split))


def test_a_recipe_becomes_a_bundle_with_its_history_its_error_and_its_card(
    trained: Trained,
) -> None:
    facts = trained.facts
    assert "train photos show a face" in trained.said
    assert facts.data_terms == "noise is free"
    assert facts.training["initialisation"] == "random"
    assert facts.training["recipe"]["seed"] == 11
    assert [epoch["side"] for epoch in facts.training["history"]] == [32]
    assert stated(facts, "face found", "test").value == 1
    assert len(facts.told_ages) == stated(facts, "MAE", "valid").photos
    error = stated(facts, "MAE", "test")
    card = (trained.model / "MODEL_CARD.md").read_text()
    assert f"{error.value:.2f} ({error.low:.2f} to {error.high:.2f})" in card


def test_a_bundle_evaluates_to_what_it_states(trained: Trained, tmp_path: Path) -> None:
    measured = command(
        tmp_path,
        *("evaluate", str(trained.model), "--faces", str(trained.faces)),
        *("--out", str(tmp_path / "evaluated")),
    )
    error = stated(trained.facts, "MAE", "test").value
    assert re.search(rf"test +│ MAE +│ +{error:.2f} │", measured.stdout)
    page = (tmp_path / "evaluated" / "index.html").read_text()
    assert f"The mean absolute error is {error:.2f} years" in page


def test_a_model_that_is_calibrated_again_is_the_same(trained: Trained, tmp_path: Path) -> None:
    again = command(
        tmp_path,
        *("calibrate", str(trained.model), "--faces", str(trained.faces)),
        *("--out", str(tmp_path / "m")),
    )
    assert again.returncode == 0, again.stderr
    assert read_bundle(find_bundle(tmp_path / "m" / "trial")).facts == trained.facts


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_trains_a_bundle_that_is_measured_as_it_states(
    trained: Trained, tmp_path: Path, backend: str
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not on this machine; see training/README.md for how to add it")
    done = command(
        tmp_path,
        *("train", "trial", "--faces", str(trained.faces), "--out", "models", "--run", "run"),
        backend=backend,
    )
    assert done.returncode == 0, done.stderr
    model = find_bundle(tmp_path / "models" / "trial")
    facts = read_bundle(model).facts
    assert facts.architecture == trained.facts.architecture
    measured = command(tmp_path, "evaluate", str(model), "--faces", str(trained.faces))
    error = stated(facts, "MAE", "test").value
    assert re.search(rf"test +│ MAE +│ +{error:.2f} │", measured.stdout)


def test_the_photos_are_explored_into_a_page(folder: Path, tmp_path: Path) -> None:
    explored = command(tmp_path, "explore", str(folder), "--out", str(tmp_path / "explored"))
    assert explored.returncode == 0, explored.stderr
    assert "60 photos are labelled, in the study's layout" in explored.stdout
    assert "keep it as the photos are kept" in explored.stdout
    assert "<svg" in (tmp_path / "explored" / "index.html").read_text()


def test_a_server_s_answers_are_those_that_were_measured_without_it(
    folder: Path, tmp_path: Path, server: RunningServer, shipped_model: Path
) -> None:
    measured = command(
        tmp_path,
        *("evaluate", str(shipped_model), "--faces", str(folder), "--split", "train"),
        *("--server", server.address),
    )
    assert measured.returncode == 0, measured.stderr
    apart = re.search(r"at most (\d+\.\d+) years apart", measured.stdout)
    assert apart is not None
    assert float(apart[1]) < 0.01
    refused = command(
        tmp_path,
        *("evaluate", str(shipped_model), "--faces", str(folder), "--server", "127.0.0.1:1"),
    )
    assert refused.returncode == 1
    assert "127.0.0.1:1 does not answer: UNAVAILABLE" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "trial", "--out", "m"), "looked for"),
        (("evaluate", "nowhere"), "there is no model in nowhere"),
        (("sample-day", "--out", "s"), "looked for"),
        (("train", "trial", "--out", "m", "--weights", "w.h5"), "there is no file or model w.h5"),
        (("train", "trial"), "--out is missing: the models folder"),
        (("train", "trial", "--out", "m", "--teacher", "nobody"), "--teacher: there is no file"),
        (("train", "trial", "--out", "m", "--teacher", "random"), "random is none"),
    ],
)
def test_a_wrong_input_is_named_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--faces", str(tmp_path)])
    (line,) = str(ended.value.code).splitlines()  # which the interpreter prints, with status 1
    assert line.startswith("checkout-age-training: ")
    assert words in line


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_no_run_can_have_is_refused_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "trial", "--faces", "nowhere", "--seed", seed])
    assert f"--seed: 0 to 4294967295 is needed, got {seed}" in capsys.readouterr().err
