"""GRPCInferenceService: the same answers for clients of the Open Inference Protocol v2."""

from importlib.metadata import version
from typing import Any

import grpc

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.inference import open_inference_pb2_grpc as oip_grpc
from checkout_age.server.answering import NoSuchModelError, answering
from checkout_age.server.service import AgeEstimation
from checkout_age.server.tensors import BYTES, OUTPUTS, PHOTO, fill, outputs_of, photos_of

PLATFORM = "checkout-age"


class Inference(oip_grpc.GRPCInferenceServiceServicer):
    """Answers with what AgeEstimation answers."""

    def __init__(self, ages: AgeEstimation) -> None:
        self._ages = ages

    async def ServerLive(
        self, request: oip.ServerLiveRequest, context: Any
    ) -> oip.ServerLiveResponse:
        """Whether there is an answer at all."""
        return oip.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: oip.ServerReadyRequest, context: Any
    ) -> oip.ServerReadyResponse:
        """Whether a model is loaded; no more once the server is stopping."""
        return oip.ServerReadyResponse(ready=self._ages.takes_photos)

    async def ModelReady(
        self, request: oip.ModelReadyRequest, context: Any
    ) -> oip.ModelReadyResponse:
        """Whether it is the model that is served; no more once the server is stopping."""
        ready = self._ages.takes_photos and self._serves(request.name, request.version)
        return oip.ModelReadyResponse(ready=ready)

    async def ServerMetadata(
        self, request: oip.ServerMetadataRequest, context: Any
    ) -> oip.ServerMetadataResponse:
        """What answers."""
        return oip.ServerMetadataResponse(name=PLATFORM, version=version(PLATFORM))

    async def ModelMetadata(
        self, request: oip.ModelMetadataRequest, context: Any
    ) -> oip.ModelMetadataResponse:
        """The tensors."""
        async with answering(context):
            self._require(request.name, request.version)
            bundle = self._ages.ready().bundle
        described = oip.ModelMetadataResponse(
            name=bundle.facts.name, versions=[bundle.version], platform=PLATFORM
        )
        described.inputs.add(name=PHOTO, datatype=BYTES, shape=[-1])
        for output in OUTPUTS:
            described.outputs.add(
                name=output.name, datatype=output.datatype, shape=(-1, *output.shape)
            )
        return described

    async def ModelInfer(
        self, request: oip.ModelInferRequest, context: Any
    ) -> oip.ModelInferResponse:
        """The ages in some photos."""
        response = oip.ModelInferResponse(id=request.id)
        async with answering(context):
            self._require(request.model_name, request.model_version)
            outputs, photos = outputs_of(request), photos_of(request)
            response.model_name = self._ages.ready().bundle.facts.name
            answers = await self._ages.outcomes(photos, context)
            response.model_version = answers[0].model_version
            fill(response, outputs, answers)
        return response

    def _serves(self, name: str, wanted: str) -> bool:
        served = self._ages.served
        return served is not None and (
            name == served.bundle.facts.name and wanted in {"", served.bundle.version}
        )

    def _require(self, name: str, wanted: str) -> None:
        served = self._ages.ready().bundle
        if not self._serves(name, wanted):
            raise NoSuchModelError(
                f"the model {served.facts.name} is served in version {served.version}, no other"
            )


def register_inference(ages: AgeEstimation, server: grpc.aio.Server) -> str:
    """Offer the service on a server; gives its full name."""
    oip_grpc.add_GRPCInferenceServiceServicer_to_server(Inference(ages), server)
    return inference_name()


def inference_name() -> str:
    """The full name under which health and reflection know the service."""
    return str(oip.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name)
