"""AgeEstimationService: the contract's calls, each handed on to the scorer."""

import asyncio
from collections.abc import AsyncIterable, Sequence
from contextlib import aclosing
from typing import Any

import grpc

from checkout_age.server import wire
from checkout_age.server.admission import Admission
from checkout_age.server.answering import answering
from checkout_age.server.check import ALLOWED, AgeRule
from checkout_age.server.drain import Drain
from checkout_age.server.face import FaceError
from checkout_age.server.photo import PhotoError, PhotoLimits
from checkout_age.server.queue import Urgency
from checkout_age.server.rollout import Rollout
from checkout_age.server.runtime import LARGEST_BATCH
from checkout_age.server.served import Served
from checkout_age.server.stream import Stream
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

IN_FLIGHT = 2 * LARGEST_BATCH
"""Photos of one stream that are worked on or wait to be taken; more are not read before."""

ANSWERED = (PhotoError, FaceError)
"""What is an answer where one photo must not fail its neighbours."""


class AgeEstimation(pb_grpc.AgeEstimationServiceServicer):
    """Lets calls in, has their photos scored and puts the outcome into the contract's words."""

    def __init__(
        self,
        rollout: Rollout,
        admission: Admission,
        drain: Drain,
        limits: PhotoLimits,
        allowed: float = ALLOWED,
        *,
        max_call_seconds: float,
        max_stream_silence: float,
    ) -> None:
        """`allowed` is the probability of being under age up to which CheckAge says CLEAR.

        A call that is answered with one message is ended after `max_call_seconds`, a stream that
        sends nothing and waits for nothing after `max_stream_silence` seconds (0: never).
        """
        self._rollout, self._admission, self._drain = rollout, admission, drain
        self._limits, self._allowed = limits, allowed
        self._most_seconds, self._most_silence = max_call_seconds, max_stream_silence

    async def EstimateAge(
        self, request: pb.EstimateAgeRequest, context: Any
    ) -> pb.EstimateAgeResponse:
        """One photo for a till."""
        response = pb.EstimateAgeResponse()
        async with answering(context):
            with (
                self._drain.call(),
                self._rollout.answering() as served,
                self._admission.till(self._left(context)),
            ):
                await _fill(response, served, request.photo, Urgency.TILL, answered=(FaceError,))
        return response

    async def CheckAge(self, request: pb.CheckAgeRequest, context: Any) -> pb.CheckAgeResponse:
        """One photo for staff who may have to ask for ID."""
        async with answering(context):
            rule = AgeRule(request.minimum_age, self._allowed)
            with (
                self._drain.call(),
                self._rollout.answering() as served,
                self._admission.till(self._left(context)),
            ):
                try:
                    scored = await served.scorer.score(request.photo, Urgency.TILL)
                except FaceError as error:
                    response = wire.cannot_tell(error, rule)
                else:
                    response = wire.to_check(scored, rule)
                response.model_version = served.bundle.version
        return response

    async def EstimateAges(  # type: ignore[override]  # the stub does not know coroutines that write
        self, requests: AsyncIterable[pb.EstimateAgesRequest], context: Any
    ) -> None:
        """A stream of photos for the night."""
        async with answering(context):
            with self._drain.call(), self._admission.stream():
                self.ready()
                stream = Stream(
                    requests,
                    self._one_of_many,
                    at_once=IN_FLIGHT,
                    room=self._admission.photos,
                    drain=self._drain,
                    most_silence=self._most_silence,
                )
                async with aclosing(stream.answers()) as answers:
                    async for answer in answers:
                        await context.write(answer)

    async def _one_of_many(self, request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        with self._rollout.answering() as served:
            response = await self._night_outcome(served, request.photo)
        response.id = request.id
        return response

    async def GetModel(
        self,
        request: pb.GetModelRequest,  # noqa: ARG002  # it has no fields yet
        context: Any,
    ) -> pb.GetModelResponse:
        """What is served."""
        async with answering(context):
            with self._drain.call():
                served = self.ready()
        return wire.to_model(served.bundle, served.groups, self._limits)

    async def outcomes(
        self, photos: Sequence[bytes], context: Any
    ) -> list[pb.EstimateAgesResponse]:
        """The outcomes of the photos of one call, all by one model.

        Photos whose bytes cannot be read have one, too. One photo is a till's; several are taken
        up as a stream's are.

        Raises:
            OverloadedError: they would come too late.
        """
        remaining = self._left(context)
        with self._drain.call(), self._rollout.answering() as served:
            if len(photos) == 1:
                return [await self._till_outcome(served, photos[0], remaining)]

            async def one(photo: bytes) -> pb.EstimateAgesResponse:
                async with self._admission.photos:
                    return await self._night_outcome(served, photo)

            with self._admission.call(len(photos), remaining):
                async with asyncio.TaskGroup() as tasks:
                    answers = [tasks.create_task(one(photo)) for photo in photos]
            return [answer.result() for answer in answers]

    @property
    def served(self) -> Served | None:
        """What is served; None while the first model loads."""
        return self._rollout.served

    @property
    def takes_photos(self) -> bool:
        """Whether calls are let in: a model is served and the drain has not begun."""
        return self.served is not None and not self._drain.draining

    def ready(self) -> Served:
        """What is served. Raises ModelNotReadyError."""
        return self._rollout.require_ready()

    def _left(self, context: Any) -> float:
        """Seconds in which a call can still be answered: the client's, but no more than ours."""
        remaining: float | None = context.time_remaining()
        return self._most_seconds if remaining is None else min(remaining, self._most_seconds)

    async def _night_outcome(self, served: Served, photo: bytes) -> pb.EstimateAgesResponse:
        response = pb.EstimateAgesResponse()
        with self._admission.photo():
            await _fill(response, served, photo, Urgency.NIGHT, answered=ANSWERED)
        return response

    async def _till_outcome(
        self, served: Served, photo: bytes, remaining: float | None
    ) -> pb.EstimateAgesResponse:
        response = pb.EstimateAgesResponse()
        try:
            with self._admission.till(remaining):  # what is no photo passes, and teaches no pace
                await _fill(response, served, photo, Urgency.TILL, answered=(FaceError,))
        except PhotoError as error:
            response.problem.CopyFrom(wire.to_problem(error))
        return response


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
