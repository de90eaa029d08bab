"""Clients as their documents show them, against the shipped model with TLS and tokens on."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from checkout_age.client import Access, AgeClient
from tests.e2e.test_readme import block

pytestmark = pytest.mark.slow

AGES = r"(\d+(-\d+|\+): \d+ \(\d+ to \d+\))"


@dataclass(frozen=True)
class Guarded:
    """What the five commands of the README leave behind."""

    folder: Path
    address: str
    said: str

    def run(
        self, command: str, root: Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run what a document shows, in the folder, against this server."""
        return self._run(["sh", "-c"], command, root)

    def run_python(self, code: str, root: Path) -> "subprocess.CompletedProcess[str]":
        """The same for Python."""
        return self._run([sys.executable, "-c"], code, root)

    def _run(
        self, interpreter: list[str], code: str, root: Path
    ) -> "subprocess.CompletedProcess[str]":
        code = code.replace("localhost:50051", self.address)
        for place in ("batch/sample", "protos"):
            code = re.sub(rf"(?<![\w/]){place}(?=/|\s)", str(root / place), code)
        return subprocess.run(
            [*interpreter, code], capture_output=True, text=True, cwd=self.folder, check=False
        )


@pytest.fixture(scope="module")
def guarded(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """The README's five commands, run one after the other."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    root, folder = pytestconfig.rootpath, tmp_path_factory.mktemp("guarded")
    commands = block(root, "tls").splitlines()
    assert len(commands) == 5
    commands = [
        line.replace(".venv/bin", str(Path(sys.executable).parent)).replace(
            "batch/sample", str(root / "batch/sample")
        )
        for line in commands
    ]
    for line in commands[:2]:
        subprocess.run(["sh", "-c", line], cwd=folder, check=True, capture_output=True)
    serve = commands[2].removesuffix(" &") + " --port 0 --port-file port"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["sh", "-c", f"exec {serve}"], cwd=folder, stderr=log) as server,
    ):
        while not (folder / "port").exists():
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        port = (folder / "port").read_text().strip().rpartition(":")[2]
        found = Guarded(folder, f"localhost:{port}", "")
        outputs = [found.run(line, root) for line in commands[3:]]
        assert [each.stderr for each in outputs] == ["", ""]
        yield Guarded(folder, found.address, "".join(each.stdout for each in outputs))
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0


def test_the_five_commands_of_the_readme_end_in_an_age(guarded: Guarded) -> None:
    model, *_, last = guarded.said.splitlines()
    assert ", age groups 0-12 13-17" in model
    assert re.fullmatch(rf"\S+till-40\.jpg: {AGES}", last)


def test_without_its_token_or_its_certificate_nobody_is_answered(
    guarded: Guarded, root: Path
) -> None:
    ask = f"{Path(sys.executable).parent}/checkout-age-client model --server localhost:50051"
    stranger = guarded.run(f"{ask} --ca server.pem", root)
    assert (stranger.returncode, "UNAUTHENTICATED" in stranger.stderr) == (1, True)
    plain = guarded.run(ask, root)
    assert (plain.returncode, "UNAVAILABLE" in plain.stderr) == (1, True)
    missing = guarded.run(f"{ask} --ca server.pem --token-file lost", root)
    assert (missing.returncode, "token cannot be read" in missing.stderr) == (2, True)


def documented(root: Path, language: str) -> str:
    text = (root / "protos" / "README.md").read_text()
    found = re.search(rf"<!-- {language} -->\n```\w*\n(.*?)^```", text, re.M | re.S)
    assert found is not None, language
    return found[1]


def test_the_python_client_of_the_document_gets_an_answer(guarded: Guarded, root: Path) -> None:
    run = guarded.run_python(documented(root, "python"), root)
    assert re.fullmatch(r"\d+(-\d+|\+)\n", run.stdout), run.stderr


def test_the_triton_client_of_the_document_gets_the_age_that_python_gets(
    guarded: Guarded, root: Path
) -> None:
    run = guarded.run_python(documented(root, "triton"), root)
    told = re.fullmatch(r"\[\[?([\d.]+)\]?\]\n", run.stdout)
    assert told is not None, run.stdout + run.stderr
    assert f": {float(told[1]):.0f} (" in guarded.said


def test_grpcurl_as_the_document_has_it_lists_the_services(guarded: Guarded, root: Path) -> None:
    if shutil.which("grpcurl") is None:
        pytest.skip("grpcurl is not installed")
    run = guarded.run(documented(root, "grpcurl"), root)
    assert "checkout_age.v1.AgeEstimationService" in run.stdout, run.stderr


def test_the_node_client_of_the_document_gets_the_answer_that_python_gets(
    guarded: Guarded, root: Path, tmp_path: Path
) -> None:
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    protos = tmp_path / "protos"  # npm writes beside the client
    shutil.copytree(root / "protos", protos, ignore=shutil.ignore_patterns("*.py*", "node_modules"))
    install, *ask = documented(root, "node").splitlines()
    installed = guarded.run(install.replace("protos", str(protos)), root)
    if installed.returncode:
        pytest.skip(f"npm cannot install: {installed.stderr.strip().splitlines()[:1]}")
    run = guarded.run("\n".join(ask).replace("protos", str(protos)), root)
    assert (run.returncode, run.stderr) == (0, "")
    told = re.fullmatch(rf"\S+till-40\.jpg: {AGES}\n", run.stdout)
    assert told is not None
    assert told[1] in guarded.said
    bad = guarded.run(
        f"SERVER=localhost:50051 CA=server.pem node {protos}/clients/node/estimate.js log", root
    )
    assert (bad.returncode, "UNAUTHENTICATED: a token is needed" in bad.stderr) == (1, True)


@pytest.mark.parametrize(
    ("language", "tools"),
    [
        ("csharp", ("protoc", "grpc_csharp_plugin")),
        ("java", ("protoc", "grpc_java_plugin")),
        ("go", ("protoc", "protoc-gen-go", "protoc-gen-go-grpc")),
    ],
)
def test_the_commands_of_the_document_make_clients(
    root: Path, tmp_path: Path, language: str, tools: tuple[str, ...]
) -> None:
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} is not installed")
    command = documented(root, language).replace("CLIENT", str(tmp_path))
    run = subprocess.run(
        ["sh", "-c", command], cwd=root, capture_output=True, text=True, check=False
    )
    if "hasn't been updated to support optional fields" in run.stderr:
        pytest.skip(f"{tools[-1]} is older than optional fields in proto3")
    assert run.returncode == 0, run.stderr
    assert any("Service" in path.stem or "grpc" in path.stem for path in tmp_path.rglob("*.*"))


def test_a_till_with_a_token_cannot_ask_for_the_nights_stream(guarded: Guarded) -> None:
    access = Access(ca=guarded.folder / "server.pem", token_file=guarded.folder / "till.token")
    with (
        AgeClient(guarded.address, access) as client,
        pytest.raises(Exception, match="PERMISSION_DENIED: EstimateAges is for night and admin"),
    ):
        list(client.estimate_ages([]))
