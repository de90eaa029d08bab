"""Messages: the bytes that were sent, as the message of a method, or why they are none."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.server.tensors import MOST_PHOTOS

LOOKED_AT = 32
"""Fields of a message without a photo in which unknown ones are looked for: protobuf makes an
object of each unknown field, and a message can hold millions."""
NAMED = 5
"""Unknown fields that are told by number; gRPC ends calls whose status is longer than some KB."""


class Malformed:
    """Bytes that are no message of the kind that the method takes."""

    def __init__(self, why: str) -> None:
        self.why = why


def parser(method: str, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Deserializes to the message, or to Malformed instead of failing."""

    def parse(message: bytes) -> Any:
        try:
            return deserialize(message)
        except DecodeError:
            return Malformed(f"the bytes sent are no message that {name_of(method)} takes")

    return parse


def photo_parser(method: str, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """As parser; a request whose photo stands in a field that we do not know is told apart."""
    parse = parser(method, deserialize)

    def parse_photo(message: bytes) -> Any:
        request = parse(message)
        if isinstance(request, Malformed) or request.photo:
            return request
        unknown = _unknown_fields(deserialize, message)
        if not unknown:
            return request
        return Malformed(
            f"the request has no photo, but fields that {name_of(method)} does not know "
            f"({unknown}): was it made from another .proto?"
        )

    return parse_photo


def _unknown_fields(deserialize: Callable[[bytes], Any], message: bytes) -> str:
    """The numbers of the first fields that the message's type does not know; … where more may be.

    Empty where none is unknown.
    """
    end = _end_of_fields(message, LOOKED_AT)
    # its stub does not know that it can be iterated
    fields: Any = UnknownFieldSet(deserialize(message[:end]))
    numbers = sorted({field.field_number for field in fields})
    told = [str(number) for number in numbers[:NAMED]]
    if told and (len(numbers) > NAMED or end < len(message)):
        told.append("…")
    return ", ".join(told)


def _end_of_fields(message: bytes, most: int) -> int:
    """How many bytes the first fields take of a message that protobuf has read.

    It stops where a group begins: no .proto of today has any.
    """
    end = 0
    for _ in range(most):
        if end == len(message):
            break
        tag, after = _varint(message, end)
        match tag & 7:
            case 0:
                _, after = _varint(message, after)
            case 1:
                after += 8
            case 2:
                length, after = _varint(message, after)
                after += length
            case 5:
                after += 4
            case _:
                break
        end = after
    return end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a byte of a message, and where the next thing begins."""
    number = shift = 0
    while message[at] & 0x80:
        number |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | message[at] << shift, at + 1


def photos_in(request: Any) -> int:
    """How many photos a request says that it holds; 1 where it cannot hold more."""
    if not isinstance(request, oip.ModelInferRequest) or not request.inputs:
        return 1
    shape = request.inputs[0].shape
    return min(max(1, shape[0]), MOST_PHOTOS) if shape else 1


def name_of(method: str) -> str:
    """The last part of a method's full name."""
    return method.rpartition("/")[2]
