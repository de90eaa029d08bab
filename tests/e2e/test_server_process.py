"""A server in its own process, as an operator runs it."""

import json
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import grpc
import numpy as np
import pytest

from checkout_age.server.bundle import find_bundle, read_bundle
from checkout_age.server.runtime import Precision, openvino_runtime
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import pack
from checkout_age.training.evaluation.evaluation import ages_of, predict_logits
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.e2e.conftest import RunningServer, running
from tests.e2e.samples import frames

pytestmark = pytest.mark.slow


def test_training_and_serving_give_the_same_age_for_the_same_photo(
    channel: grpc.Channel, root: Path, shipped_model: Path
) -> None:
    photos = frames(root)
    bundle = read_bundle(find_bundle(shipped_model))
    nothing = np.zeros(len(photos), np.float32)
    faces = Faces(tuple(photos), nothing, nothing)
    seen = pack(faces, bundle.facts.chip_side, "photos", cache=None)
    assert len(seen.rows) == len(photos)
    runtime = openvino_runtime(bundle, Precision.BEST, threads=1)
    logits = predict_logits(runtime.logits, seen.chips, batch_size=1)
    offline = ages_of(logits, bundle.facts.calibration)
    stub = pb_grpc.AgeEstimationServiceStub(channel)
    served = [
        stub.EstimateAge(pb.EstimateAgeRequest(photo=photo.read_bytes())).estimate.age
        for photo in photos
    ]
    assert np.abs(np.array(served) - offline).max() < 0.01


def test_the_served_model_states_its_test_error_and_its_terms(channel: grpc.Channel) -> None:
    model = pb_grpc.AgeEstimationServiceStub(channel).GetModel(pb.GetModelRequest())
    mae = next(m for m in model.metrics if (m.name, m.split) == ("MAE", "test"))
    assert mae.low < mae.value < mae.high < 8.5
    assert mae.value < 8
    assert "non-commercial" in model.data_terms


def test_a_tool_that_knows_the_service_by_reflection_alone_gets_an_age(
    server: RunningServer, root: Path
) -> None:
    photo = b64encode(frames(root)[40].read_bytes()).decode()
    call = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "buf"), "curl", "--protocol", "grpc"),
            *("--http2-prior-knowledge", "-d", "@-"),
            f"http://{server.address}/checkout_age.v1.AgeEstimationService/EstimateAge",
        ],
        input=json.dumps({"photo": photo}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0 < json.loads(call.stdout)["estimate"]["age"] < 100


def test_sixteen_clients_at_once_get_the_answers_that_one_gets(
    channel: grpc.Channel, root: Path
) -> None:
    stub = pb_grpc.AgeEstimationServiceStub(channel)
    photos = [path.read_bytes() for path in frames(root)[:16]]
    alone = [stub.EstimateAge(pb.EstimateAgeRequest(photo=photo)).estimate.age for photo in photos]
    together = [stub.EstimateAge.future(pb.EstimateAgeRequest(photo=photo)) for photo in photos]
    assert [call.result().estimate.age for call in together] == pytest.approx(alone, abs=0.01)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_calls_that_run_and_ends_with_status_0(
    shipped_model: Path, tmp_path: Path, root: Path, stop: signal.Signals
) -> None:
    photo = frames(root)[0].read_bytes()
    requests = (pb.EstimateAgesRequest(id=str(number), photo=photo) for number in range(100))
    with (
        running(shipped_model, tmp_path, "--grace", "120") as server,
        grpc.insecure_channel(server.address) as line,
    ):
        answers = 0
        for _ in pb_grpc.AgeEstimationServiceStub(line).EstimateAges(requests):
            answers += 1
            if answers == 1:
                server.process.send_signal(stop)
        assert answers == 100
        assert server.process.wait(120) == 0
    assert "draining" in (tmp_path / "log").read_text()


WATCHED = """
import sys, threading

def watch(event, _):
    if event in ("os.putenv", "os.unsetenv") and threading.active_count() > 1:
        sys.stderr.write(f"{event} beside threads\\n")

sys.addaudithook(watch)
from checkout_age.server.__main__ import main
main(sys.argv[1:])
"""


def test_no_variable_is_set_once_there_are_threads_whose_libraries_may_read_them(
    shipped_model: Path, tmp_path: Path
) -> None:
    port = tmp_path / "port"
    command = [sys.executable, "-c", WATCHED, "--model", str(shipped_model), "--port", "0"]
    with subprocess.Popen(
        [*command, "--port-file", str(port)], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        said = []
        for line in server.stderr:
            said.append(line)
            if "serving distilled" in line:
                server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    assert "beside threads" not in "".join(said)
    assert "serving distilled" in "".join(said)


def test_the_server_ends_when_its_starter_does(shipped_model: Path, tmp_path: Path) -> None:
    with running(shipped_model, tmp_path) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nowhere"], "there is no model in nowhere"),
        (["--model", sys.executable], "there is no model in"),
        (
            ["--model", "{model}", "--port", "0", "--port-file", "nowhere/port"],
            "port_file nowhere/port cannot be written: No such file or directory",
        ),
        (
            ["--model", "{model}", "--host", "192.0.2.1", "--insecure"],
            "cannot listen on 192.0.2.1:50051",
        ),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line_and_ends_with_status_1(
    shipped_model: Path, arguments: list[str], words: str
) -> None:
    given = [argument.format(model=shipped_model) for argument in arguments]
    run = subprocess.run(
        [sys.executable, "-m", "checkout_age.server", *given],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert words in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_a_taken_port_is_named(server: RunningServer, shipped_model: Path) -> None:
    port = server.address.split(":")[1]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "checkout_age.server"),
            *("--model", str(shipped_model), "--port", port),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: it is taken" in run.stderr
