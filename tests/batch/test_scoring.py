"""Scoring against the real server on a real port, with a network that always says 34."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from checkout_age.batch import connection
from checkout_age.batch.connection import NoServerError
from checkout_age.batch.outcome import STATUS_OF_PROBLEM, Outcome, Status
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.scoring import WAITS, ScoredDay, ServerGoneError, score
from checkout_age.server.age import Logits
from checkout_age.server.photo import Pixels
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.conftest import Always34, Serving


def purchase(photo: str | None) -> Purchase:
    return Purchase(f"p-{photo}", "north", datetime(2026, 11, 21, tzinfo=UTC), photo)


@pytest.fixture
def photos(tmp_path: Path, photo: bytes, black_photo: bytes) -> PhotoRoot:
    root = tmp_path / "photos"
    root.mkdir()
    (root / "good.jpg").write_bytes(photo)
    (root / "empty.jpg").write_bytes(b"")
    (root / "cut.jpg").write_bytes(photo[:300])
    (root / "text.jpg").write_bytes(b"offline")
    (root / "dark.jpg").write_bytes(black_photo)
    (root / "large.jpg").write_bytes(photo + bytes(20_000))
    return PhotoRoot(root)


async def scored(address: str, names: list[str | None], photos: PhotoRoot) -> ScoredDay:
    def run() -> ScoredDay:
        with connection.connect(address) as channel:
            return score([purchase(name) for name in names], photos, channel, lambda _: None)

    return await asyncio.to_thread(run)


async def test_each_trouble_gets_its_own_status_and_spoils_no_other(
    serving: Serving, photos: PhotoRoot, photo: bytes
) -> None:
    names = {
        "good.jpg": Status.SCORED,
        "empty.jpg": Status.EMPTY_PHOTO,
        "cut.jpg": Status.DAMAGED_PHOTO,
        "text.jpg": Status.NOT_A_PHOTO,
        "dark.jpg": Status.NO_FACE,
        "large.jpg": Status.PHOTO_TOO_LARGE,
        "gone.jpg": Status.MISSING_PHOTO,
        "../x.jpg": Status.MISSING_PHOTO,
        "nul\0.jpg": Status.MISSING_PHOTO,
        None: Status.NO_PHOTO,
    }
    async with serving(max_photo_bytes=20_000) as address:
        day = await scored(address, list(names), photos)
    assert [outcome.status for outcome in day.outcomes] == list(names.values())
    good, *bad = day.outcomes
    assert good.photo_sha256 == hashlib.sha256(photo).hexdigest()
    assert good.estimate is not None
    assert good.estimate.age == pytest.approx(34)
    assert good.reason is None
    assert all(outcome.reason for outcome in bad)
    assert day.model.name == "fake"


async def test_a_night_larger_than_what_is_in_flight_keeps_its_order(
    serving: Serving, photos: PhotoRoot
) -> None:
    names: list[str | None] = ["good.jpg", "empty.jpg", None] * 200
    async with serving() as address:
        day = await scored(address, names, photos)
    expected = [Status.SCORED, Status.EMPTY_PHOTO, Status.NO_PHOTO] * 200
    assert [outcome.status for outcome in day.outcomes] == expected


async def test_progress_only_grows_and_ends_at_all(serving: Serving, photos: PhotoRoot) -> None:
    seen: list[int] = []

    def run(address: str) -> None:
        with connection.connect(address) as channel:
            score([purchase("good.jpg")] * 20, photos, channel, seen.append)

    async with serving() as address:
        await asyncio.to_thread(run, address)
    assert seen == sorted(seen)
    assert seen[-1] == 20


def test_a_server_that_stays_away_is_waited_for_and_then_told(photos: PhotoRoot) -> None:
    waited: list[float] = []
    with (
        grpc.insecure_channel("127.0.0.1:1") as channel,
        pytest.raises(ServerGoneError, match="stayed away"),
    ):
        score([purchase("good.jpg")], photos, channel, lambda _: None, waited.append)
    assert waited == list(WAITS)


async def test_a_server_that_comes_back_costs_only_time(
    serving: Serving, photos: PhotoRoot
) -> None:
    async with serving() as address:
        pass  # it was here once: the port is known and now closed
    back = threading.Event()

    def run() -> ScoredDay:
        with grpc.insecure_channel(address) as channel:
            return score([purchase("good.jpg")], photos, channel, lambda _: None, after(back))

    running = asyncio.create_task(asyncio.to_thread(run))
    await asyncio.sleep(0.3)
    async with serving(port=int(address.split(":")[1])):
        back.set()
        day = await running
    assert day.outcomes[0].status is Status.SCORED


def after(back: threading.Event) -> Callable[[float], None]:
    """Waits for as long as the server is away, and then for the channel to notice."""

    def wait(_: float) -> None:
        back.wait(20)
        time.sleep(0.5)

    return wait


async def test_a_server_that_dies_midway_is_asked_again_only_for_what_is_unanswered(
    serving: Serving, photos: PhotoRoot
) -> None:
    class StopsAfterTen(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            if sum(self.batches) >= 10:
                stuck.set()
                released.wait(10)
            return super().logits(chips)

    class Counts(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            second.append(len(chips))
            return super().logits(chips)

    stuck, released, back = threading.Event(), threading.Event(), threading.Event()
    second: list[int] = []
    async with serving(load_runtime=StopsAfterTen) as address:

        def run() -> ScoredDay:
            with grpc.insecure_channel(address) as channel:
                purchases = [purchase("good.jpg")] * 100
                return score(purchases, photos, channel, lambda _: None, after(back))

        await asyncio.to_thread(_until_serving, address)
        running = asyncio.create_task(asyncio.to_thread(run))
        await asyncio.to_thread(stuck.wait, 10)
        release = asyncio.get_running_loop().call_later(2, released.set)  # beyond the grace
    release.cancel()
    released.set()
    async with serving(port=int(address.split(":")[1]), load_runtime=Counts):
        back.set()
        day = await running
    assert [outcome.status for outcome in day.outcomes] == [Status.SCORED] * 100
    assert sum(second) < 100 + 3  # the warm-up is three


async def test_a_server_that_fails_once_is_asked_again(serving: Serving, photos: PhotoRoot) -> None:
    class FailsOnce(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            answer = super().logits(chips)
            if len(self.batches) == 3:  # the first two are the warm-up
                raise RuntimeError("out of luck")
            return answer

    async with serving(load_runtime=FailsOnce) as address:
        day = await scored(address, ["good.jpg"] * 5, photos)
    assert [outcome.status for outcome in day.outcomes] == [Status.SCORED] * 5


def _until_serving(address: str) -> bool:
    with connection.connect(address):
        return True


def test_nothing_at_the_address_is_told_with_the_address() -> None:
    with (
        pytest.raises(NoServerError, match=r"no server is ready at 127\.0\.0\.1:1"),
        connection.connect("127.0.0.1:1", timeout=0.5),
    ):
        pass


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (pb.PROBLEM_NO_FACE, Status.NO_FACE),
        (pb.PROBLEM_SEVERAL_FACES, Status.SEVERAL_FACES),
        (pb.PROBLEM_FACE_TOO_SMALL, Status.FACE_TOO_SMALL),
        (pb.PROBLEM_TOO_BLURRED, Status.TOO_BLURRED),
        (pb.PROBLEM_TOO_DARK, Status.TOO_DARK),
    ],
)
def test_a_refused_face_keeps_its_status_and_what_was_measured(
    problem: pb.Problem, status: Status
) -> None:
    told = pb.PhotoProblem(
        problem=problem, message="why", measured=0.0, threshold=24, faces_found=1
    )
    outcome = Outcome.answered(pb.EstimateAgesResponse(problem=told), "digest")
    assert (outcome.status, outcome.reason) == (status, "why")
    assert (outcome.measured, outcome.threshold, outcome.faces_found) == (0, 24, 1)


def test_every_problem_of_the_contract_has_a_status_that_is_documented(root: Path) -> None:
    assert set(STATUS_OF_PROBLEM) == set(pb.Problem.values()) - {pb.PROBLEM_UNSPECIFIED}
    documented = (root / "batch" / "README.md").read_text()
    for each in Status:
        assert f"| `{each}` |" in documented


def test_a_problem_that_this_job_does_not_know_keeps_the_servers_words() -> None:
    problem = pb.PhotoProblem(problem=99, message="the face wears a mask")  # type: ignore[arg-type]
    outcome = Outcome.answered(pb.EstimateAgesResponse(problem=problem), "digest")
    assert outcome.status is Status.UNKNOWN_PROBLEM
    assert outcome.reason == "the face wears a mask"
