"""A developer's view: what the machine saw in a photo, as a picture to open."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from checkout_age.server.bundle import BundleError, find_bundle, read_bundle
from checkout_age.server.chip import cut_chip
from checkout_age.server.choice import SeveralFaces, shopper_among
from checkout_age.server.config import LookOptions, ServerConfig
from checkout_age.server.decoder import decode
from checkout_age.server.face import Face, FaceError
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.server.quality import SIDE, brightness, grey_of, sharpness
from checkout_age.server.settings import add_options, settings_of
from checkout_age.server.shopper import ENOUGH, Acceptance, ShopperFinder

LONGER_SIDE = 960
PANEL = 280
"""Pixels of the column that shows the chip."""
CHOSEN, OTHER, INK = (255, 196, 0), (120, 170, 255), (230, 230, 230)


def look(arguments: Sequence[str]) -> None:
    """Draw each photo with its faces and chip; status 1 where a file could not be read."""
    parser = ArgumentParser(
        prog="checkout-age-server look",
        description="Write PHOTO.look.png for each photo: boxes, points, the chip, the measures.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the pictures (here)")
    add_options(parser, LookOptions)
    given = parser.parse_args(arguments)
    options = settings_of(LookOptions, given, parser, whole=ServerConfig).options
    try:
        side = read_bundle(find_bundle(options.model)).facts.chip_side
        given.out.mkdir(parents=True, exist_ok=True)
    except (BundleError, OSError) as error:
        sys.exit(f"checkout-age-server: {error}")
    finder, failed = FaceFinder(), False
    for photo in given.photos:
        try:
            picture, words = drawn(photo.read_bytes(), finder, side, options.acceptance)
            written = given.out / f"{photo.name}.look.png"
            picture.save(written)
        except (PhotoError, OSError) as error:
            print(f"{photo}: {error}", file=sys.stderr)
            failed = True
            continue
        print(f"{written}: {words}")
    sys.exit(1 if failed else 0)


def drawn(
    photo: bytes, finder: FaceFinder, side: int, acceptance: Acceptance
) -> tuple[Image.Image, str]:
    """The picture, and in a sentence what the server would say.

    Raises:
        PhotoError: the bytes are no photo that can be read.
    """
    decoded = decode(photo, acceptance.limits, enough=ENOUGH)
    pixels = decoded.pixels
    faces, _ = finder.find(pixels)
    chip = None
    try:
        shopper = ShopperFinder(finder, side, acceptance).find(photo)
        chip = shopper.chip
        words = f"{len(faces)} found, the shopper's is {shopper.face.width:.0f} pixels wide"
    except FaceError as error:
        words = str(error)
    scale = LONGER_SIDE / max(pixels.shape)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    canvas = Image.new("RGB", (size[0] + PANEL, max(size[1], 2 * PANEL)), (32, 32, 36))
    canvas.paste(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    pen = ImageDraw.Draw(canvas)
    chosen = shopper_among(faces, pixels, SeveralFaces.CHOOSE) if faces else None
    for face in faces:
        if face is not chosen:
            _outline(pen, face.moved(scale), OTHER)
    if chosen is not None:
        _outline(pen, chosen.moved(scale), CHOSEN)
        chip = cut_chip(pixels, chosen, side) if chip is None else chip
        shown = Image.fromarray(chip).resize((PANEL - 24, PANEL - 24), Image.Resampling.NEAREST)
        canvas.paste(shown, (size[0] + 12, 12))
        judged = chip if side >= SIDE else cut_chip(pixels, chosen, SIDE)
        _measures(pen, (size[0] + 12, PANEL), judged, chosen.moved(decoded.reduction))
    return canvas, words


def _outline(pen: ImageDraw.ImageDraw, face: Face, colour: tuple[int, int, int]) -> None:
    pen.rectangle([tuple(corner) for corner in face.corners.tolist()], outline=colour, width=3)
    for x, y in face.landmarks.tolist():
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
    pen.text(
        (face.corners[0, 0] + 4, face.corners[0, 1] + 2),
        f"{face.probability:.2f}",
        fill=colour,
        font=ImageFont.load_default(16),
    )


def _measures(pen: ImageDraw.ImageDraw, corner: tuple[int, int], chip: Pixels, face: Face) -> None:
    grey = grey_of(chip)
    eyes = face.landmarks[1] - face.landmarks[0]
    lines = (
        f"chip {len(chip)} x {len(chip)}",
        f"probability {face.probability:.2f}",
        f"width {face.width:.0f} pixels",
        f"tilt {np.degrees(np.arctan2(eyes[1], eyes[0])):.0f} degrees",
        f"sharpness {sharpness(grey):.2f}",
        f"brightness {brightness(grey):.0f} of 255",
    )
    pen.multiline_text(corner, "\n".join(lines), fill=INK, font=ImageFont.load_default(18))
