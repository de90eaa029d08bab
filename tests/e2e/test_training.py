"""Training as an engineer runs it: real ResNet50, real files, a bundle that the server takes."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.server.bundle import find_bundle, read_bundle

pytestmark = pytest.mark.slow


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checkout_age.training", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty photos of noise in the study's layout, without a split."""
    generator = np.random.default_rng(0)
    (tmp_path / "final_files").mkdir()
    rows = ["file_name,real_age"]
    for number in range(60):
        noise = generator.integers(0, 256, (9, 9, 3)).astype(np.uint8)
        name = f"{number}.jpg"
        Image.fromarray(noise).resize((64, 64)).save(tmp_path / "final_files" / name)
        rows.append(f"{name},{20 + number % 2 * 30}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_recipe_becomes_a_bundle_that_evaluates_to_what_it_states(
    folder: Path, tmp_path: Path
) -> None:
    models, terms = tmp_path / "models", tmp_path / "terms.txt"
    terms.write_text("noise is free\n")
    trained = command(
        *("train", "trial", "--faces", str(folder), "--out", str(models)),
        *("--run", str(tmp_path / "run"), "--data-terms", str(terms)),
    )
    assert trained.returncode == 0, trained.stderr
    facts = read_bundle(find_bundle(models / "trial")).facts
    assert facts.data_terms == "noise is free"
    assert facts.training["initialisation"] == "random"
    stated = next(m for m in facts.metrics if (m.name, m.split) == ("MAE", "test"))
    measured = command("evaluate", str(models / "trial"), "--faces", str(folder))
    assert re.search(rf"test +│ MAE +│ +{stated.value:.2f} │", measured.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "trial", "--out", "m"), "looked for"),
        (("evaluate", "nowhere"), "there is no model in nowhere"),
        (("sample-day", "--out", "s"), "looked for"),
        (("train", "trial", "--out", "m", "--weights", "w.h5"), "there is no file w.h5"),
    ],
)
def test_a_wrong_input_is_named_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    run = command(*arguments, "--faces", str(tmp_path))
    assert run.returncode == 1
    assert words in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
