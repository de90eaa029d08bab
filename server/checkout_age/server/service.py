"""AgeEstimationService: the contract's calls, each handed on to the scorer."""

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

import grpc

from checkout_age.server import wire
from checkout_age.server.age import AgeGroups
from checkout_age.server.answering import ModelNotReadyError, answering
from checkout_age.server.bundle import Bundle
from checkout_age.server.face import FaceError
from checkout_age.server.photo import PhotoError, PhotoLimits
from checkout_age.server.queue import Urgency
from checkout_age.server.runtime import LARGEST_BATCH
from checkout_age.server.scorer import Scorer
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

IN_FLIGHT = 2 * LARGEST_BATCH
"""Photos of one stream that are worked on at once; the next is read when one is answered."""

ANSWERED = (PhotoError, FaceError)
"""What is an answer where one photo must not fail its neighbours."""


@dataclass(frozen=True)
class Served:
    """A model that is ready to answer."""

    bundle: Bundle
    scorer: Scorer
    groups: AgeGroups


class AgeEstimation(pb_grpc.AgeEstimationServiceServicer):
    """Answers UNAVAILABLE until `served` is set."""

    def __init__(self, limits: PhotoLimits) -> None:
        self.served: Served | None = None
        self._limits = limits

    async def EstimateAge(
        self, request: pb.EstimateAgeRequest, context: Any
    ) -> pb.EstimateAgeResponse:
        """One photo for a till."""
        response = pb.EstimateAgeResponse()
        async with answering(context):
            await _fill(response, self.ready(), request.photo, Urgency.TILL, answered=(FaceError,))
        return response

    async def EstimateAges(  # type: ignore[override]  # the stub does not know coroutines that write
        self, requests: AsyncIterable[pb.EstimateAgesRequest], context: Any
    ) -> None:
        """A stream of photos for the night."""
        async with answering(context):
            served = self.ready()
            free = asyncio.Semaphore(IN_FLIGHT)
            writing = asyncio.Lock()

            async def answer(request: pb.EstimateAgesRequest) -> None:
                try:
                    response = pb.EstimateAgesResponse(id=request.id)
                    await _fill(response, served, request.photo, Urgency.NIGHT, answered=ANSWERED)
                    async with writing:
                        await context.write(response)
                finally:
                    free.release()

            async with asyncio.TaskGroup() as photos:
                await free.acquire()
                async for request in requests:
                    photos.create_task(answer(request))
                    await free.acquire()

    async def GetModel(
        self,
        request: pb.GetModelRequest,  # noqa: ARG002  # it has no fields yet
        context: Any,
    ) -> pb.GetModelResponse:
        """What is served."""
        async with answering(context):
            served = self.ready()
        return wire.to_model(served.bundle, served.groups, self._limits)

    async def outcome(self, photo: bytes, urgency: Urgency) -> pb.EstimateAgesResponse:
        """One photo's outcome, which is an answer even where its bytes cannot be read."""
        response = pb.EstimateAgesResponse()
        await _fill(response, self.ready(), photo, urgency, answered=ANSWERED)
        return response

    def ready(self) -> Served:
        """What is served. Raises ModelNotReadyError."""
        if self.served is None:
            raise ModelNotReadyError("the model is still loading, try again in a few seconds")
        return self.served


async def _fill(
    response: pb.EstimateAgeResponse | pb.EstimateAgesResponse,
    served: Served,
    photo: bytes,
    urgency: Urgency,
    answered: tuple[type[PhotoError | FaceError], ...],
) -> None:
    """Put the photo's outcome into the response; errors that are not to be answered pass on."""
    response.model_version = served.bundle.version
    try:
        scored = await served.scorer.score(photo, urgency)
    except answered as error:
        response.problem.CopyFrom(wire.to_problem(error))
    else:
        response.estimate.CopyFrom(wire.to_estimate(scored, served.groups))


def service_name() -> str:
    """The full name under which health and reflection know the service."""
    return str(pb.DESCRIPTOR.services_by_name["AgeEstimationService"].full_name)


def register(service: AgeEstimation, server: grpc.aio.Server) -> None:
    """Offer the service on a server."""
    pb_grpc.add_AgeEstimationServiceServicer_to_server(service, server)
