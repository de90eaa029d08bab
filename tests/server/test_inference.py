"""The Open Inference Protocol through a real port."""

import asyncio
import json
import math
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server import tensors
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.server.signals import Signals
from checkout_age.server.tensors import elements, with_length
from tests.conftest import Always34, Serving
from tests.server.test_service import health_says, ready


async def test_tritons_own_client_gets_its_answers(
    serving: Serving, photo: bytes, black_photo: bytes, tmp_path: Path, tiny_bundle: Path
) -> None:
    files = [tmp_path / name for name in ("good.jpg", "text.jpg", "black.jpg")]
    for file, content in zip(files, (photo, b"text", black_photo), strict=True):
        file.write_bytes(content)
    caller = Path(__file__).with_name("triton_caller.py")
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(caller), address, *map(str, files)],
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert [told[name] for name in ("live", "ready", "model ready", "another ready")] == [
        *(True, True, True),
        False,
    ]
    assert told["server"] == "checkout-age"
    assert told["inputs"] == [["PHOTO", "BYTES", [-1]]]
    assert told["outputs"]["AGE_DISTRIBUTION"] == [-1, 101]
    assert told["versions"] == [tiny_bundle.name]
    assert told["ages"][0] == pytest.approx(34)
    assert [math.isnan(age) for age in told["ages"]] == [False, True, True]
    assert told["groups"] == ["25-34", "", ""]
    assert told["problems"] == ["", "PROBLEM_NOT_A_PHOTO", "PROBLEM_NO_FACE"]
    assert told["unasked"]
    assert told["id"] == "7"
    assert told["distribution"] == [3, 101]
    assert "4 bytes are no photo" in told["messages"][1]
    assert told["refused"].startswith("StatusCode.NOT_FOUND: the model fake is served in version")


@pytest.fixture
async def stub(serving: Serving) -> AsyncIterator["oip_grpc.GRPCInferenceServiceAsyncStub"]:
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)
        yield oip_grpc.GRPCInferenceServiceStub(channel)


def asking(photos: list[bytes], **given: object) -> oip.ModelInferRequest:
    tensor = {"name": "PHOTO", "datatype": "BYTES", "shape": [len(photos)]} | given
    request = oip.ModelInferRequest(model_name="fake")
    request.inputs.add(**tensor)
    request.inputs[0].contents.bytes_contents.extend(photos)
    return request


async def test_photos_may_stand_in_typed_contents_too(
    stub: "oip_grpc.GRPCInferenceServiceAsyncStub", photo: bytes
) -> None:
    answer = await stub.ModelInfer(asking([photo, photo], shape=[2, 1]))
    assert list(answer.outputs[0].shape) == [2]
    assert len(answer.raw_output_contents) == len(answer.outputs) == 7


def raw(content: bytes, count: int) -> oip.ModelInferRequest:
    request = asking([], shape=[count])
    request.raw_input_contents.append(content)
    return request


def raw_parts(*contents: bytes) -> oip.ModelInferRequest:
    request = asking([], shape=[1])
    request.raw_input_contents.extend(contents)
    return request


