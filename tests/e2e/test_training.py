"""Training as an engineer runs it: real ResNet50, real files, a bundle that the server takes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout_age.server.bundle import find_bundle, read_bundle
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
    stated = next(m for m in facts.metrics if (m.name, m.split) == ("MAE", "test"))
    measured = command(tmp_path, "evaluate", str(models / "trial"), "--faces", str(folder))
    assert re.search(rf"test +│ MAE +│ +{stated.value:.2f} │", measured.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "trial", "--out", "m"), "looked for"),
        (("evaluate", "nowhere"), "there is no model in nowhere"),
        (("sample-day", "--out", "s"), "looked for"),
        (("train", "trial", "--out", "m", "--weights", "w.h5"), "there is no file or model w.h5"),
    ],
)
def test_a_wrong_input_is_named_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    run = command(tmp_path, *arguments, "--faces", str(tmp_path))
    assert run.returncode == 1
    assert words in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
