"""Messages: the bytes that were sent, as the message of a method, or why they are none."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.server.tensors import MOST_PHOTOS


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
        unknown = _unknown_fields(request)
        if not unknown:
            return request
        return Malformed(
            f"the request has no photo, but fields that {name_of(method)} does not know "
            f"({', '.join(map(str, unknown))}): was it made from another .proto?"
        )

    return parse_photo


def _unknown_fields(message: Any) -> list[int]:
    fields: Any = UnknownFieldSet(message)  # its stub does not know that it can be iterated
    return sorted({field.field_number for field in fields})


def photos_in(request: Any) -> int:
    """How many photos a request says that it holds; 1 where it cannot hold more."""
    if not isinstance(request, oip.ModelInferRequest) or not request.inputs:
        return 1
    shape = request.inputs[0].shape
    return min(max(1, shape[0]), MOST_PHOTOS) if shape else 1


def name_of(method: str) -> str:
    """The last part of a method's full name."""
    return method.rpartition("/")[2]
