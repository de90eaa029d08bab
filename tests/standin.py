"""A stand-in for the server: the real gRPC stream, and ages out of the photos' bytes alone.

The same photo always gets the same answer, so that nights scored on different ways can be compared.
As a process of its own: python -m tests.standin --port 0 --port-file FILE
"""

import argparse
import hashlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

STARTS = (0, 13, 18, 25, 35, 45, 55, 65)
LABELS = ("0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
GROUPS = [
    pb.AgeGroup(youngest=start, oldest=(*STARTS[1:], 101)[i] - 1, label=LABELS[i])
    for i, start in enumerate(STARTS)
]
Answer = pb.EstimateAgesResponse
Behaviour = Callable[[pb.EstimateAgesRequest], pb.EstimateAgesResponse | None]
"""Answers a photo; None keeps silent about it."""


def estimate_of(photo: bytes, model_version: str = "stand-in") -> pb.EstimateAgesResponse:
    """An answer that follows from the bytes: `no face` keeps its word, all else has an age."""
    if not photo:
        problem = pb.PhotoProblem(problem=pb.PROBLEM_EMPTY_PHOTO, message="the photo is empty")
        return Answer(problem=problem, model_version=model_version)
    if photo.startswith(b"no face"):
        problem = pb.PhotoProblem(problem=pb.PROBLEM_NO_FACE, message="no face was found")
        return Answer(problem=problem, model_version=model_version)
    return _ESTIMATES[hashlib.sha256(photo + model_version.encode()).digest()[0] % 90](
        model_version
    )


def _estimate(age: int) -> Callable[[str], pb.EstimateAgesResponse]:
    distribution = [0.0] * 101
    for year, share in ((age, 0.5), (age + 1, 0.25), (age + 5, 0.25)):
        distribution[year] += share
    shares = [sum(distribution[group.youngest : group.oldest + 1]) for group in GROUPS]
    estimate = pb.AgeEstimate(
        age=age + 0.5,
        age_low=max(age - 8.0, 0),
        age_high=age + 8.0,
        age_group=GROUPS[shares.index(max(shares))],
        age_group_probabilities=[
            pb.AgeGroupProbability(age_group=group, probability=share)
            for group, share in zip(GROUPS, shares, strict=True)
        ],
        age_distribution=distribution,
        face=pb.FaceBox(left=1, top=1, width=90, height=90),
        faces_found=1,
    )

    def answer(model_version: str) -> pb.EstimateAgesResponse:
        return Answer(estimate=estimate, model_version=model_version)

    return answer


_ESTIMATES = [_estimate(age) for age in range(90)]


class StandIn(pb_grpc.AgeEstimationServiceServicer):
    """Answers each photo of a stream, and counts what it saw."""

    def __init__(self, behaviour: Behaviour | None = None, model_version: str = "stand-in") -> None:
        self.model_version = model_version
        self.behaviour = behaviour or (lambda request: estimate_of(request.photo, model_version))
        self.photos: list[bytes] = []
        """Heads of all photos that came, in the order of their coming."""
        self.streams = 0

    def EstimateAge(self, request: pb.EstimateAgeRequest, context: Any) -> pb.EstimateAgeResponse:
        answer = estimate_of(request.photo, self.model_version)
        return pb.EstimateAgeResponse(estimate=answer.estimate, model_version=self.model_version)

    def EstimateAges(
        self, request_iterator: Iterator[pb.EstimateAgesRequest], context: Any
    ) -> Iterator[pb.EstimateAgesResponse]:
        self.streams += 1
        for request in request_iterator:
            self.photos.append(request.photo[:40])
            answer = self.behaviour(request)
            if answer is not None:
                answer.id = request.id
                yield answer

    def CheckAge(self, request: pb.CheckAgeRequest, context: Any) -> pb.CheckAgeResponse:
        return pb.CheckAgeResponse(
            check=pb.AGE_CHECK_CHALLENGE, model_version=self.model_version
        )  # no night asks for it

    def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        return pb.GetModelResponse(
            name="stand-in",
            version=self.model_version,
            age_groups=GROUPS,
            max_photo_bytes=1 << 20,
        )


@contextmanager
def serving_stand_in(stand_in: StandIn | None = None, port: int = 0) -> Iterator[str]:
    """Serve on a port of loopback for the block; gives the address. It ends at once, undrained."""
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    pb_grpc.add_AgeEstimationServiceServicer_to_server(stand_in or StandIn(), server)
    healthy = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    for name in ("", "checkout_age.v1.AgeEstimationService"):
        healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        server.stop(None).wait()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--milliseconds", type=float, default=0, help="that each photo takes")
    given = parser.parse_args()
    pause = given.milliseconds / 1e3

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if pause:
            time.sleep(pause)
        return estimate_of(request.photo)

    with serving_stand_in(StandIn(behave), given.port) as address:
        written = given.port_file.with_suffix(".new")
        written.write_text(address)
        written.replace(given.port_file)
        threading.Thread(target=sys.stdin.buffer.read).run()


if __name__ == "__main__":
    main()
