import struct
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from checkout_age.server.decoder import decode
from checkout_age.server.photo import PhotoError, PhotoFault, PhotoLimits

RED_LEFT = np.zeros((20, 40, 3), np.uint8)
RED_LEFT[:, :20, 0] = 255


def written(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_each_format_comes_out_as_rgb(file_format: str) -> None:
    pixels = decode(written(Image.fromarray(RED_LEFT), file_format)).pixels
    assert pixels.shape == (20, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels[10, 5, 0] > 200
    assert pixels[10, 35, 0] < 60


@pytest.mark.parametrize(("mode", "file_format"), [("L", "JPEG"), ("CMYK", "JPEG"), ("LA", "PNG")])
def test_other_colour_spaces_are_converted(mode: str, file_format: str) -> None:
    image = Image.new("RGB", (8, 8), (200, 200, 200)).convert(mode)
    assert np.allclose(decode(written(image, file_format)).pixels, 200, atol=12)


def test_transparent_parts_are_shown_on_white() -> None:
    assert (decode(written(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG")).pixels == 255).all()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_orientation_leaves_the_photo_as_it_is(file_format: str) -> None:
    photo = written(Image.fromarray(RED_LEFT), file_format, exif=b"Exif\0\0 no tags at all")
    assert decode(photo).pixels.shape == (20, 40, 3)


def test_sixteen_bits_are_turned_upright_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.full((8, 4), 999, np.uint16))
    assert decode(written(deep, "PNG", exif=exif)).pixels.shape == (4, 8, 3)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "MPO"])
def test_of_several_pictures_in_a_file_the_first_is_shown(file_format: str) -> None:
    others = [Image.new("RGB", (40, 20), (0, 255, 0))]
    several = written(Image.fromarray(RED_LEFT), file_format, save_all=True, append_images=others)
    pixels = decode(several).pixels
    assert pixels.shape == (20, 40, 3)
    assert pixels[10, 5, 0] > 200
    assert pixels[10, 5, 1] < 60


CORNERS = np.zeros((16, 48, 3), np.uint8)
CORNERS[:8, :16], CORNERS[8:, 32:] = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_camera_was_held_the_photo_comes_out_upright(
    orientation: int, file_format: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = written(Image.fromarray(CORNERS), file_format, exif=exif)
    shown = ImageOps.exif_transpose(Image.open(BytesIO(photo))).convert("RGB")
    assert np.array_equal(decode(photo).pixels, np.asarray(shown))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_both_decoders_give_the_same_pixels(options: dict[str, object]) -> None:
    smooth = Image.effect_noise((61, 47), 80).convert("RGB")
    photo = written(smooth, "JPEG", **options)
    assert np.array_equal(decode(photo).pixels, np.asarray(Image.open(BytesIO(photo))))


def test_sixteen_bits_are_scaled_not_cut_off() -> None:
    deep = Image.fromarray(np.full((8, 8), 200 * 257, np.uint16))
    assert (decode(written(deep, "PNG")).pixels == 200).all()


@pytest.mark.parametrize(
    ("size", "enough", "reduction"),
    [
        ((640, 480), 960, 1),
        ((1919, 1080), 960, 1),
        ((1920, 1080), 960, 2),
        ((1081, 1921), 960, 2),
        ((4000, 3001), 960, 4),
        ((7999, 3), 100, 8),
        ((1920, 1080), None, 1),
    ],
)
def test_large_jpegs_are_decoded_at_a_fraction_of_their_size(
    size: tuple[int, int], enough: int | None, reduction: int
) -> None:
    photo = decode(written(Image.new("RGB", size, (9, 200, 3)), "JPEG"), enough=enough)
    assert photo.reduction == reduction
    assert photo.pixels.shape == (-(-size[1] // reduction), -(-size[0] // reduction), 3)
    assert np.allclose(photo.pixels, (9, 200, 3), atol=3)


def fault_of(photo: bytes, limits: PhotoLimits | None = None) -> tuple[PhotoFault, str]:
    with pytest.raises(PhotoError) as raised:
        decode(photo, limits or PhotoLimits())
    return raised.value.fault, str(raised.value)


def test_no_bytes_are_an_empty_photo() -> None:
    assert fault_of(b"")[0] is PhotoFault.EMPTY


def test_text_is_no_photo() -> None:
    assert fault_of(b"camera offline\n")[0] is PhotoFault.NOT_A_PHOTO


def test_a_palette_is_looked_up() -> None:
    image = Image.new("RGB", (8, 8), (200, 100, 50)).quantize(4)
    assert (decode(written(image, "PNG")).pixels == (200, 100, 50)).all()


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_photo_cut_short_is_damaged(file_format: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    whole = written(Image.fromarray(noise), file_format)
    fault, message = fault_of(whole[: int(len(whole) * kept)])
    assert fault is PhotoFault.DAMAGED
    assert file_format in message


def test_too_many_bytes_are_refused_with_both_numbers(photo: bytes) -> None:
    fault, message = fault_of(photo, PhotoLimits(max_bytes=10))
    assert fault is PhotoFault.TOO_LARGE
    assert str(len(photo)) in message
    assert "10" in message


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with Image.open(BytesIO(written(Image.new("1", (8, 8)), "PNG"))) as small:
        assert small.size == (8, 8)
    bomb = written(Image.new("1", (8, 8)), "PNG").replace(
        struct.pack(">II", 8, 8), struct.pack(">II", 50_000, 50_000)
    )
    bomb = bomb[:29] + struct.pack(">I", zlib.crc32(bomb[12:29])) + bomb[33:]
    tracemalloc.start()
    fault, message = fault_of(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault is PhotoFault.TOO_LARGE
    assert "pixels" in message
    assert peak < 1e6


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="max_pixels must be at least 1, got 0"):
        PhotoLimits(max_pixels=0)


WHOLE = [
    written(Image.fromarray(RED_LEFT), "JPEG"),
    written(Image.fromarray(RED_LEFT), "JPEG", progressive=True, subsampling=0),
    written(Image.fromarray(RED_LEFT).convert("CMYK"), "JPEG"),
    written(Image.fromarray(RED_LEFT).convert("L"), "JPEG", exif=b"Exif\0\0II*\0\b\0\0\0\0\0"),
    written(Image.fromarray(RED_LEFT), "PNG"),
    written(Image.fromarray(RED_LEFT).quantize(4), "PNG"),
    written(Image.fromarray(RED_LEFT), "WEBP"),
]


@given(st.sampled_from([b"", *(whole[:4] for whole in WHOLE)]), st.binary(max_size=400))
def test_random_bytes_are_never_more_than_a_photo_error(beginning: bytes, junk: bytes) -> None:
    with pytest.raises(PhotoError):
        decode(beginning + junk)


@settings(max_examples=500)
@given(
    st.sampled_from(WHOLE),
    st.floats(0, 1),
    st.binary(min_size=1, max_size=8),
    st.integers(0, 60),
    st.sampled_from([None, 10]),
)
def test_mutated_photos_are_read_or_refused(
    whole: bytes, place: float, mutation: bytes, cut: int, enough: int | None
) -> None:
    at = int(place * len(whole))
    mutated = whole[:at] + mutation + whole[at + len(mutation) : len(whole) - cut]
    with suppress(PhotoError):
        assert decode(mutated, PhotoLimits(max_pixels=10**6), enough).pixels.shape[2] == 3
