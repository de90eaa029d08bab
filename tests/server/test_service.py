"""The contract through a real port, with a network that always says 34."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from checkout_age.server.age import AgeGroups, Logits
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.choice import SeveralFaces
from checkout_age.server.config import ServerConfig
from checkout_age.server.face import Face
from checkout_age.server.face_finder import THRESHOLD
from checkout_age.server.photo import PhotoLimits, Pixels
from checkout_age.server.service import IN_FLIGHT
from checkout_age.server.serving import serve
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc
from tests.conftest import Always34, Serving, confetti, photo_of
from tests.faces import BrightPhotosHaveFaces, face_at

Stub: TypeAlias = "pb_grpc.AgeEstimationServiceAsyncStub"


async def health_says(channel: grpc.aio.Channel, status: str) -> None:
    """Wait until it does."""
    health = health_pb2_grpc.HealthStub(channel)
    watching = health.Watch(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
    async for answer in watching:
        if answer.status == health_pb2.HealthCheckResponse.ServingStatus.Value(status):
            break
    watching.cancel()


async def ready(channel: grpc.aio.Channel) -> "Stub":
    await health_says(channel, "SERVING")
    return pb_grpc.AgeEstimationServiceStub(channel)


@pytest.fixture
async def stub(serving: Serving) -> AsyncIterator["Stub"]:
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        yield await ready(channel)


async def refusal(stub: "Stub", photo: bytes) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))
    return raised.value.code(), raised.value.details() or ""


async def test_a_photo_is_answered_with_age_interval_groups_and_model(
    stub: "Stub", photo: bytes, tiny_bundle: Path
) -> None:
    response = await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))
    estimate = response.estimate
    assert response.WhichOneof("outcome") == "estimate"
    assert estimate.age == pytest.approx(34)
    assert 33.5 <= estimate.age_low < estimate.age_high <= 34.5
    assert estimate.age_group == pb.AgeGroup(youngest=25, oldest=34, label="25-34")
    assert [p.age_group.label for p in estimate.age_group_probabilities][-1] == "65+"
    assert sum(p.probability for p in estimate.age_group_probabilities) == pytest.approx(1)
    assert len(estimate.age_distribution) == 101
    assert response.model_version == tiny_bundle.name


async def test_each_kind_of_bad_photo_is_an_invalid_argument_that_says_which(
    serving: Serving, photo: bytes
) -> None:
    large = photo_of(confetti(150, 150))
    cases = {
        b"": "empty: 0 bytes",
        b"camera offline": "are no photo: expected JPEG, PNG or WebP",
        photo[: len(photo) // 2]: "damaged or cut short",
        large: f"has {len(large)} bytes, the limit is 9000",
    }
    async with (
        serving(max_photo_bytes=9000) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        for bad, words in cases.items():
            code, details = await refusal(stub, bad)
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert words in details
        good = await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))
        assert good.estimate.age == pytest.approx(34)


async def test_a_photo_without_a_face_is_an_answer_not_an_error(
    stub: "Stub", black_photo: bytes
) -> None:
    response = await stub.EstimateAge(pb.EstimateAgeRequest(photo=black_photo))
    assert response.WhichOneof("outcome") == "problem"
    problem = response.problem
    assert problem.problem == pb.PROBLEM_NO_FACE
    assert "no face" in problem.message
    assert (problem.measured, problem.threshold, problem.faces_found) == (0, THRESHOLD, 0)


class TwoFaces(BrightPhotosHaveFaces):
    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        return [face_at(15, 15, 26), face_at(45, 20, 20)], 0.9


@pytest.mark.parametrize(
    ("pixels", "problem", "words"),
    [
        (confetti(40, 60) // 9, pb.PROBLEM_TOO_DARK, "lightest tenth reaches"),
        (np.full((40, 60, 3), 180, np.uint8), pb.PROBLEM_TOO_BLURRED, "sharpness is 0.000"),
        (confetti(20, 20), pb.PROBLEM_FACE_TOO_SMALL, "16 pixels wide, 24 are needed"),
    ],
)
async def test_a_face_that_cannot_be_used_is_answered_with_what_was_measured(
    stub: "Stub", pixels: Pixels, problem: pb.Problem, words: str
) -> None:
    response = await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo_of(pixels)))
    assert response.problem.problem == problem
    assert words in response.problem.message
    assert 0 <= response.problem.measured < response.problem.threshold
    assert response.problem.faces_found == 1


async def test_of_several_faces_the_shoppers_is_told_apart_or_all_are_refused(
    serving: Serving, photo: bytes
) -> None:
    async with (
        serving(load_faces=TwoFaces) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        chosen = await (await ready(channel)).EstimateAge(pb.EstimateAgeRequest(photo=photo))
    assert chosen.estimate.faces_found == 2
    assert chosen.estimate.face == pb.FaceBox(left=2, top=2, width=26, height=26)
    async with (
        serving(load_faces=TwoFaces, several_faces=SeveralFaces.REFUSE) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        refused = await (await ready(channel)).EstimateAge(pb.EstimateAgeRequest(photo=photo))
    problem = refused.problem
    assert problem.problem == pb.PROBLEM_SEVERAL_FACES
    assert (problem.measured, problem.threshold, problem.faces_found) == (2, 1, 2)


async def test_a_stream_answers_every_photo_once_and_bad_ones_spoil_no_others(
    stub: "Stub", photo: bytes, black_photo: bytes
) -> None:
    photos = [photo, b"", b"text", photo[: len(photo) // 2], black_photo] * (IN_FLIGHT // 2)
    expected = [
        pb.PROBLEM_UNSPECIFIED,
        pb.PROBLEM_EMPTY_PHOTO,
        pb.PROBLEM_NOT_A_PHOTO,
        pb.PROBLEM_DAMAGED_PHOTO,
        pb.PROBLEM_NO_FACE,
    ] * (IN_FLIGHT // 2)
    call = stub.EstimateAges(
        pb.EstimateAgesRequest(id=str(number), photo=each) for number, each in enumerate(photos)
    )
    answers = {int(answer.id): answer async for answer in call}
    assert [answers[number].problem.problem for number in range(len(photos))] == expected
    assert answers[0].estimate.age == pytest.approx(34)


async def test_a_stream_reads_on_only_while_answers_are_taken(
    serving: Serving, photo: bytes
) -> None:
    go, full = threading.Event(), asyncio.Event()

    class Waits(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            if len(self.batches) >= 2:  # the warm-up passes
                go.wait(20)
            return super().logits(chips)

    sent = 0

    async def endless() -> AsyncIterator[pb.EstimateAgesRequest]:
        nonlocal sent
        while not go.is_set():
            sent += 1
            if sent == IN_FLIGHT:
                full.set()
            yield pb.EstimateAgesRequest(id=str(sent), photo=photo + bytes(200_000))

    async with (
        serving(load_runtime=Waits) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        call = (await ready(channel)).EstimateAges(endless())
        await full.wait()
        await asyncio.sleep(1)
        held = sent
        go.set()
        answered = 0
        async for _ in call:
            answered += 1
        assert held < 3 * IN_FLIGHT
        assert answered == sent


async def test_get_model_tells_what_is_served(serving: Serving) -> None:
    groups = AgeGroups.starting_at([0, 18, 65])
    async with serving(age_groups=groups) as address, grpc.aio.insecure_channel(address) as channel:
        model = await (await ready(channel)).GetModel(pb.GetModelRequest())
    assert model.name == "fake"
    assert [group.label for group in model.age_groups] == ["0-17", "18-64", "65+"]
    assert model.max_photo_bytes == PhotoLimits().max_bytes
    assert model.data_terms == "drawn by nobody"
    assert [row.actual_age for row in model.told_ages] == [30]
    assert list(model.told_ages[0].told_quantiles) == list(range(300, 312))


async def test_until_the_model_has_answered_once_the_server_is_not_serving(
    serving: Serving, photo: bytes
) -> None:
    go = threading.Event()

    class WarmsUpSlowly(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            go.wait(10)
            return super().logits(chips)

    async with (
        serving(load_runtime=WarmsUpSlowly) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        name = pb.DESCRIPTOR.services_by_name["AgeEstimationService"].full_name
        for service in ("", name):
            request = health_pb2.HealthCheckRequest(service=service)
            answer = await health.Check(request)  # type: ignore[attr-defined]
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        everything = await health.List(health_pb2.HealthListRequest())  # type: ignore[attr-defined]
        assert set(everything.statuses) == {"", name, "inference.GRPCInferenceService"}
        assert {each.status for each in everything.statuses.values()} == {answer.status}
        code, details = await refusal(pb_grpc.AgeEstimationServiceStub(channel), photo)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert "still loading" in details
        go.set()
        stub = await ready(channel)
        assert (await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))).estimate.age > 33


async def test_an_unexpected_failure_leaks_nothing_and_the_server_lives_on(
    serving: Serving, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    class FailsOnce(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            answer = super().logits(chips)
            if len(self.batches) == 3:  # the first two are the warm-up
                raise RuntimeError("secret path /models/x")
            return answer

    async with (
        serving(load_runtime=FailsOnce) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        code, details = await refusal(stub, photo)
        assert code is grpc.StatusCode.INTERNAL
        assert "secret" not in details
        incident = details.split()[-1]
        assert any(incident in record.getMessage() for record in caplog.records)
        assert (await stub.EstimateAge(pb.EstimateAgeRequest(photo=photo))).estimate.age > 33


async def test_reflection_describes_the_service_to_a_client_without_stubs(
    serving: Serving, photo: bytes
) -> None:
    async with serving() as address:
        async with grpc.aio.insecure_channel(address) as channel:
            await ready(channel)

        def look() -> tuple[list[str], list[str]]:
            with grpc.insecure_channel(address) as channel:
                database = ProtoReflectionDescriptorDatabase(channel)
                service = DescriptorPool(database).FindServiceByName(
                    "checkout_age.v1.AgeEstimationService"
                )
                names = list(database.get_services())
                return names, [method.name for method in service.methods]

        services, methods = await asyncio.to_thread(look)
    assert "grpc.health.v1.Health" in services
    assert methods == ["EstimateAge", "EstimateAges", "GetModel", "CheckAge"]


async def test_a_model_that_cannot_be_built_ends_the_start_with_its_reason(
    tiny_bundle: Path,
) -> None:
    def broken(bundle: Bundle) -> Always34:
        raise RuntimeError(f"cannot build {bundle.facts.name}")

    with pytest.raises(BundleError, match="cannot be loaded: RuntimeError: cannot build fake"):
        await serve(ServerConfig(model=tiny_bundle, port=0), load_runtime=broken)
