"""Rules of the house that no tool checks."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = {
    "protos": {"client", "inference", "v1"},
    "server": {"server", "client", "inference", "v1"},
    "batch": {"batch", "client", "v1"},
    "training": {"training", "server", "client", "v1"},
}


def imported(path: Path) -> set[str]:
    """The rooms that a file imports, as the name that follows `checkout_age.`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("checkout_age.")}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_from_training_to_server_to_protos_and_from_batch_to_protos(
    root: Path, room: str
) -> None:
    files = list((root / room / "checkout_age").rglob("*.py"))
    assert files
    for path in files:
        strangers = imported(path) - ROOMS[room]
        assert not strangers, f"{path.relative_to(root)} imports {strangers}"


def test_the_namespace_belongs_to_no_room(root: Path) -> None:
    assert [str(p) for p in root.glob("*/checkout_age/__init__.py")] == []


def test_the_batch_job_runs_without_the_server_and_without_tensorflow() -> None:
    code = (
        "import sys, checkout_age.batch.__main__\n"
        "heavy = {'tensorflow', 'keras', 'openvino', 'PIL', 'checkout_age.server'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_committed_stubs_are_those_of_the_contract(root: Path, tmp_path: Path) -> None:
    subprocess.run(["make", "-s", "protos", f"OUT={tmp_path}"], cwd=root, check=True)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2*")}
    committed = root / "protos"
    assert set(made) == {path.relative_to(committed) for path in committed.rglob("*_pb2*.py*")}
    for name, text in made.items():
        assert (committed / name).read_text() == text, f"{name}: run make protos"


@pytest.mark.parametrize("lock", ["demo.txt", "dev.txt", "bench.txt"])
def test_every_locked_package_has_hashes_and_no_address(root: Path, lock: str) -> None:
    text = (root / ".requirements" / lock).read_text()
    assert "://" not in text
    entries = re.findall(r"^([a-z0-9-]+)==(\S+)(.*?)(?=^[a-z0-9]|\Z)", text, re.M | re.S)
    assert len(entries) > 30
    for name, _, rest in entries:
        assert "--hash=sha256:" in rest, name


def test_the_locks_agree(root: Path) -> None:
    def pins(lock: str) -> set[str]:
        text = (root / ".requirements" / lock).read_text()
        return set(re.findall(r"^[a-z0-9-]+==[^\s\\]+", text, re.M))

    assert pins("demo.txt") < pins("dev.txt") < pins("bench.txt")


def test_no_module_is_longer_than_three_hundred_lines(root: Path) -> None:
    for room in ROOMS:
        for path in (root / room / "checkout_age").rglob("*.py"):
            if "_pb2" not in path.name:
                assert len(path.read_text().splitlines()) <= 300, path


@pytest.mark.parametrize("command", ["server", "batch", "client", "training"])
def test_each_command_explains_itself_with_both_ways_to_call_it(command: str) -> None:
    ways = [
        [sys.executable, "-m", f"checkout_age.{command}", "--help"],
        [str(Path(sys.executable).parent / f"checkout-age-{command}"), "--help"],
    ]
    texts = [subprocess.run(way, capture_output=True, text=True, check=True) for way in ways]
    assert texts[0].stdout == texts[1].stdout
    assert f"usage: checkout-age-{command}" in texts[0].stdout


def test_openvino_sends_nothing_to_its_makers() -> None:
    said = "import checkout_age.server, openvino, sys; print(sys.modules['openvino_telemetry'])"
    run = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=300
    )
    assert run.stdout.strip() == "None"
