"""The client for asyncio: the blocking one's calls, awaited."""

from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

import grpc

from checkout_age.client.access import Access
from checkout_age.client.blocking import DEADLINE, checked
from checkout_age.client.channel import open_async_channel
from checkout_age.client.errors import told_by, told_by_waiting
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc


class AsyncAgeClient:
    """Asks a server for ages from one event loop, closed by `async with`; see AgeClient."""

    def __init__(self, address: str, access: Access | None = None) -> None:
        """Open a connection to HOST:PORT. Raises AccessError."""
        self._access = access or Access()
        self._access.metadata()  # a missing token is told now, not at the first call
        self._channel = open_async_channel(address, self._access)
        self._stub: pb_grpc.AgeEstimationServiceAsyncStub = pb_grpc.AgeEstimationServiceStub(
            self._channel
        )

    async def estimate_age(
        self, photo: bytes, deadline: float = DEADLINE
    ) -> pb.EstimateAgeResponse:
        """The age in one photo (JPEG, PNG or WebP), or the problem that stood in its way."""
        try:
            return await self._stub.EstimateAge(
                pb.EstimateAgeRequest(photo=photo),
                timeout=checked(deadline),
                metadata=self._access.metadata(),
            )
        except grpc.aio.AioRpcError as error:
            raise told_by(error) from None

    async def check_age(
        self, photo: bytes, minimum_age: int, deadline: float = DEADLINE
    ) -> pb.CheckAgeResponse:
        """Whether ID need not be asked for before goods for that age (1 to 100) are sold."""
        try:
            return await self._stub.CheckAge(
                pb.CheckAgeRequest(photo=photo, minimum_age=minimum_age),
                timeout=checked(deadline),
                metadata=self._access.metadata(),
            )
        except grpc.aio.AioRpcError as error:
            raise told_by(error) from None

    async def estimate_ages(
        self,
        photos: AsyncIterable[tuple[str, bytes]] | Iterable[tuple[str, bytes]],
        deadline: float | None = None,
    ) -> AsyncIterator[pb.EstimateAgesResponse]:
        """An answer for each (id, photo), in any order; photos are drawn as the server keeps up."""
        call = self._stub.EstimateAges(
            _requests(photos), timeout=deadline, metadata=self._access.metadata()
        )
        end = _End(call)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise told_by(end.told or error) from None

    async def model(self, deadline: float = DEADLINE) -> pb.GetModelResponse:
        """What is served."""
        try:
            return await self._stub.GetModel(
                pb.GetModelRequest(), timeout=checked(deadline), metadata=self._access.metadata()
            )
        except grpc.aio.AioRpcError as error:
            raise told_by(error) from None

    async def wait(self, deadline: float) -> pb.GetModelResponse:
        """Wait until the server is there and healthy, and tell what it serves."""
        try:
            return await self._stub.GetModel(
                pb.GetModelRequest(),
                timeout=checked(deadline),
                metadata=self._access.metadata(),
                wait_for_ready=True,
            )
        except grpc.aio.AioRpcError as error:
            raise told_by_waiting(error, deadline) from None

    async def close(self) -> None:
        """End the connection and whatever still runs on it."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class _End:
    """How the server ended a stream: grpc.aio forgets it where a photo could not be sent any more.

    See https://github.com/grpc/grpc/issues/36066.
    """

    def __init__(self, call: Any) -> None:
        self.told: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._keep)

    def _keep(self, call: Any) -> None:
        if self.told is None:  # told again once it is forgotten
            code, details = _at_once(call.code()), _at_once(call.details())
            trailing = _at_once(call.trailing_metadata())
            if code is not None:
                nothing = grpc.aio.Metadata()
                self.told = grpc.aio.AioRpcError(code, nothing, trailing or nothing, details)


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives that has nothing to wait for any more; None if it has."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    return None


async def _requests(
    photos: AsyncIterable[tuple[str, bytes]] | Iterable[tuple[str, bytes]],
) -> AsyncIterator[pb.EstimateAgesRequest]:
    if isinstance(photos, AsyncIterable):
        async for name, photo in photos:
            yield pb.EstimateAgesRequest(id=name, photo=photo)
        return
    for name, photo in photos:
        yield pb.EstimateAgesRequest(id=name, photo=photo)
