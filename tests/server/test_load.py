"""Too many calls, calls that are given up and streams that fail, through a real port."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from checkout_age.client import AsyncAgeClient, BusyError
from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Always34, Serving
from tests.server.test_service import ready


class Held(Always34):
    """After its warm-up, answers nobody until it is let go."""

    go = threading.Event()
    runs = 0

    def logits(self, chips: Pixels, **_: Any) -> Logits:
        if len(self.batches) >= 2:
            type(self).runs += len(chips)
            self.go.wait(20)
        return super().logits(chips)


@pytest.fixture
def held() -> type[Held]:
    class Fresh(Held):
        go = threading.Event()
        runs = 0

    return Fresh


async def test_one_photo_too_many_is_refused_at_once_with_a_hint_when_to_come_again(
    serving: Serving, photo: bytes, held: type[Held]
) -> None:
    async with (
        serving(load_runtime=held, max_waiting=3) as address,
        AsyncAgeClient(address) as client,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        waiting = [stub.EstimateAge(pb.EstimateAgeRequest(photo=photo)) for _ in range(3)]
        async with asyncio.timeout(10):
            while not held.runs:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            with pytest.raises(BusyError, match="3 photos wait, as many as it lets in") as busy:
                await client.estimate_age(photo)
        assert busy.value.retry_after is not None
        assert busy.value.retry_after > 0
        held.go.set()
        answers = await asyncio.gather(*waiting)
        assert [round(answer.estimate.age) for answer in answers] == [34] * 3


async def test_calls_of_several_photos_are_refused_too_where_too_many_wait(
    serving: Serving, photo: bytes, held: type[Held]
) -> None:
    request = oip.ModelInferRequest(model_name="fake")
    request.inputs.add(name="PHOTO", datatype="BYTES", shape=[3])
    request.inputs[0].contents.bytes_contents.extend([photo] * 3)
    async with (
        serving(load_runtime=held, max_waiting=6) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
        waiting = [stub.ModelInfer(request) for _ in range(2)]
        async with asyncio.timeout(10):
            while not held.runs:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            with pytest.raises(grpc.aio.AioRpcError, match="6 photos wait") as full:
                await stub.ModelInfer(request)
        assert full.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        held.go.set()
        for answer in await asyncio.gather(*waiting):
            assert answer.outputs[0].shape[0] == 3


async def test_a_call_that_would_be_late_is_refused_before_its_photo_is_looked_at(
    serving: Serving, photo: bytes
) -> None:
    looked = 0

    class Slow(Always34):
        batch = 1

        def logits(self, chips: Pixels, **_: Any) -> Logits:
            nonlocal looked
            looked += len(chips)
            threading.Event().wait(0.3 * len(chips))
            return super().logits(chips)

    async with (
        serving(load_runtime=Slow) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        for _ in range(3):
            await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))
        before = looked
        calls = [
            stub.EstimateAge(pb.EstimateAgeRequest(photo=photo), timeout=6.0) for _ in range(100)
        ]
        ends = await asyncio.gather(*calls, return_exceptions=True)
    codes = [end.code() for end in ends if isinstance(end, grpc.aio.AioRpcError)]
    answered = len(ends) - len(codes)
    assert answered >= 1  # the first at least, however slow the machine is now
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) > 50
    assert looked - before <= len(ends) - codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED)


async def test_calls_that_are_given_up_leave_the_queue(
    serving: Serving, photo: bytes, held: type[Held]
) -> None:
    async with (
        serving(load_runtime=held, max_waiting=8) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        request = pb.EstimateAgeRequest(photo=photo)
        first = stub.EstimateAge(request)
        async with asyncio.timeout(10):
            while not held.runs:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
        for _ in range(5):  # more than the queue holds, were they to stay in it
            calls = [stub.EstimateAge(request) for _ in range(7)]
            await asyncio.sleep(0.1)
            assert not any(call.done() for call in calls)
            for call in calls:
                call.cancel()
            await asyncio.sleep(0.1)
        held.go.set()
        assert (await first).estimate.age == pytest.approx(34)
        assert (await stub.EstimateAge(request)).estimate.age == pytest.approx(34)
    assert held.runs < 10


async def test_a_stream_that_fails_while_answers_are_written_never_leaves_its_client_waiting(
    serving: Serving, photo: bytes
) -> None:
    class FailsLater(Always34):
        def logits(self, chips: Pixels, **_: Any) -> Logits:
            answer = super().logits(chips)
            if len(self.batches) % 5 == 0:
                raise RuntimeError("the network has failed")
            return answer

    async def endless() -> AsyncIterator[pb.EstimateAgesRequest]:
        while True:
            yield pb.EstimateAgesRequest(photo=photo)

    async with (
        serving(load_runtime=FailsLater) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        for _ in range(40):
            async with asyncio.timeout(10):
                code = await stub.EstimateAges(endless()).code()
            assert code is grpc.StatusCode.INTERNAL


async def test_one_stream_too_many_is_refused(
    serving: Serving, photo: bytes, held: type[Held]
) -> None:
    async def one() -> AsyncIterator[pb.EstimateAgesRequest]:
        yield pb.EstimateAgesRequest(photo=photo)
        await asyncio.to_thread(held.go.wait, 20)

    async with (
        serving(load_runtime=held, max_streams=1) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        first = stub.EstimateAges(one())
        async with asyncio.timeout(10):
            while not held.runs:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
            with pytest.raises(grpc.aio.AioRpcError, match="1 streams of photos are open") as busy:
                await stub.EstimateAges().read()
        assert busy.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        hint = dict(busy.value.trailing_metadata() or ())["grpc-retry-pushback-ms"]
        assert int(hint) > 0
        held.go.set()
        assert [answer.estimate.age async for answer in first] == [pytest.approx(34)]


async def test_the_health_of_each_service_is_told_and_watches_end_with_the_server(
    serving: Serving,
) -> None:
    async with serving(admin_service=True, grace=60.0) as address:
        channel = grpc.aio.insecure_channel(address)
        await ready(channel)
        health = health_pb2_grpc.HealthStub(channel)
        services = (
            *("", "checkout_age.v1.AgeEstimationService", "checkout_age.v1.AdminService"),
            "inference.GRPCInferenceService",
        )
        for service in services:
            request = health_pb2.HealthCheckRequest(service=service)
            answer = await health.Check(request)  # type: ignore[attr-defined]
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watch = health.Watch(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
        told = aiter(watch)
        assert (await anext(told)).status == health_pb2.HealthCheckResponse.SERVING
        began = asyncio.get_running_loop().time()
    assert [answer.status async for answer in told] == [health_pb2.HealthCheckResponse.NOT_SERVING]
    assert asyncio.get_running_loop().time() - began < 30  # the grace is not waited for
    await channel.close()
