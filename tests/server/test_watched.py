"""What an operator sees of a running server, and what nobody may see."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from checkout_age.client import Access, AsyncAgeClient, CallError, PhotoRefusedError
from checkout_age.server.logs import handler_of, set_up_logs
from checkout_age.server.metrics import Metrics
from checkout_age.server.metrics_page import MetricsPage
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.server.watch_options import LogFormat, LogOptions
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.conftest import Always34, Serving
from tests.server.test_service import ready

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The log as JSON lines, as they would stand on standard error."""
    monkeypatch.setattr("checkout_age.server.logs.PATIENCE", 60.0)
    stream = StringIO()
    handler = handler_of(LogOptions(log_format=LogFormat.JSON), stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)

    def told() -> list[dict[str, Any]]:
        handler.flush()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield told
    root.removeHandler(handler)
    root.setLevel(level)


def get(url: str, accept: str = "application/openmetrics-text", token: str = "") -> str:
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as page:
        return str(page.read().decode())


def samples(page: str) -> dict[str, float]:
    return {
        f"{s.name}{sorted(s.labels.items())}" if s.labels else s.name: s.value
        for family in text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
        for s in family.samples
    }


def url_of(lines: list[dict[str, Any]]) -> str:
    (line,) = [each["message"] for each in lines if each["message"].startswith("metrics on")]
    return str(line).rpartition(" ")[2]


async def test_the_page_of_metrics_tells_calls_photos_stages_batches_queue_and_model(
    serving: Serving, photo: bytes, black_photo: bytes, lines: Any, tiny_bundle: Path
) -> None:
    async with serving(metrics_port=0) as address:
        async with AsyncAgeClient(address) as client:
            await client.estimate_age(photo)
            await client.estimate_age(black_photo)
            with pytest.raises(PhotoRefusedError):
                await client.estimate_age(b"text")
            answers = [each async for each in client.estimate_ages([("a", photo), ("b", b"")])]
            assert len(answers) == 2
        async with grpc.aio.insecure_channel(address) as channel:
            unknown: Any = channel.unary_unary("/no.Such/Thing")
            with pytest.raises(grpc.aio.AioRpcError):
                await unknown(b"")
        page = await asyncio.to_thread(get, url_of(lines()))
    told = samples(page)
    method = "('method', '/checkout_age.v1.AgeEstimationService/EstimateAge')"
    assert told[f"checkout_age_requests_total[('code', 'OK'), {method}]"] == 2
    assert told[f"checkout_age_requests_total[('code', 'INVALID_ARGUMENT'), {method}]"] == 1
    assert (
        told["checkout_age_requests_total[('code', 'UNIMPLEMENTED'), ('method', 'unknown')]"] == 1
    )
    assert told[f"checkout_age_request_seconds_count[{method}]"] >= 3
    photos = {
        outcome: told[f"checkout_age_photos_total[('outcome', '{outcome}')]"]
        for outcome in ("estimate", "no_face", "not_a_photo", "empty_photo")
    }
    assert photos == {"estimate": 2, "no_face": 1, "not_a_photo": 1, "empty_photo": 1}
    for stage, times in (("queue", 5), ("read", 5), ("gather", 2), ("network", 2)):
        assert told[f"checkout_age_stage_seconds_count[('stage', '{stage}')]"] == times
    assert told["checkout_age_batch_size_sum"] == 2
    assert told["checkout_age_queue_photos[('urgency', 'till')]"] == 0
    assert told[f"checkout_age_model[('name', 'fake'), ('version', '{tiny_bundle.name}')]"] == 1
    assert told["process_resident_memory_bytes"] > 1e6
    assert page.endswith("# EOF\n")


def test_the_page_asks_for_a_token_where_tokens_are_on_and_knows_no_other_path() -> None:
    page = MetricsPage(
        Metrics().registry, "127.0.0.1", 0, admits=lambda header: header == "Bearer yes"
    )
    try:
        assert "checkout_age_requests_running" in get(page.url, token="yes")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(page.url)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(page.url.replace("/metrics", "/secrets"))
    finally:
        page.close()


