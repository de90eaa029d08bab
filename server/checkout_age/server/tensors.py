"""Tensors: photos out of, and answers into, the messages of the Open Inference Protocol v2."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.server.age import YEARS
from checkout_age.v1 import age_estimation_pb2 as pb

PHOTO = "PHOTO"
BYTES = "BYTES"
MOST_PHOTOS = 64
"""In one request."""
LENGTH = 4
"""Bytes before each element of BYTES that tell its length, little-endian."""
TENSORS_AS_TOLD = "ModelMetadata tells the tensors"


class TensorError(ValueError):
    """The request's tensors are not those of the model; sending them again will not help."""


@dataclass(frozen=True)
class Output:
    """One tensor that comes out, a row for each photo."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    """Of one row."""
    encoded: Callable[[Sequence[pb.EstimateAgesResponse]], bytes]


def _numbers(
    value: Callable[[pb.AgeEstimate], Iterable[float]], width: int, kind: str
) -> Callable[[Sequence[pb.EstimateAgesResponse]], bytes]:
    def encoded(answers: Sequence[pb.EstimateAgesResponse]) -> bytes:
        rows = np.full((len(answers), width), np.nan, kind)
        for row, answer in zip(rows, answers, strict=True):
            if answer.HasField("estimate"):
                row[:] = list(value(answer.estimate))
        return rows.tobytes()

    return encoded


def _texts(
    value: Callable[[pb.EstimateAgesResponse], str],
) -> Callable[[Sequence[pb.EstimateAgesResponse]], bytes]:
    def encoded(answers: Sequence[pb.EstimateAgesResponse]) -> bytes:
        return b"".join(with_length(value(answer).encode()) for answer in answers)

    return encoded


def _problem(answer: pb.EstimateAgesResponse) -> str:
    return pb.Problem.Name(answer.problem.problem) if answer.HasField("problem") else ""


OUTPUTS = (
    Output("AGE", "FP64", (), _numbers(lambda found: [found.age], 1, "<f8")),
    Output("AGE_LOW", "FP64", (), _numbers(lambda found: [found.age_low], 1, "<f8")),
    Output("AGE_HIGH", "FP64", (), _numbers(lambda found: [found.age_high], 1, "<f8")),
    Output("AGE_GROUP", BYTES, (), _texts(lambda answer: answer.estimate.age_group.label)),
    Output(
        "AGE_DISTRIBUTION",
        "FP32",
        (YEARS,),
        _numbers(lambda found: found.age_distribution, YEARS, "<f4"),
    ),
    Output("PROBLEM", BYTES, (), _texts(_problem)),
    Output("MESSAGE", BYTES, (), _texts(lambda answer: answer.problem.message)),
)
"""What the contract's own answer says; a photo that was not scored has NaN and empty texts."""
BY_NAME = {output.name: output for output in OUTPUTS}


def photos_of(request: oip.ModelInferRequest) -> list[bytes]:
    """The photos of a request, in order. Raises TensorError."""
    if len(request.inputs) != 1 or request.inputs[0].name != PHOTO:
        raise TensorError(f"one input named {PHOTO} is expected; {TENSORS_AS_TOLD}")
    if len(request.raw_input_contents) > 1:
        raise TensorError(
            f"the one input has one raw content, got {len(request.raw_input_contents)}"
        )
    tensor = request.inputs[0]
    count = _photos_by_shape(tensor)
    if request.raw_input_contents:
        photos = list(islice(elements(request.raw_input_contents[0]), count + 1))
        found = str(len(photos)) if len(photos) <= count else f"more than {count}"
    else:
        photos = list(islice(tensor.contents.bytes_contents, count + 1))
        found = str(len(tensor.contents.bytes_contents))
    if len(photos) != count:
        raise TensorError(f"{PHOTO} has {found} elements, its shape says {count}")
    return photos


def _photos_by_shape(tensor: oip.ModelInferRequest.InferInputTensor) -> int:
    """How many photos a tensor says that it holds, 1..MOST_PHOTOS. Raises TensorError."""
    axes = len(tensor.shape)
    if tensor.datatype != BYTES or axes not in {1, 2} or list(tensor.shape[1:]) not in ([], [1]):
        raise TensorError(f"{PHOTO} is of {BYTES} and of the shape [n] or [n, 1]")
    count = tensor.shape[0]
    if not 1 <= count <= MOST_PHOTOS:
        raise TensorError(f"1 to {MOST_PHOTOS} photos are taken at once, got {count}")
    return count


def outputs_of(request: oip.ModelInferRequest) -> tuple[Output, ...]:
    """The outputs that are wanted; all where none is named. Raises TensorError."""
    if not request.outputs:
        return OUTPUTS
    if len(request.outputs) > len(OUTPUTS):  # each that is named is written, and takes its room
        raise TensorError(
            f"{len(request.outputs)} outputs are named, there are {len(OUTPUTS)}: name each once"
        )
    names = [wanted.name for wanted in request.outputs]
    if any(name not in BY_NAME for name in names):
        raise TensorError(f"there is no output of that name among {', '.join(BY_NAME)}")
    if len(set(names)) < len(names):
        raise TensorError(f"an output is named twice: name each of {', '.join(BY_NAME)} once")
    return tuple(BY_NAME[name] for name in names)


def fill(
    response: oip.ModelInferResponse,
    outputs: Iterable[Output],
    answers: Sequence[pb.EstimateAgesResponse],
) -> None:
    """Put the answers into the outputs."""
    for output in outputs:
        response.outputs.add(
            name=output.name, datatype=output.datatype, shape=(len(answers), *output.shape)
        )
        response.raw_output_contents.append(output.encoded(answers))


def elements(raw: bytes) -> Iterator[bytes]:
    """The elements of a tensor of BYTES, each cut out when it is asked for. Raises TensorError."""
    place = 0
    while place < len(raw):
        start = place + LENGTH
        place = start + int.from_bytes(raw[place:start], "little")
        if start > len(raw) or place > len(raw):
            raise TensorError(f"{PHOTO} ends within an element: its length does not fit")
        yield raw[start:place]


def with_length(element: bytes) -> bytes:
    """One element of a tensor of BYTES."""
    return len(element).to_bytes(LENGTH, "little") + element
