"""The blocking client: a till's two lines."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import grpc

from checkout_age.client.access import Access
from checkout_age.client.channel import open_channel
from checkout_age.client.errors import told_by, told_by_waiting
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

DEADLINE = 5.0
"""Seconds that a till waits unless it says otherwise, retries included."""


def checked(deadline: float) -> float:
    """The deadline. Raises ValueError where it is none: gRPC would wait for ever."""
    if not deadline > 0:
        raise ValueError(f"a deadline is a number of seconds above 0, got {deadline}")
    return deadline


class AgeClient:
    """Asks a server for ages; safe to use from several threads, closed by `with`.

    UNAVAILABLE is tried again, up to five times within the deadline, as service_config.json says.
    Every call raises CallError where no answer came.
    """

    def __init__(self, address: str, access: Access | None = None) -> None:
        """Open a connection to HOST:PORT. Raises AccessError."""
        self._channel = open_channel(address, access)
        self._stub = pb_grpc.AgeEstimationServiceStub(self._channel)

    def estimate_age(self, photo: bytes, deadline: float = DEADLINE) -> pb.EstimateAgeResponse:
        """The age in one photo (JPEG, PNG or WebP), or the problem that stood in its way."""
        try:
            return self._stub.EstimateAge(
                pb.EstimateAgeRequest(photo=photo), timeout=checked(deadline)
            )
        except grpc.RpcError as error:
            raise told_by(error) from None

    def check_age(
        self, photo: bytes, minimum_age: int, deadline: float = DEADLINE
    ) -> pb.CheckAgeResponse:
        """Whether ID need not be asked for before goods for that age (1 to 100) are sold."""
        request = pb.CheckAgeRequest(photo=photo, minimum_age=minimum_age)
        try:
            return self._stub.CheckAge(request, timeout=checked(deadline))
        except grpc.RpcError as error:
            raise told_by(error) from None

    def estimate_ages(
        self, photos: Iterable[tuple[str, bytes]], deadline: float | None = None
    ) -> Iterator[pb.EstimateAgesResponse]:
        """An answer for each (id, photo), in any order; photos are drawn as the server keeps up."""
        requests = (pb.EstimateAgesRequest(id=name, photo=photo) for name, photo in photos)
        try:
            yield from self._stub.EstimateAges(requests, timeout=deadline)
        except grpc.RpcError as error:
            raise told_by(error) from None

    def model(self, deadline: float = DEADLINE) -> pb.GetModelResponse:
        """What is served."""
        try:
            return self._stub.GetModel(pb.GetModelRequest(), timeout=checked(deadline))
        except grpc.RpcError as error:
            raise told_by(error) from None

    def wait(self, deadline: float) -> pb.GetModelResponse:
        """Wait until the server is there and healthy, and tell what it serves."""
        request = pb.GetModelRequest()
        try:
            return self._stub.GetModel(request, timeout=checked(deadline), wait_for_ready=True)
        except grpc.RpcError as error:
            raise told_by_waiting(error, deadline) from None

    def close(self) -> None:
        """End the connection and whatever still runs on it."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
