"""AdminService: swaps and roll backs by call."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import grpc

from checkout_age.server.answering import answering
from checkout_age.server.bundle import BundleError
from checkout_age.server.drain import Drain
from checkout_age.server.rollout import Rollout, Swap
from checkout_age.server.versions import NoSuchVersionError
from checkout_age.v1 import admin_pb2 as pb
from checkout_age.v1 import admin_pb2_grpc as pb_grpc

SERVICE = pb.DESCRIPTOR.services_by_name["AdminService"].full_name


class Admin(pb_grpc.AdminServiceServicer):
    """Hands an operator's wishes on to the rollout."""

    def __init__(self, rollout: Rollout, drain: Drain) -> None:
        self._rollout, self._drain = rollout, drain

    async def ListModels(
        self,
        request: pb.ListModelsRequest,  # noqa: ARG002  # it has no fields yet
        context: Any,
    ) -> pb.ListModelsResponse:
        """What there is."""
        async with _refusing(context):
            versions = self._rollout.versions
            pinned = await asyncio.to_thread(lambda: versions.pinned)
            folders = await asyncio.to_thread(versions.all)
            refused = await asyncio.to_thread(versions.refused.all)
        served = self._rollout.folder
        return pb.ListModelsResponse(
            models=[
                pb.ModelVersion(
                    version=folder.name,
                    served=folder == served,
                    pinned=folder.name == pinned,
                    refused=refused.get(folder.name, ""),
                )
                for folder in folders
            ]
        )

    async def SwapModel(self, request: pb.SwapModelRequest, context: Any) -> pb.SwapModelResponse:
        """Another version."""
        swap = await self._done(self._rollout.swap(request.version), context)
        return pb.SwapModelResponse(version=swap.after, previous_version=swap.before)

    async def RollBackModel(
        self,
        request: pb.RollBackModelRequest,  # noqa: ARG002  # it has no fields yet
        context: Any,
    ) -> pb.RollBackModelResponse:
        """The version before."""
        swap = await self._done(self._rollout.roll_back(), context)
        return pb.RollBackModelResponse(version=swap.after, previous_version=swap.before)

    async def _done(self, swapping: Coroutine[Any, Any, Swap], context: Any) -> Swap:
        """See a swap through, even where whoever asked for it goes away."""
        async with _refusing(context):
            task = asyncio.create_task(self._counted(swapping))
            return await asyncio.shield(task)
        raise AssertionError("abort raises")

    async def _counted(self, swapping: Coroutine[Any, Any, Swap]) -> Swap:
        """A drain waits for it, as for every call that runs."""
        try:
            with self._drain.call():
                return await swapping
        finally:
            swapping.close()


@asynccontextmanager
async def _refusing(context: Any) -> AsyncIterator[None]:
    """Tell an operator why a wish cannot be met."""
    async with answering(context):
        try:
            yield
        except NoSuchVersionError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except (BundleError, OSError) as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def register(admin: Admin, server: grpc.aio.Server) -> None:
    """Offer the service."""
    pb_grpc.add_AdminServiceServicer_to_server(admin, server)
