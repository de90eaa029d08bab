"""Scoring: the photos of a night through the server's stream, one outcome for each purchase."""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc

from checkout_age.batch.connection import Server
from checkout_age.batch.loader import Loader
from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.stream import PhotoStream, StreamEnd
from checkout_age.batch.work import Work
from checkout_age.client.errors import RETRY_AFTER
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

NEVER_AGAIN = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
"""Codes that another try will not change."""
FULL = grpc.StatusCode.RESOURCE_EXHAUSTED
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
TRIES_ALONE = 3
UNANSWERED_IN_A_ROW = 10
"""Photos without an answer, one after the other, before it is the server that has failed."""


class ServerGoneError(ConnectionError):
    """The server stayed away or failed; what was scored is kept, the night can be run again."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds."""

    deadline: float = 30.0
    """For one photo's answer, those before it not counted."""
    away: float = 300.0
    """For a server that gives no answer at all, before the run ends."""

    def __post_init__(self) -> None:
        if self.deadline <= 0 or self.away < 0:
            raise ValueError(
                f"the deadline must be above 0 and the patience at least 0 seconds, "
                f"got {self.deadline} and {self.away}"
            )


class Scoring:
    """Scores purchases with one server, however often it goes away and comes back."""

    def __init__(
        self,
        server: Server,
        patience: Patience | None = None,
        readers: int = 8,
        wait: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._server = server
        self.take: Callable[[Purchase, Outcome], None] = lambda _purchase, _outcome: None
        """Called with each purchase and its outcome, once, from any thread."""
        self._patience = patience or Patience()
        self._readers = readers
        self._wait = wait
        self._say = say
        self._waited = 0.0
        self._pause = FIRST_WAIT
        self._unanswered_in_a_row = 0
        self._taken_last: str | None = None
        self.retries = 0
        """Streams that were begun anew."""

    def model(self) -> pb.GetModelResponse:
        """What is served; waits for a server that is away.

        Raises:
            ServerGoneError: it stayed away, or refuses us.
        """
        while True:
            stub = pb_grpc.AgeEstimationServiceStub(self._server.channel())
            try:
                return stub.GetModel(pb.GetModelRequest(), timeout=30)
            except grpc.RpcError as error:
                self._wait_out(error)

    def model_now(self) -> pb.GetModelResponse | None:
        """What is served at this moment; None where the server does not say at once."""
        stub = pb_grpc.AgeEstimationServiceStub(self._server.channel())
        try:
            return stub.GetModel(pb.GetModelRequest(), timeout=10)
        except grpc.RpcError:
            return None

    def score(
        self,
        pieces: Iterable[list[Purchase]],
        photos: PhotoRoot,
        model: pb.GetModelResponse,
    ) -> None:
        """Have each purchase taken with its outcome, exactly once.

        Raises:
            ServerGoneError: the server stayed away or failed.
            StorageError, PhotoRootError: the photos cannot be read.
        """
        loader = Loader(photos, model.max_photo_bytes, self._readers, self._wait)
        work = Work(pieces, loader, self._take)
        try:
            self._all_but_suspects(work)
            while work.suspects:
                self._alone(work, work.suspects.popleft())
        finally:
            work.close()
            loader.close()

    def _all_but_suspects(self, work: Work) -> None:
        while True:
            end = self._stream(work.draw)
            full = end.error is not None and end.error.code() is FULL
            work.give_back(end.unanswered, suspect=not full)
            if not end.unanswered and end.error is None and end.overdue is None:
                return
            self._after(end)

    def _alone(self, work: Work, purchase: Purchase) -> None:
        """One photo that was under way whenever a stream broke."""
        words = ""
        for _ in range(TRIES_ALONE):
            self.model()  # the server is there: if the stream breaks now, the photo breaks it
            end = self._stream(work.one(purchase), window=1)
            if self._taken_last == purchase.purchase_id:  # however the stream ended after that
                return
            words = _words(end)
            self._after(end)
        self._unanswered_in_a_row += 1
        if self._unanswered_in_a_row >= UNANSWERED_IN_A_ROW:
            raise ServerGoneError(f"the server answers no photo any more: {words}")
        reason = f"sent alone {TRIES_ALONE} times, each time {words}"
        self.take(purchase, Outcome(Status.UNANSWERED, reason))

    def _stream(self, draw: Callable[[], object], window: int | None = None) -> StreamEnd:
        stub = pb_grpc.AgeEstimationServiceStub(self._server.channel())
        given = {} if window is None else {"window": window}
        stream = PhotoStream(stub, draw, self._take, self._patience.deadline, **given)  # type: ignore[arg-type]
        return stream.run()

    def _take(self, purchase: Purchase, outcome: Outcome) -> None:
        if outcome.model_version is not None:  # the server answered
            self._waited, self._pause = 0.0, FIRST_WAIT
            self._unanswered_in_a_row = 0
        self.take(purchase, outcome)
        self._taken_last = purchase.purchase_id

    def _after(self, end: StreamEnd) -> None:
        self.retries += 1
        if end.overdue is not None:
            self._server.renew()  # the connection may be dead without knowing
            self._waited += end.overdue
        self._wait_out(end.error, _words(end))

    def _wait_out(self, error: grpc.RpcError | None, words: str | None = None) -> None:
        """Wait before the next try, longer each time, or raise ServerGoneError."""
        if error is not None:
            words = f"{error.code().name}: {error.details()}"
            if error.code() in NEVER_AGAIN:
                raise ServerGoneError(f"the server refuses us: {words}") from error
        if self._waited >= self._patience.away:
            raise ServerGoneError(
                f"the server stayed away for {self._waited:.0f} s: {words}"
            ) from error
        pause = _asked_for(error) or self._pause * random.uniform(0.8, 1.2)  # noqa: S311
        pause = min(pause, max(self._patience.away - self._waited, FIRST_WAIT))
        self._say(f"waiting {pause:.1f} s for the server, {words}")
        self._wait(pause)
        self._waited += pause
        self._pause = min(self._pause * 2, LONGEST_WAIT)


def _words(end: StreamEnd) -> str:
    if end.overdue is not None:
        return f"no answer came within {end.overdue:.0f} s"
    if end.error is not None:
        return f"the server failed with {end.error.code().name}: {end.error.details()}"
    return f"the server ended the stream {len(end.unanswered)} answers short"


def _asked_for(error: grpc.RpcError | None) -> float | None:
    """Seconds that a full server asked us to wait; None where it did not."""
    if error is None:
        return None
    told = dict(getattr(error, "trailing_metadata", tuple)() or ()).get(RETRY_AFTER, "")
    return int(told) / 1000 if str(told).isdecimal() else None
