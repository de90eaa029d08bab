from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from checkout_age.server.photo import PhotoError, PhotoFault, PhotoLimits, decode

RED_LEFT = np.zeros((20, 40, 3), np.uint8)
RED_LEFT[:, :20, 0] = 255


def written(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_each_format_comes_out_as_rgb(file_format: str) -> None:
    pixels = decode(written(Image.fromarray(RED_LEFT), file_format))
    assert pixels.shape == (20, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels[10, 5, 0] > 200
    assert pixels[10, 35, 0] < 60


@pytest.mark.parametrize(("mode", "file_format"), [("L", "JPEG"), ("CMYK", "JPEG"), ("LA", "PNG")])
def test_other_colour_spaces_are_converted(mode: str, file_format: str) -> None:
    image = Image.new("RGB", (8, 8), (200, 200, 200)).convert(mode)
    assert np.allclose(decode(written(image, file_format)), 200, atol=12)


def test_transparent_parts_are_shown_on_white() -> None:
    assert (decode(written(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG")) == 255).all()


def test_a_photo_taken_with_the_camera_turned_comes_out_upright() -> None:
    turned = Image.fromarray(RED_LEFT).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    pixels = decode(written(turned, "JPEG", exif=exif))
    assert pixels.shape == (20, 40, 3)
    assert pixels[10, 5, 0] > 200
    assert pixels[10, 35, 0] < 60


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
    assert (decode(written(image, "PNG")) == (200, 100, 50)).all()


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
    bomb = written(Image.new("1", (30_000, 30_000)), "PNG")
    fault, _ = fault_of(bomb)
    assert fault is PhotoFault.TOO_LARGE
    assert fault_of(bomb[:2000])[0] is PhotoFault.TOO_LARGE  # the header is enough


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="max_pixels must be at least 1, got 0"):
        PhotoLimits(max_pixels=0)


WHOLE = written(Image.fromarray(RED_LEFT), "JPEG")


@given(st.binary(max_size=400))
def test_random_bytes_are_never_more_than_a_photo_error(junk: bytes) -> None:
    with pytest.raises(PhotoError):
        decode(junk)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_mutated_photos_are_read_or_refused(place: int, mutation: bytes) -> None:
    mutated = WHOLE[:place] + mutation + WHOLE[place + len(mutation) :]
    with suppress(PhotoError):
        assert decode(mutated).shape[2] == 3
