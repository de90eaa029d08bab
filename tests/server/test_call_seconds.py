"""Calls without a deadline, at a server that gives each its own time, through a real port."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.conftest import Always34, Serving
from tests.server.test_inference import asking
from tests.server.test_service import ready

AT_ONCE = 64
SECONDS = 20.0
"""What the server gives a call; the photos of all would take about as long."""

Photos = Callable[[grpc.aio.Channel, bytes], list[Awaitable[Any]]]


def estimates(channel: grpc.aio.Channel, photo: bytes) -> list[Awaitable[Any]]:
    stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(channel)
    return [stub.EstimateAge(pb.EstimateAgeRequest(photo=photo)) for _ in range(AT_ONCE)]


def checks(channel: grpc.aio.Channel, photo: bytes) -> list[Awaitable[Any]]:
    stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(channel)
    request = pb.CheckAgeRequest(photo=photo, minimum_age=18)
    return [stub.CheckAge(request) for _ in range(AT_ONCE)]


def one_of_many(channel: grpc.aio.Channel, photo: bytes) -> list[Awaitable[Any]]:
    stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
    return [stub.ModelInfer(asking([photo] * AT_ONCE))]


def many_of_one(channel: grpc.aio.Channel, photo: bytes) -> list[Awaitable[Any]]:
    stub: oip_grpc.GRPCInferenceServiceAsyncStub = oip_grpc.GRPCInferenceServiceStub(channel)
    return [stub.ModelInfer(asking([photo])) for _ in range(AT_ONCE)]


@pytest.mark.parametrize("photos", [estimates, checks, one_of_many, many_of_one])
async def test_what_cannot_be_answered_in_the_servers_own_time_is_refused_at_once(
    serving: Serving, photo: bytes, photos: Photos
) -> None:
    go = threading.Event()

    class Slow(Always34):
        batch = 1

        def logits(self, chips: Pixels, **how: bool) -> Logits:
            if len(self.batches) >= 2:  # the warm-up passes
                go.wait(0.3)
            return super().logits(chips, **how)

    async with (
        serving(load_runtime=Slow, threads=1, max_call_seconds=SECONDS) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        for _ in range(3):
            await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))
        calls = [asyncio.ensure_future(call) for call in photos(channel, photo)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
        go.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert refusals
    for refusal in refusals:
        assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert f"the call has {SECONDS:.2f} s left; try again in" in (refusal.details() or "")
        assert "grpc-retry-pushback-ms" in dict(refusal.trailing_metadata())
