"""Inputs: photo bytes and protobuf messages that are wrong in every way, each made of a number."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from checkout_age.inference import open_inference_pb2 as oip
from checkout_age.v1 import age_estimation_pb2 as pb

AGES = "/checkout_age.v1.AgeEstimationService/"
INFERENCE = "/inference.GRPCInferenceService/"
ADMIN = "/checkout_age.v1.AdminService/"
STREAM = f"{AGES}EstimateAges"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
WATCH = "/grpc.health.v1.Health/Watch"
METHODS = (
    *(f"{ADMIN}{name}" for name in ("ListModels", "SwapModel", "RollBackModel")),
    *(f"{AGES}{name}" for name in ("EstimateAge", "CheckAge", "GetModel", "EstimateShoeSize")),
    *(f"{INFERENCE}{name}" for name in ("ModelInfer", "ModelReady", "ModelMetadata")),
    *("/grpc.health.v1.Health/Check", WATCH, STREAM, REFLECTION),
)
HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\x00\x00\x00WEBPVP8 ", b"GIF89a", b"BM")
STREAMED, ALONE = 0.7, 0.85
"""Up to the first share inputs are photos in a stream, up to the second photos in calls of their
own, and the rest are messages."""
CHECKED = 0.3
"""Of photos in calls of their own, the share that asks for a check."""


@dataclass(frozen=True)
class Input:
    """One input: bytes for a method, or a photo for a stream."""

    method: str
    """Empty: a photo that goes into the stream."""
    content: bytes


def made_of(number: int) -> Input:
    """The input that a number stands for, always the same."""
    chance = random.Random(number)
    share = chance.random()
    if share < STREAMED:
        return Input("", photo(chance))
    if share < ALONE:
        content = field(1, photo(chance))
        if chance.random() < CHECKED:
            return Input(f"{AGES}CheckAge", content + b"\x10" + varint(chance.randrange(130)))
        return Input(f"{AGES}EstimateAge", content)
    return Input(chance.choice(METHODS), message(chance))


def photo(chance: random.Random) -> bytes:
    """Bytes that are nearly a photo, or far from one."""
    (way,) = chance.choices(*PHOTOS)
    return way(chance)


def message(chance: random.Random) -> bytes:
    """Bytes that are nearly a message, or far from one."""
    way = chance.choice(MESSAGES)
    return way(chance)


@cache
def whole_photos() -> Sequence[bytes]:
    """Small photos of every form that is read."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 4)).astype(np.uint8)
    image = Image.fromarray(noise, "RGBA")
    forms: list[tuple[Image.Image, str, dict[str, object]]] = [
        (image.convert("RGB"), "JPEG", {"quality": 60}),
        (image.convert("RGB"), "JPEG", {"progressive": True, "exif": exif()}),
        (image.convert("L"), "JPEG", {}),
        (image.convert("CMYK"), "JPEG", {}),
        (image, "PNG", {}),
        (image.convert("P"), "PNG", {}),
        (image.convert("I;16"), "PNG", {}),
        (image.convert("RGB"), "WEBP", {"quality": 50}),
        (image, "WEBP", {"lossless": True}),
    ]
    return tuple(saved(*form) for form in forms)


def photos_of_every_shape() -> Sequence[bytes]:
    """Noise of each shape for which the face finder keeps networks."""
    shapes = ((96, 160), (128, 160), (160, 160), (160, 128), (160, 96))
    chance = np.random.default_rng(0)
    noises = (chance.integers(0, 256, (*shape, 3)).astype(np.uint8) for shape in shapes)
    return [saved(Image.fromarray(noise), "JPEG", {}) for noise in noises]


def saved(image: Image.Image, file_format: str, options: dict[str, object]) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def exif() -> Image.Exif:
    turned = Image.Exif()
    turned[0x0112] = 6
    return turned


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(300))


def headed_noise(chance: random.Random) -> bytes:
    return chance.choice(HEADS) + noise(chance)


def cut_short(chance: random.Random) -> bytes:
    whole = chance.choice(whole_photos())
    return whole[: chance.randrange(len(whole))]


