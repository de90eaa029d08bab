"""What the README shows is what happens."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout_age.server.bundle import find_bundle, read_bundle
from checkout_age.training.publishing.model_card import model_card
from checkout_age.training.publishing.publish import CARD
from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.slow


def block(root: Path, marker: str) -> str:
    """The code block after a marker in the README."""
    text = (root / "README.md").read_text()
    found = re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)^```", text, re.M | re.S)
    assert found is not None, marker
    return found[1]


def masked(text: str) -> list[str]:
    """The lines with spaces, numbers and rules left out, which differ between machines."""
    lines = (re.sub(r"[\d.%]+|[─━]+|\s+", "", line) for line in text.splitlines())
    return [line for line in lines if line]


def test_make_demo_prints_what_the_readme_shows_and_is_quick_the_second_time(
    root: Path, tmp_path: Path
) -> None:
    command = ["make", "-s", "demo", f"DEMO={tmp_path / 'lake'}"]
    first = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    shown = block(root, "demo").replace(".demo", str(tmp_path / "lake"))
    assert masked(first.stdout)[-len(masked(shown)) :] == masked(shown)
    second = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert "already scored" in second.stdout


def test_the_client_of_the_readme_gets_an_answer(server: RunningServer, root: Path) -> None:
    code = block(root, "client").replace("127.0.0.1:50051", server.address)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert re.fullmatch(r"\d+(-\d+|\+): \d+ \(\d+ to \d+\)\n", run.stdout)


def test_the_reflection_command_of_the_readme_gets_an_answer(
    server: RunningServer, root: Path
) -> None:
    command = block(root, "reflection").replace("127.0.0.1:50051", server.address)
    run = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, cwd=root, check=True
    )
    assert 0 < json.loads(run.stdout)["estimate"]["age"] < 100


def test_the_look_of_the_readme_is_drawn(root: Path, tmp_path: Path) -> None:
    command = block(root, "look").replace("seen/", str(tmp_path))
    run = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, cwd=root, check=True
    )
    assert re.search(
        r"till-00\.jpg\.look\.png: 2 found, the shopper's is \d+ pixels wide", run.stdout
    )
    assert (tmp_path / "till-00.jpg.look.png").is_file()


def test_the_error_that_the_readme_states_is_the_shipped_models(
    root: Path, shipped_model: Path
) -> None:
    facts = read_bundle(find_bundle(shipped_model)).facts
    mae = next(m for m in facts.metrics if (m.name, m.split) == ("MAE", "test"))
    readme = (root / "README.md").read_text()
    assert f"{mae.value:.2f} years ({mae.low:.2f} to {mae.high:.2f}, bootstrap 95 %)" in readme
    measured = {m.name: m for m in facts.metrics if m.split == "test"}
    for group in facts.groups.groups:
        m = measured[f"MAE {group.label}"]
        row = f"| {group.label} | {m.value:.2f} | {m.low:.2f} to {m.high:.2f} | {m.photos} |"
        assert row in readme
    assert f"{measured['within 5 years'].value:.0%} of its ages lie within 5" in readme
    covered = measured["90 % interval covers"]
    assert f"took in {covered.value:.1%} ({covered.low:.1%} to {covered.high:.1%})" in readme
    recipe = root / "training/checkout_age/training/recipes" / f"{facts.name}.py"
    assert f"Test MAE {mae.value:.2f}" in recipe.read_text()


def test_the_card_of_the_shipped_model_is_the_one_that_its_bundle_makes(
    shipped_model: Path,
) -> None:
    folder = find_bundle(shipped_model)
    assert (folder / CARD).read_text(encoding="utf-8") == model_card(read_bundle(folder))


def test_every_link_in_the_documents_leads_somewhere(root: Path) -> None:
    for document in [root / "README.md", *root.glob("[a-z]*/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
