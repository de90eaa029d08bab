"""Scoring: the photos of a day through the server's stream, one outcome for each purchase."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc

from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.purchases import Purchase
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)
"""Seconds before each new try while the server is away; a photo answered starts them anew."""
COMES_BACK = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
)
"""Codes that may be gone at the next try: the server is away, full, or failed once."""


class ServerGoneError(ConnectionError):
    """The server stayed away or failed; the night can be run again later, nothing was written."""


@dataclass(frozen=True)
class ScoredDay:
    """One outcome for each purchase, in their order, and the model that gave them."""

    outcomes: tuple[Outcome, ...]
    model: pb.GetModelResponse
    """What the server said when the last stream began."""


def score(
    purchases: Sequence[Purchase],
    photos: PhotoRoot,
    channel: grpc.Channel,
    progress: Callable[[int], None],
    wait: Callable[[float], None] = time.sleep,
) -> ScoredDay:
    """Stream the photos and gather the outcomes; `progress` is told how many are known.

    Raises:
        ServerGoneError: the server stayed away or answered with an error.
    """
    stub = pb_grpc.AgeEstimationServiceStub(channel)
    day = _Day(purchases, photos)
    waits = iter(WAITS)
    while True:
        known = len(day.outcomes)
        try:
            model = stub.GetModel(pb.GetModelRequest(), timeout=30)
            for response in stub.EstimateAges(day.requests(model.max_photo_bytes)):
                day.take(response)
                progress(len(day.outcomes))
            progress(len(day.outcomes))
            day.require_complete()
            return ScoredDay(tuple(day.outcomes[i] for i in range(len(purchases))), model)
        except grpc.RpcError as error:
            if error.code() not in COMES_BACK:
                raise ServerGoneError(f"the server failed: {error.details()}") from error
            if len(day.outcomes) > known:
                waits = iter(WAITS)
            pause = next(waits, None)
            if pause is None:
                raise ServerGoneError(f"the server stayed away: {error.details()}") from error
            wait(pause)


class _Day:
    """Which purchases have their outcome, and the requests for those that have not."""

    def __init__(self, purchases: Sequence[Purchase], photos: PhotoRoot) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._purchases = purchases
        self._photos = photos
        self._digests: dict[int, str] = {}

    def requests(self, max_photo_bytes: int) -> Iterator[pb.EstimateAgesRequest]:
        """A request for each photo that has yet to be scored; the rest get their outcome here."""
        for index, purchase in enumerate(self._purchases):
            if index in self.outcomes:
                continue
            photo = self._read(purchase, max_photo_bytes)
            if isinstance(photo, Outcome):
                self.outcomes[index] = photo
                continue
            self._digests[index] = hashlib.sha256(photo).hexdigest()
            yield pb.EstimateAgesRequest(id=str(index), photo=photo)

    def take(self, response: pb.EstimateAgesResponse) -> None:
        """Keep an answer."""
        index = int(response.id)
        self.outcomes[index] = Outcome.answered(response, self._digests[index])

    def require_complete(self) -> None:
        """Raise ServerGoneError where the stream ended without every answer."""
        unanswered = len(self._purchases) - len(self.outcomes)
        if unanswered:
            raise ServerGoneError(f"the server ended the stream {unanswered} answers short")

    def _read(self, purchase: Purchase, max_photo_bytes: int) -> bytes | Outcome:
        """The photo's bytes, or why there is nothing to send."""
        if purchase.photo is None:
            return Outcome(Status.NO_PHOTO, "the purchase names no photo")
        try:
            size = self._photos.size(purchase.photo)
            if size <= max_photo_bytes:
                return self._photos.read(purchase.photo)
        except OSError as error:
            return Outcome(Status.MISSING_PHOTO, str(error))
        return Outcome(
            Status.PHOTO_TOO_LARGE,
            f"the photo has {size} bytes, the server reads {max_photo_bytes}",
        )
