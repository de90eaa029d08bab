"""What a tutorial would write: gRPC threads, and Keras' `predict` for each request.

    python -m tests.bench.server.tutorial MODEL PORT

The same photos, face finder, chips and network as this server's; everything else is as the gRPC
basics tutorial and Keras' guide have it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from checkout_age.server.age import AgeDistribution
from checkout_age.server.bundle import find_bundle, read_bundle
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.network import build_network, fill
from checkout_age.server.shopper import ShopperFinder
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc


class Tutorial(pb_grpc.AgeEstimationServiceServicer):
    def __init__(self, model: Path) -> None:
        bundle = read_bundle(find_bundle(model))
        self.network = build_network(bundle.facts.chip_side)
        fill(self.network, bundle.weights)
        faces = FaceFinder(crowds=False)
        faces.ready()
        self.shoppers = ShopperFinder(faces, bundle.facts.chip_side)

    def EstimateAge(self, request: pb.EstimateAgeRequest, context: Any) -> pb.EstimateAgeResponse:
        chip = self.shoppers.find(request.photo).chip
        logits = self.network.predict(chip[None].astype(np.float32), verbose=0)[0]
        age = AgeDistribution.from_logits(logits).age
        return pb.EstimateAgeResponse(estimate=pb.AgeEstimate(age=age))


def main(model: Path, port: int) -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=10))
    ages = Tutorial(model)  # type: ignore[abstract]  # only the one call is asked
    pb_grpc.add_AgeEstimationServiceServicer_to_server(ages, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