def wanting(*names: str) -> oip.ModelInferRequest:
    request = asking([b"photo"])
    for name in names:
        request.outputs.add(name=name)
    return request


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (oip.ModelInferRequest(model_name="fake"), "one input named PHOTO is expected"),
        (asking([b"x"], name="IMAGE"), "one input named PHOTO is expected"),
        (asking([b"x"], datatype="UINT8"), "PHOTO is of BYTES and of the shape"),
        (asking([b"x"], shape=[1, 224, 224]), "PHOTO is of BYTES and of the shape"),
        (asking([b"x"], shape=[2]), "PHOTO has 1 elements, its shape says 2"),
        (asking([b"x"] * 3, shape=[2]), "PHOTO has 3 elements, its shape says 2"),
        (asking([b"x"], shape=[1] * 10_000), "PHOTO is of BYTES and of the shape"),
        (asking([b"x"], shape=[-1]), "1 to 64 photos are taken at once, got -1"),
        (asking([b"x"] * 65), "1 to 64 photos are taken at once, got 65"),
        (asking([]), "1 to 64 photos are taken at once, got 0"),
        (raw(with_length(b"photo")[:-1], 1), "PHOTO ends within an element"),
        (raw(b"\xff\xff\xff\xff", 1), "PHOTO ends within an element"),
        (raw(with_length(b"photo"), 2), "PHOTO has 1 elements, its shape says 2"),
        (raw(b"", 1), "PHOTO has 0 elements, its shape says 1"),
        (raw(bytes(4_000_000), 2), "PHOTO has more than 2 elements, its shape says 2"),
        (raw(bytes(4_000_000), 65), "1 to 64 photos are taken at once, got 65"),
        (raw_parts(with_length(b"photo"), b""), "the one input has one raw content, got 2"),
        (wanting("SHOE_SIZE"), "there is no output of that name among AGE,"),
        (wanting("AGE", "SHOE_SIZE"), "there is no output of that name among AGE,"),
        (wanting("AGE", "PROBLEM", "AGE"), "an output is named twice: name each of AGE,"),
        (wanting(*["AGE_DISTRIBUTION"] * 150), "150 outputs are named, there are 7:"),
    ],
)
async def test_tensors_that_do_not_fit_are_invalid_arguments_that_say_so(
    stub: "oip_grpc.GRPCInferenceServiceAsyncStub", request_: oip.ModelInferRequest, words: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.ModelInfer(request_)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in (raised.value.details() or "")


def test_of_raw_content_no_more_is_cut_than_one_element_beyond_the_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = 0

    def counted(raw: bytes) -> Iterator[bytes]:
        nonlocal cut
        for element in elements(raw):
            cut += 1
            yield element

    monkeypatch.setattr(tensors, "elements", counted)
    for shape, most in (3, 4), (65, 0), (0, 0):
        cut = 0
        with pytest.raises(tensors.TensorError):
            tensors.photos_of(raw(bytes(4_000), shape))
        assert cut == most


async def test_only_the_outputs_that_are_named_come_and_in_their_order(
    stub: "oip_grpc.GRPCInferenceServiceAsyncStub", photo: bytes
) -> None:
    answer = await stub.ModelInfer(wanting("PROBLEM", "AGE"))
    assert [output.name for output in answer.outputs] == ["PROBLEM", "AGE"]
    assert len(answer.raw_output_contents) == 2


async def test_where_it_is_not_offered_the_service_is_unknown(serving: Serving) -> None:
    async with (
        serving(open_inference=False) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
            await oip_grpc.GRPCInferenceServiceStub(channel).ServerLive(oip.ServerLiveRequest())


async def test_each_photo_of_a_request_counts_against_the_rate(
    serving: Serving, photo: bytes
) -> None:
    async with (
        serving(rate_limit=0.01, rate_burst=3) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
        await stub.ModelInfer(asking([photo] * 3))
        with pytest.raises(grpc.aio.AioRpcError, match=r"over 0\.01 photos a second"):
            await stub.ModelInfer(asking([photo]))


async def test_a_server_that_is_stopping_says_that_it_and_its_model_are_not_ready(
    serving: Serving, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Signals] = []
    go, asked = threading.Event(), threading.Event()

    class Kept(Signals):
        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    class Held(Always34):
        def logits(self, chips: Pixels, **how: bool) -> Logits:
            if len(self.batches) >= 2:  # the warm-up passes
                asked.set()
                go.wait(20)
            return super().logits(chips, **how)

    async def told(stub: "oip_grpc.GRPCInferenceServiceAsyncStub") -> list[bool]:
        server = await stub.ServerReady(oip.ServerReadyRequest())
        model = await stub.ModelReady(oip.ModelReadyRequest(name="fake"))
        live = await stub.ServerLive(oip.ServerLiveRequest())
        return [server.ready, model.ready, live.live]

    monkeypatch.setattr("checkout_age.server.serving.Signals", Kept)
    async with (
        serving(load_runtime=Held, grace=60.0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
        before = await told(stub)
        working = asyncio.ensure_future(stub.ModelInfer(asking([photo])))
        await asyncio.to_thread(asked.wait, 20)
        kept[0].stop.set()  # what SIGTERM does; the process is pytest's
        await health_says(channel, "NOT_SERVING")
        with pytest.raises(grpc.aio.AioRpcError, match="the server is stopping"):
            await stub.ModelInfer(asking([photo]))
        stopping = await told(stub)
        go.set()
        await working
    assert before == [True, True, True]
    assert stopping == [False, False, True]
