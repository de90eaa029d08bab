"""Training as an engineer runs it: real ResNet50, real files, a bundle that the server takes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout_age.server.bundle import find_bundle, read_bundle
from tests.e2e.conftest import RunningServer
from tests.e2e.samples import frames

pytestmark = pytest.mark.slow


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run in a folder, where the cache of chips comes to lie."""
    return subprocess.run(
        [sys.executable, "-m", "checkout_age.training", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """The sample day's frames in the study's layout, without a split, and two of nobody."""
    (tmp_path / "final_files").mkdir()
    rows = ["file_name,real_age"]
    nobody = [root / f"batch/sample/photos/till-{name}.jpg" for name in ("nobody", "nobody")]
    for number, frame in enumerate(frames(root) + nobody):
        shutil.copy(frame, tmp_path / "final_files" / f"{number}.jpg")
        rows.append(f"{number}.jpg,{20 + number % 2 * 30}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_recipe_becomes_a_bundle_that_evaluates_to_what_it_states(
    folder: Path, tmp_path: Path
) -> None:
    models, terms = tmp_path / "models", tmp_path / "terms.txt"
    terms.write_text("noise is free\n")
    trained = command(
        tmp_path,
        *("train", "trial", "--faces", str(folder), "--out", str(models)),
        *("--run", str(tmp_path / "run"), "--data-terms", str(terms)),
    )
    assert trained.returncode == 0, trained.stderr
    facts = read_bundle(find_bundle(models / "trial")).facts
    assert "train photos show a face" in trained.stdout
    assert facts.data_terms == "noise is free"
    assert facts.training["initialisation"] == "random"
    assert [epoch["side"] for epoch in facts.training["history"]] == [32]
    valid_photos = next(m.photos for m in facts.metrics if (m.name, m.split) == ("MAE", "valid"))
    assert len(facts.told_ages) == valid_photos
    stated = next(m for m in facts.metrics if (m.name, m.split) == ("MAE", "test"))
    card = (find_bundle(models / "trial") / "MODEL_CARD.md").read_text()
    assert f"{stated.value:.2f} ({stated.low:.2f} to {stated.high:.2f})" in card
    measured = command(
        tmp_path,
        *("evaluate", str(models / "trial"), "--faces", str(folder)),
        *("--out", str(tmp_path / "evaluated")),
    )
    assert re.search(rf"test +│ MAE +│ +{stated.value:.2f} │", measured.stdout)
    page = (tmp_path / "evaluated" / "index.html").read_text()
    assert f"The mean absolute error is {stated.value:.2f} years" in page
    again = command(
        tmp_path,
        *("calibrate", str(models / "trial"), "--faces", str(folder), "--out", str(tmp_path / "m")),
    )
    assert again.returncode == 0, again.stderr
    assert read_bundle(find_bundle(tmp_path / "m" / "trial")).facts == facts


def test_chips_in_one_file_are_trained_on_without_the_photos_or_the_detector(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "away" / "faces.parquet"
    packed = command(tmp_path, "pack", "--faces", str(folder), "--side", "40", "--out", str(file))
    assert packed.returncode == 0, packed.stderr
    assert re.match(r"58 chips are in .*, 0\.\d MB", packed.stdout.splitlines()[-1])
    shutil.rmtree(folder / "final_files")
    trained = command(
        file.parent,
        *("train", "trial", "--faces", str(file), "--out", "models", "--run", "run"),
    )
    assert trained.returncode == 0, trained.stderr
    facts = read_bundle(find_bundle(file.parent / "models" / "trial")).facts
    assert next(m.value for m in facts.metrics if m.name == "face found") == 1


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
    ],
)
def test_a_wrong_input_is_named_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    run = command(tmp_path, *arguments, "--faces", str(tmp_path))
    assert run.returncode == 1
    assert words in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