async def test_every_call_has_an_id_in_its_log_line_and_in_its_answer(
    serving: Serving, photo: bytes, lines: Any
) -> None:
    class FailsOnce(Always34):
        def logits(self, chips: Any, **how: bool) -> Any:
            if len(self.batches) == 2:  # the first two are the warm-up
                self.batches.append(0)
                raise RuntimeError("a failure of ours")
            return super().logits(chips, **how)

    async with (
        serving(load_runtime=FailsOnce) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        request = pb.EstimateAgeRequest(photo=photo)
        call = stub.EstimateAge(request, metadata=(("x-request-id", "till-7:42"),))
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        assert dict(await call.trailing_metadata())["x-request-id"] == "till-7:42"
        call = stub.EstimateAge(request, metadata=(("x-request-id", 'x" injected {'),))
        await call
        given = dict(await call.trailing_metadata())["x-request-id"]
        assert len(given) == 16
    told = {line["request_id"]: line for line in lines() if "code" in line}
    assert told["till-7:42"]["code"] == "INTERNAL"
    assert told[given]["code"] == "OK"
    assert told[given]["method"] == "/checkout_age.v1.AgeEstimationService/EstimateAge"
    assert 0 < told[given]["seconds"] < 10
    incident = [line for line in lines() if line["message"].startswith("incident")]
    assert [line["request_id"] for line in incident] == ["till-7:42"]


class Collector(otlp_grpc.TraceServiceServicer):
    """An OpenTelemetry collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def Export(
        self, request: otlp.ExportTraceServiceRequest, context: Any
    ) -> otlp.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return otlp.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Any:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    otlp_grpc.add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        collector, server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


async def test_a_call_is_traced_below_its_callers_span_with_its_stages(
    serving: Serving, photo: bytes, collector: tuple[Collector, str]
) -> None:
    kept, endpoint = collector
    async with (
        serving(otlp_endpoint=endpoint, grace=60.0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        await stub.EstimateAge(
            pb.EstimateAgeRequest(photo=photo),
            metadata=(("traceparent", TRACEPARENT), ("x-request-id", "traced")),
        )
    (call,) = [span for span in kept.spans if span.name.endswith("EstimateAge")]
    assert call.trace_id.hex() == TRACEPARENT.split("-")[1]
    assert call.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert call.kind == Span.SPAN_KIND_SERVER
    attributes = {each.key: each.value for each in call.attributes}
    assert attributes["rpc.grpc.status_code"].int_value == 0
    assert attributes["checkout_age.request_id"].string_value == "traced"
    stages = [span for span in kept.spans if span.parent_span_id == call.span_id]
    assert [span.name for span in stages] == ["queue", "read", "gather", "network"]
    assert all(
        call.start_time_unix_nano - 1e6 <= span.start_time_unix_nano <= span.end_time_unix_nano
        for span in stages
    )


async def told_of(
    serving: Serving, settings: dict[str, Any], token: str, photo: bytes, lines: Any
) -> AsyncIterator[str]:
    """All that anybody is told while good, bad and refused calls are made."""
    async with serving(**settings) as address:
        for access in (Access(token=token), Access(token=token + "x"), Access()):
            for sent in (photo, b"secret-bytes" * 10, photo[:800], b""):
                async with AsyncAgeClient(address, access) as client:
                    try:
                        yield str(await client.estimate_age(sent))
                    except CallError as error:
                        yield f"{error} {error.request_id}"
        yield await asyncio.to_thread(get, url_of(lines()), token=token)


async def test_no_photo_and_no_token_is_in_any_log_trace_metric_or_error(
    *,
    serving: Serving,
    photo: bytes,
    collector: tuple[Collector, str],
    lines: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = tmp_path / "tokens"
    token = add_token(tokens, Caller("till-1", Role.TILL))
    settings = {"otlp_endpoint": collector[1], "metrics_port": 0, "tokens": tokens}
    told = [each async for each in told_of(serving, settings, token, photo, lines)]
    assert "checkout_age_requests_total" in told[-1]
    told += [json.dumps(line) for line in lines()] + [caplog.text]
    told += [str(span) for span in collector[0].spans]
    assert len(told) > 30
    everything = "\n".join(told)
    digest = tokens.read_text().split(":")[1].strip()
    for piece in (photo[200:208], photo[-12:]):
        for shape in (str(piece)[2:-1], b64encode(piece).decode()[:8], piece.hex()):
            assert shape not in everything
    for secret in ("secret-bytes", digest, token, token[:12], "authorization'"):
        assert secret not in everything


async def test_health_is_told_for_each_service_and_channelz_by_option(serving: Serving) -> None:
    async with (
        serving(channelz=True, reflection=False) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        health = health_pb2_grpc.HealthStub(channel)
        for name in (
            *("", "checkout_age.v1.AgeEstimationService"),
            "inference.GRPCInferenceService",
        ):
            request = health_pb2.HealthCheckRequest(service=name)
            answer = await health.Check(request)  # type: ignore[attr-defined]
            assert answer.status == health_pb2.HealthCheckResponse.SERVING, name
        channelz: Any = channelz_pb2_grpc.ChannelzStub(channel)  # type: ignore[arg-type]
        servers = await channelz.GetServers(channelz_pb2.GetServersRequest(start_server_id=0))
        assert any(server.data.calls_started > 0 for server in servers.server)
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        channelz = channelz_pb2_grpc.ChannelzStub(channel)  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
            await channelz.GetServers(channelz_pb2.GetServersRequest())


def test_a_line_for_people_names_its_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.server.logs.PATIENCE", 60.0)
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        set_up_logs(LogOptions())
        logging.getLogger("checkout_age.server").info("hello")
        root.handlers[0].flush()
        assert capsys.readouterr().err.endswith("INFO checkout_age.server: hello\n")
    finally:
        root.handlers[:] = kept
        root.setLevel(level)


async def test_a_streams_photos_are_slowed_to_the_rate_not_refused(
    serving: Serving, photo: bytes
) -> None:
    async with (
        serving(rate_limit=20, rate_burst=1) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(channel)
        began = asyncio.get_running_loop().time()
        sent = (pb.EstimateAgesRequest(id=str(n), photo=photo) for n in range(6))
        answers = [each async for each in stub.EstimateAges(sent)]
        assert len(answers) == 6
        assert asyncio.get_running_loop().time() - began > 0.2
