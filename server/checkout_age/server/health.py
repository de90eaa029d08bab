"""Health: grpc.health.v1 for each service, and the end of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from grpc_health.v1 import health, health_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health(health.aio.HealthServicer):
    """NOT_SERVING until told otherwise; watches end with the server instead of holding it up."""

    def __init__(self, services: Sequence[str]) -> None:
        """Tell of the services by these names, and of the whole server by the empty one."""
        super().__init__()
        self._services = ("", *services)
        self._server_status = dict.fromkeys(self._services, NOT_SERVING)
        self._ended = asyncio.Event()

    async def serving(self) -> None:
        """All services answer from now on."""
        for service in self._services:
            await self.set(service, SERVING)

    async def List(self, request: object, context: Any) -> Any:  # noqa: ARG002  # nothing is asked
        """The status of each service, which grpcio's own servicer does not tell."""
        return health_pb2.HealthListResponse(  # type: ignore[attr-defined]  # newer than its types
            statuses={
                service: health_pb2.HealthCheckResponse(status=status)
                for service, status in self._server_status.items()
            }
        )

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        """The status, now and whenever it changes, until the server ends."""
        watching = asyncio.create_task(super().Watch(request, context))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({watching, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watching, ended):
                task.cancel()
            await asyncio.gather(watching, ended, return_exceptions=True)

    def end_watches(self) -> None:
        """Everybody has been told; let them go."""
        self._ended.set()