def bits_flipped(chance: random.Random, whole: bytes | None = None) -> bytes:
    content = bytearray(chance.choice(whole_photos()) if whole is None else whole)
    for _ in range(chance.randrange(1, 16)):
        content[chance.randrange(min(len(content), 600))] ^= 1 << chance.randrange(8)
    return bytes(content)


def length_wrong(chance: random.Random) -> bytes:
    """A size, length or count of the header that is anything."""
    content = bytearray(chance.choice(whole_photos()))
    place = chance.randrange(min(len(content) - 4, 64))
    content[place : place + 4] = chance.choice(
        (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", chance.randbytes(4))
    )
    return bytes(content)


def spliced(chance: random.Random) -> bytes:
    first, second = chance.sample(whole_photos(), 2)
    return first[: chance.randrange(len(first))] + second[chance.randrange(len(second)) :]


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, as protobuf writes it."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def any_fields(chance: random.Random) -> bytes:
    """Fields of any number and wire type."""
    parts = []
    for _ in range(chance.randrange(1, 6)):
        number, kind = chance.choice((1, 2, 3, 5, 7, 15, 16, 2**29 - 1)), chance.randrange(8)
        content = {
            0: varint(chance.getrandbits(64)),
            1: chance.randbytes(8),
            2: varint(chance.choice((0, 3, 40, 2**31))) + noise(chance),
            5: chance.randbytes(4),
        }.get(kind, b"")
        parts.append(varint(number << 3 | kind) + content)
    return b"".join(parts)


def endless_varint(chance: random.Random) -> bytes:
    return b"\x0a" + b"\xff" * chance.randrange(1, 30)


def nested(chance: random.Random) -> bytes:
    """Groups within messages within messages, deeper than anybody needs."""
    content = b""
    for _ in range(chance.randrange(1, 200)):
        content = field(chance.choice((1, 5, 7)), content)[:4000]
    return content


def tensors(chance: random.Random) -> bytes:
    """A request for inference with one thing or another wrong."""
    request = oip.ModelInferRequest(
        model_name=chance.choice(("distilled", "", "other", "\x00")), id=str(chance.random())
    )
    for _ in range(chance.choice((0, 1, 1, 1, 2))):
        request.inputs.add(
            name=chance.choice(("PHOTO", "photo", "")),
            datatype=chance.choice(("BYTES", "FP32", "")),
            shape=[
                chance.choice((-(2**63), -1, 0, 1, 2, 2**62)) for _ in range(chance.randrange(4))
            ],
        )
    for _ in range(chance.randrange(3)):
        request.raw_input_contents.append(
            chance.choice((noise, cut_short, lambda c: b"\xff\xff\xff\x7f" + noise(c)))(chance)
        )
    for _ in range(chance.randrange(2)):
        request.outputs.add(name=chance.choice(("AGE", "PROBLEM", "", "SHOE_SIZE")))
    return request.SerializeToString()


def version(chance: random.Random) -> bytes:
    """A request for a version of a model that is not there, or nowhere near the models folder."""
    name = chance.choice(("", "..", ".", "/", "../../etc/passwd", "serve", "\x00", "v" * 5000, "🂡"))
    return field(1, name.encode()) + chance.choice((b"", noise(chance)))


def broken_tensors(chance: random.Random) -> bytes:
    return bits_flipped(chance, tensors(chance) + b"\x00")


def broken_request(chance: random.Random) -> bytes:
    request = pb.EstimateAgeRequest(photo=noise(chance)).SerializeToString()
    return bits_flipped(chance, request + b"\x00")


PHOTOS: tuple[Sequence[Callable[[random.Random], bytes]], Sequence[float]] = (
    (noise, headed_noise, cut_short, bits_flipped, length_wrong, spliced, lambda _: b""),
    (0.15, 0.25, 0.40, 0.06, 0.04, 0.06, 0.04),
)
"""Ways, and how often each is gone: what is seldom damaged beyond decoding costs the server a
search for faces, some hundred times as long as the refusal of the others."""
MESSAGES: Sequence[Callable[[random.Random], bytes]] = (
    *(noise, any_fields, endless_varint, nested, tensors, broken_tensors, broken_request, version),
)
