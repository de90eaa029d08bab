"""Messages: the bytes that were sent, as the message of a method, or why they are none."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.server.tensors import MOST_PHOTOS

MOST_FIELDS = 200
"""Of one message, several times what any method has a use for: protobuf makes more than its own
size in objects out of a message of nothing but fields, and holds everybody up meanwhile."""
NAMED = 5
"""Unknown fields that are told by number; gRPC ends calls whose status is longer than some KB."""
CONTINUED = 0x80
"""Bytes from here on are followed by another one of the same number."""


class Malformed:
    """Bytes that are no message of the kind that the method takes."""

    def __init__(self, why: str) -> None:
        self.why = why


def parser(method: str, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Deserializes to the message, or to Malformed instead of failing."""
    wrong = f"the bytes sent are no message that {name_of(method)} takes"

    def parse(message: bytes) -> Any:
        if _has_more_fields(message, MOST_FIELDS):
            return Malformed(f"{wrong}: they have more than {MOST_FIELDS} fields")
        try:
            return deserialize(message)
        except DecodeError:
            return Malformed(wrong)

    return parse


def photo_parser(method: str, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """As parser; a request whose photo stands in a field that we do not know is told apart."""
    parse = parser(method, deserialize)

    def parse_photo(message: bytes) -> Any:
        request = parse(message)
        if isinstance(request, Malformed) or request.photo:
            return request
        unknown = _unknown_fields(request)
        if not unknown:
            return request
        return Malformed(
            f"the request has no photo, but fields that {name_of(method)} does not know "
            f"({unknown}): was it made from another .proto?"
        )

    return parse_photo


def _unknown_fields(message: Any) -> str:
    """The numbers of the first few fields that the message's type does not know."""
    fields: Any = UnknownFieldSet(message)  # its stub does not know that it can be iterated
    numbers = sorted({field.field_number for field in fields})
    return ", ".join(map(str, numbers[:NAMED])) + (", …" if len(numbers) > NAMED else "")


def _has_more_fields(message: bytes, most: int) -> bool:
    """Whether protobuf would find more fields in a message than so many.

    Those of messages in it are not counted, those of groups are. Bytes that are no message are
    left to protobuf, which goes no further than to where they are wrong.
    """
    at = 0
    for _ in range(most):
        if at >= len(message):
            return False
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                at += length
            case 5:
                at += 4
            case 6 | 7:  # there are none: these are other bytes
                return False
    return at < len(message)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that stands at a byte of a message, and where the next thing begins."""
    if at < len(message) and (byte := message[at]) < CONTINUED:  # most are that short
        return byte, at + 1
    number = 0
    for place, byte in enumerate(message[at : at + 10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < CONTINUED:
            return number, at + place + 1
    return number, len(message)  # it does not end


def photos_in(request: Any) -> int:
    """How many photos a request says that it holds; 1 where it cannot hold more."""
    if not isinstance(request, oip.ModelInferRequest) or not request.inputs:
        return 1
    shape = request.inputs[0].shape
    return min(max(1, shape[0]), MOST_PHOTOS) if shape else 1


def name_of(method: str) -> str:
    """The last part of a method's full name."""
    return method.rpartition("/")[2]
