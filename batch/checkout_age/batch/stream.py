"""One stream of photos to the server and their answers back, watched by a clock."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import grpc

from checkout_age.batch.loader import LoadedPhoto
from checkout_age.batch.outcome import Outcome
from checkout_age.batch.purchases import Purchase
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

WINDOW = 128
"""Photos that are under way at once."""


class Sent(NamedTuple):
    """A photo that is under way."""

    purchase: Purchase
    sha256: str
    at: float
    """When it was handed to gRPC, on the monotonic clock."""
    answers: int
    """How many answers this stream had had by then."""


class StreamEnd(NamedTuple):
    """How a stream ended."""

    unanswered: list[Purchase]
    """Photos that were handed over and have no answer."""
    answered: int
    error: grpc.RpcError | None
    """What the call failed with; None where it ended well or the clock ended it."""
    overdue: float | None
    """Seconds without the answer that was due, where the clock ended the stream."""


class PhotoStream:
    """Draws photos while there is room in the window, and gives each answer to `take`.

    Drawing and noting what is under way are one step under a lock, so that a photo is never drawn
    by a stream that has ended: what `run` reports unanswered is all that went missing.
    """

    def __init__(
        self,
        stub: pb_grpc.AgeEstimationServiceStub,
        draw: Callable[[], LoadedPhoto | None],
        take: Callable[[Purchase, Outcome], None],
        deadline: float,
        window: int = WINDOW,
    ) -> None:
        self._stub = stub
        self._draw = draw
        self._take = take
        self._deadline = deadline
        self._window = window
        self._room = threading.Semaphore(window)
        self._drawing = threading.Lock()
        self._ended = threading.Event()
        self._under_way: dict[str, Sent] = {}
        self._answered = 0
        self._last_answer = time.monotonic()
        self._overdue: float | None = None
        self._failure: BaseException | None = None

    def run(self) -> StreamEnd:
        """Send all that can be drawn and take every answer, or what came before the end.

        Raises: whatever drawing or taking raised.
        """
        call = self._stub.EstimateAges(self._requests())
        clock = threading.Thread(target=self._watch, args=(call,), daemon=True)
        clock.start()
        error: grpc.RpcError | None = None
        try:
            for response in call:
                self._answer(response)
        except grpc.RpcError as failed:
            error = failed
        finally:
            self._ended.set()
            call.cancel()
            self._room.release(self._window)
        with self._drawing:  # a photo that is being drawn is noted before we look
            unanswered = [sent.purchase for sent in self._under_way.values()]
        clock.join()
        if self._failure is not None:
            raise self._failure
        return StreamEnd(
            unanswered, self._answered, None if self._overdue else error, self._overdue
        )

    def _requests(self) -> Iterator[pb.EstimateAgesRequest]:
        number = 0
        while True:
            self._room.acquire()
            with self._drawing:
                if self._ended.is_set():
                    return
                try:
                    loaded = self._draw()
                except BaseException as error:  # raised again by run
                    self._failure = error
                    self._ended.set()
                    return
                if loaded is None:
                    return
                number += 1
                self._under_way[str(number)] = Sent(
                    loaded.purchase, loaded.sha256, time.monotonic(), self._answered
                )
            yield pb.EstimateAgesRequest(id=str(number), photo=loaded.photo)

    def _answer(self, response: pb.EstimateAgesResponse) -> None:
        sent = self._under_way.pop(response.id, None)
        if sent is None:  # a name that we did not give, or a second answer
            return
        self._answered += 1
        self._last_answer = time.monotonic()
        self._take(sent.purchase, Outcome.answered(response, sent.sha256))
        self._room.release()

    def _watch(self, call: grpc.Call) -> None:
        """Cancel the call where a photo waits too long, or drawing failed."""
        while not self._ended.wait(min(1.0, self._deadline / 4)):
            self._overdue = self._late()
            if self._overdue is not None:
                break
        call.cancel()

    def _late(self) -> float | None:
        """For how long an answer is overdue.

        A photo may wait for the answers before it, but not see two windows' worth of others
        overtake it; and where anything is under way, there has to be some answer.
        """
        now = time.monotonic()
        try:
            waiting = list(self._under_way.values())
        except RuntimeError:  # it changed while we looked
            return None
        for sent in waiting:
            waited = now - sent.at
            overtaken = self._answered - sent.answers > 2 * self._window
            silent = now - max(self._last_answer, sent.at) > self._deadline
            if waited > self._deadline and (overtaken or silent):
                return waited
        return None
