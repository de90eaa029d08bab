"""CheckAge: the rule, and the call through a real port with a network that always says 34."""

import asyncio

import grpc
import numpy as np
import pytest

from checkout_age.client import AgeClient, AsyncAgeClient
from checkout_age.server.age import YEARS, AgeDistribution
from checkout_age.server.check import AgeRule, MinimumAgeError
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Serving
from tests.server.test_service import TwoFaces, ready


def told(**years: float) -> AgeDistribution:
    by_year = np.zeros(YEARS)
    for year, probability in years.items():
        by_year[int(year[1:])] = probability
    return AgeDistribution(by_year)


def test_only_who_is_nearly_surely_old_enough_is_waved_through() -> None:
    rule = AgeRule(18, allowed=0.01)
    assert rule.clears(told(y17=0.01, y30=0.99))
    assert not rule.clears(told(y17=0.02, y30=0.98))
    assert rule.clears(told(y18=1.0))
    assert rule.under_age(told(y17=0.25, y18=0.75)) == pytest.approx(0.25)


def test_an_age_told_above_the_minimum_is_not_enough() -> None:
    unsure = told(y15=0.3, y25=0.7)
    assert unsure.age > 21
    assert not AgeRule(18).clears(unsure)


@pytest.mark.parametrize("age", [0, 101])
def test_an_age_that_nothing_is_sold_from_is_named(age: int) -> None:
    with pytest.raises(MinimumAgeError, match=rf"minimum_age must be 1\.\.100, got {age}"):
        AgeRule(age)


@pytest.mark.parametrize(
    ("minimum_age", "check"), [(18, pb.AGE_CHECK_CLEAR), (35, pb.AGE_CHECK_CHALLENGE)]
)
async def test_staff_are_told_whether_to_ask_for_id(
    serving: Serving, photo: bytes, minimum_age: int, check: pb.AgeCheck
) -> None:
    async with (
        serving(clear_below=0.02) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        answer = await stub.CheckAge(pb.CheckAgeRequest(photo=photo, minimum_age=minimum_age))
    assert answer.check == check
    assert answer.allowed_probability == 0.02
    assert answer.probability_under_age == pytest.approx(float(minimum_age > 34))
    assert answer.model_version


async def test_both_clients_ask_for_it(serving: Serving, photo: bytes) -> None:
    async with serving() as address:
        async with AsyncAgeClient(address) as client:
            await client.wait(60)
            assert (await client.check_age(photo, 18)).check == pb.AGE_CHECK_CLEAR

        def blocking() -> pb.CheckAgeResponse:
            with AgeClient(address) as client:
                return client.check_age(photo, 35)

        assert (await asyncio.to_thread(blocking)).check == pb.AGE_CHECK_CHALLENGE


async def test_where_nothing_can_be_told_staff_are_told_why(
    serving: Serving, photo: bytes, black_photo: bytes
) -> None:
    for parts, shown, problem in (
        ({}, black_photo, pb.PROBLEM_NO_FACE),
        ({"load_faces": TwoFaces}, photo, pb.PROBLEM_SEVERAL_FACES),
    ):
        async with serving(**parts) as address, grpc.aio.insecure_channel(address) as channel:
            stub = await ready(channel)
            answer = await stub.CheckAge(pb.CheckAgeRequest(photo=shown, minimum_age=18))
        assert answer.check == pb.AGE_CHECK_CANNOT_TELL
        assert answer.problem.problem == problem


async def test_a_wrong_age_or_photo_is_the_callers_mistake(serving: Serving, photo: bytes) -> None:
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        stub = await ready(channel)
        for request, words in (
            (pb.CheckAgeRequest(photo=photo), "minimum_age must be 1..100, got 0"),
            (pb.CheckAgeRequest(photo=b"text", minimum_age=18), "are no photo"),
        ):
            with pytest.raises(grpc.aio.AioRpcError, match=words) as refused:
                await stub.CheckAge(request)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
