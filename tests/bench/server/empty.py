"""A server whose handler does nothing: what gRPC itself costs.

python -m tests.bench.server.empty PORT
"""

import sys
from typing import Any

import grpc
import uvloop

from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc


class Empty(pb_grpc.AgeEstimationServiceServicer):
    async def EstimateAge(
        self, request: pb.EstimateAgeRequest, context: Any
    ) -> pb.EstimateAgeResponse:
        return pb.EstimateAgeResponse()


async def main(port: int) -> None:
    server = grpc.aio.server()
    ages = Empty()  # type: ignore[abstract]  # only the one call is asked
    pb_grpc.add_AgeEstimationServiceServicer_to_server(ages, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    # as the server has it
    uvloop.run(main(int(sys.argv[1])))
