"""LitServe, as its documentation says: setup, decode, predict, encode; a worker a core.

BENCH_MODEL=MODEL python -m tests.bench.server.peer_litserve PORT
"""

import sys

import litserve
from fastapi import Request

from tests.bench.server.peer_pipeline import CORES, Pipeline


class Ages(litserve.LitAPI):  # type: ignore[misc]  # of the extra bench
    def setup(self, device: str) -> None:
        self.pipeline = Pipeline()

    def decode_request(self, request: Request) -> bytes:
        content: bytes = request["request"].file.read()
        return content

    def predict(self, photo: bytes) -> dict[str, float]:
        return self.pipeline.age(photo)

    def encode_response(self, told: dict[str, float]) -> dict[str, float]:
        return told


if __name__ == "__main__":
    server = litserve.LitServer(Ages(), accelerator="cpu", workers_per_device=CORES, timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
