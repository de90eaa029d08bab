"""Scoring over the real stream: troubles of photos, of servers and of both."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from checkout_age.batch import connection
from checkout_age.batch.connection import NoServerError, RemoteServer
from checkout_age.batch.loader import StorageError
from checkout_age.batch.outcome import STATUS_OF_PROBLEM, Outcome, Status
from checkout_age.batch.photos import PhotoRoot, photo_root
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.scoring import LONGEST_WAIT, Patience, Scoring, ServerGoneError
from checkout_age.client import Access
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.authority import Authority
from tests.conftest import Serving
from tests.standin import StandIn, estimate_of, serving_stand_in

PATIENT = Patience(deadline=20, away=20)


def purchase(number: int, photo: str | None) -> Purchase:
    return Purchase("north", number, f"p-{number}", photo)


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
    return photo_root(root)


def scored(
    address: str,
    names: list[str | None],
    photos: PhotoRoot,
    patience: Patience = PATIENT,
    wait: Callable[[float], None] = time.sleep,
    *,
    access: Access | None = None,
) -> list[Outcome]:
    """The outcome of each name, in order; each purchase must have come exactly once."""
    outcomes: dict[str, Outcome] = {}
    server = RemoteServer(address, access)

    def take(purchase: Purchase, outcome: Outcome) -> None:
        assert purchase.purchase_id not in outcomes
        outcomes[purchase.purchase_id] = outcome

    scoring = Scoring(server, patience, readers=2, wait=wait)
    scoring.take = take
    purchases = [purchase(number, name) for number, name in enumerate(names)]
    try:
        scoring.score(
            [purchases[i : i + 8] for i in range(0, len(names), 8)], photos, scoring.model()
        )
    finally:
        server.renew()
    return [outcomes[f"p-{number}"] for number in range(len(names))]


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
        "../x.jpg": Status.PHOTO_OUTSIDE_ROOT,
        "nul\0.jpg": Status.MISSING_PHOTO,
        None: Status.NO_PHOTO,
    }
    async with serving(max_photo_bytes=20_000) as address:
        day = await asyncio.to_thread(scored, address, list(names), photos)
    assert [outcome.status for outcome in day] == list(names.values())
    good, *bad = day
    assert good.photo_sha256 == hashlib.sha256(photo).hexdigest()
    assert good.estimate is not None
    assert good.estimate.age == pytest.approx(34)
    assert good.reason is None
    assert all(outcome.reason for outcome in bad)


async def test_a_night_larger_than_what_is_in_flight_is_answered_whole(
    serving: Serving, photos: PhotoRoot
) -> None:
    names: list[str | None] = ["good.jpg", "empty.jpg", None] * 200
    async with serving() as address:
        day = await asyncio.to_thread(scored, address, names, photos)
    expected = [Status.SCORED, Status.EMPTY_PHOTO, Status.NO_PHOTO] * 200
    assert [outcome.status for outcome in day] == expected


def test_a_server_that_stays_away_is_waited_for_longer_each_time_and_then_told(
    photos: PhotoRoot,
) -> None:
    waited: list[float] = []
    with pytest.raises(ServerGoneError, match="stayed away for"):
        scored("127.0.0.1:1", ["good.jpg"], photos, Patience(away=200), waited.append)
    assert sum(waited) >= 200
    assert waited[0] < 1 < waited[2]
    assert max(waited) <= LONGEST_WAIT * 1.2


def test_a_server_that_comes_back_costs_only_time(photos: PhotoRoot) -> None:
    with serving_stand_in() as address:
        pass  # it was here once: the port is known and now closed
    back = threading.Event()
    waiting = threading.Event()

    def wait(seconds: float) -> None:
        waiting.set()
        back.wait(20)
        time.sleep(min(seconds, 0.5))  # gRPC itself waits a little before it tries a port again

    found: list[Outcome] = []
    patience = Patience(deadline=20.0, away=600)
    thread = threading.Thread(
        target=lambda: found.extend(scored(address, ["good.jpg"], photos, patience, wait))
    )
    thread.start()
    assert waiting.wait(20)
    with serving_stand_in(port=int(address.split(":")[1])):
        back.set()
        thread.join(30)
    assert [outcome.status for outcome in found] == [Status.SCORED]


def test_a_server_that_breaks_its_streams_loses_and_doubles_nothing(photos: PhotoRoot) -> None:
    """Ends well, too early; fails as a defect would; is full and says for how long."""
    breaks = iter(["end", "fail", "full", "end", "fail"])

    class Breaks(StandIn):
        def EstimateAges(self, request_iterator, context):  # type: ignore[no-untyped-def]
            how = next(breaks, None)
            answers = super().EstimateAges(request_iterator, context)
            for number, answer in enumerate(answers):
                yield answer
                if how and number == 70:
                    break
            if how == "fail":
                raise RuntimeError("a defect")
            if how == "full":
                context.set_trailing_metadata((("grpc-retry-pushback-ms", "250"),))
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "come back later")

    waited: list[float] = []
    breaking = Breaks()
    with serving_stand_in(breaking) as address:
        day = scored(address, ["good.jpg"] * 500, photos, PATIENT, waited.append)
    assert [outcome.status for outcome in day] == [Status.SCORED] * 500
    assert 0.25 in waited
    assert breaking.streams >= 6


def test_a_photo_sent_alone_whose_stream_fails_after_the_answer_is_taken_once(
    photos: PhotoRoot,
) -> None:
    class FailsAfterwards(StandIn):
        def EstimateAges(self, request_iterator, context):  # type: ignore[no-untyped-def]
            request = next(request_iterator, None)
            if request is None:
                return
            self.streams += 1
            if self.streams > 2:  # by then it is suspected, and alone
                answer = estimate_of(request.photo)
                answer.id = request.id
                yield answer
            raise RuntimeError("a defect")

    failing = FailsAfterwards()
    with serving_stand_in(failing) as address:
        day = scored(address, ["good.jpg"], photos, PATIENT, lambda _: None)
    assert [outcome.status for outcome in day] == [Status.SCORED]
    assert failing.streams == 3


def test_a_photo_that_is_being_read_anew_while_its_stream_ends_is_not_lost(
    photos: PhotoRoot,
) -> None:
    """The sender may be in the middle of reading when the server ends the stream."""
    reading, ended = threading.Event(), threading.Event()

    class SlowOnce(PhotoRoot):
        def read(self, photo: str, at_most: int | None = None) -> bytes:
            if ended.is_set() and not reading.is_set():
                reading.set()
                time.sleep(0.3)
            return super().read(photo, at_most)

    class EndsWhileReading(StandIn):
        def EstimateAges(self, request_iterator, context):  # type: ignore[no-untyped-def]
            self.streams += 1
            for number, request in enumerate(request_iterator):
                if self.streams == 1 and number == 20:
                    ended.set()
                    return  # all that is under way comes back and is read anew
                if self.streams == 2:
                    assert reading.wait(5)
                    return  # while the second photo is being read
                answer = estimate_of(request.photo)
                answer.id = request.id
                yield answer

    with serving_stand_in(EndsWhileReading()) as address:
        day = scored(address, ["good.jpg"] * 60, SlowOnce(photos.folder), PATIENT, lambda _: None)
    assert reading.is_set()
    assert [outcome.status for outcome in day] == [Status.SCORED] * 60


def test_a_photo_that_breaks_the_server_each_time_is_told_and_spoils_no_other(
    photos: PhotoRoot,
) -> None:
    (Path(photos.folder.path) / "poison.jpg").write_bytes(b"poison")

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if request.photo == b"poison":
            raise RuntimeError("a defect")
        return estimate_of(request.photo)

    names: list[str | None] = ["good.jpg"] * 40
    names[7] = "poison.jpg"
    with serving_stand_in(StandIn(behave)) as address:
        day = scored(address, names, photos, PATIENT, lambda _: None)
    assert [outcome.status for outcome in day if outcome is not day[7]] == [Status.SCORED] * 39
    assert day[7].status is Status.UNANSWERED
    assert "sent alone 3 times, each time the server failed with UNKNOWN" in str(day[7].reason)


def test_a_photo_that_the_server_keeps_silent_about_is_overdue_at_its_deadline(
    photos: PhotoRoot,
) -> None:
    (Path(photos.folder.path) / "silent.jpg").write_bytes(b"silent")

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse | None:
        return None if request.photo == b"silent" else estimate_of(request.photo)

    names: list[str | None] = ["silent.jpg", *["good.jpg"] * 20]
    quick = Patience(deadline=0.4, away=20)
    with serving_stand_in(StandIn(behave)) as address:
        day = scored(address, names, photos, quick, lambda _: None)
    assert day[0].status is Status.UNANSWERED
    assert {outcome.status for outcome in day[1:]} == {Status.SCORED}


def test_a_server_that_keeps_silent_altogether_has_stayed_away(photos: PhotoRoot) -> None:
    with serving_stand_in(StandIn(lambda _: None)) as address, pytest.raises(ServerGoneError):
        scored(address, ["good.jpg"] * 9, photos, Patience(deadline=0.3, away=1), lambda _: None)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "UNIMPLEMENTED"])
def test_what_another_try_cannot_mend_is_not_tried_again(photos: PhotoRoot, code: str) -> None:
    class Refuses(StandIn):
        def EstimateAges(self, request_iterator, context):  # type: ignore[no-untyped-def]
            self.streams += 1
            context.abort(grpc.StatusCode[code], "never")

    refusing = Refuses()
    with serving_stand_in(refusing) as address, pytest.raises(ServerGoneError, match=code):
        scored(address, ["good.jpg"], photos)
    assert refusing.streams == 1


def test_storage_that_does_not_answer_is_tried_again_and_then_told_but_no_photo_is_missing(
    photos: PhotoRoot,
) -> None:
    class Flaky(PhotoRoot):
        failures = 2

        def read(self, photo: str, at_most: int | None = None) -> bytes:
            if self.failures:
                self.failures -= 1
                raise OSError(5, "Input/output error")
            return super().read(photo, at_most)

    waited: list[float] = []
    with serving_stand_in() as address:
        flaky = Flaky(photos.folder)
        day = scored(address, ["good.jpg"], flaky, PATIENT, waited.append)
        assert day[0].status is Status.SCORED
        assert waited == [0.5, 2.0]
        flaky.failures = 10
        with pytest.raises(StorageError, match=r"good\.jpg cannot be read: .*Input/output error"):
            scored(address, ["good.jpg"], flaky, PATIENT, waited.append)


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


async def test_a_night_is_scored_over_tls_with_the_nights_token_and_with_no_other(
    serving: Serving, photos: PhotoRoot, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pems = authority.issue("server", "127.0.0.1", "localhost")
    tokens = {role: add_token(tmp_path / "tokens", Caller(str(role), role)) for role in Role}
    async with serving(tls_cert=pems.cert, tls_key=pems.key, tokens=tmp_path / "tokens") as address:

        def night(token: str) -> list[Outcome]:
            access = Access(ca=authority.ca, token=token)
            return scored(address, ["good.jpg"] * 3, photos, access=access)

        day = await asyncio.to_thread(night, tokens[Role.NIGHT])
        assert [outcome.status for outcome in day] == [Status.SCORED] * 3
        with pytest.raises(ServerGoneError, match="the server refuses us: UNAUTHENTICATED"):
            await asyncio.to_thread(night, "wrong")
