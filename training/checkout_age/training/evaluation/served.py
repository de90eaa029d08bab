"""What a running server says of labelled photos, to hold against what was measured without it."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from checkout_age.client.access import Access
from checkout_age.client.channel import open_channel
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.v1 import age_estimation_pb2 as pb
from checkout_age.v1 import age_estimation_pb2_grpc as pb_grpc

AT_ONCE = 8
PATIENCE = 60.0
"""Seconds that one answer may take."""


def served_ages(address: str, photos: Sequence[Path], access: Access) -> NDArray[np.float64]:
    """The age in years that the server at HOST:PORT tells of each photo, shape (n,).

    NaN where it refuses one, as too small, blurred or dark.

    Raises:
        FacesError: it does not answer.
        AccessError: its certificate or our token cannot be used.
    """
    with open_channel(address, access) as channel:
        stub = pb_grpc.AgeEstimationServiceStub(channel)
        try:
            return np.array(list(_answers(stub, photos)))
        except grpc.RpcError as error:
            raise FacesError(
                f"{address} does not answer: {error.code().name}, {error.details()}"
            ) from error


def _answers(stub: pb_grpc.AgeEstimationServiceStub, photos: Sequence[Path]) -> Iterator[float]:
    waiting: deque[Any] = deque()
    for photo in photos:
        if len(waiting) == AT_ONCE:
            yield _age(waiting.popleft().result())
        request = pb.EstimateAgeRequest(photo=photo.read_bytes())
        waiting.append(stub.EstimateAge.future(request, timeout=PATIENCE, wait_for_ready=False))
    while waiting:
        yield _age(waiting.popleft().result())


def _age(response: pb.EstimateAgeResponse) -> float:
    return response.estimate.age if response.HasField("estimate") else float("nan")
