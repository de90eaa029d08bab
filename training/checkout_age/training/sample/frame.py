"""A frame: what a checkout camera sees, drawn around faces that are averages of many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from checkout_age.server.photo import Pixels

WIDTH, HEIGHT = 640, 480
GRAIN = 1.5
"""Standard deviation of the camera's noise, in levels of 255."""
FINE = 2
"""Drawn this many times as large, so that edges come out smooth."""

CLOTHES = ((52, 73, 94), (120, 40, 45), (40, 95, 70), (88, 84, 92), (150, 110, 60), (60, 60, 120))
HAIR = ((35, 28, 25), (70, 48, 32), (110, 82, 50))
GREY_HAIR = (140, 135, 130)
WALLS = ((196, 190, 180), (180, 188, 194), (205, 198, 178))


@dataclass(frozen=True)
class Placed:
    """An averaged face and where it stands in the frame."""

    face: Pixels
    """Tight around the face, shape (side, side, 3)."""
    x: float
    y: float
    """The middle of the face, in pixels of the frame."""
    width: float
    """Pixels of the frame that the face picture is wide."""
    tilt: float = 0.0
    """Degrees, against the clock."""
    grey: bool = False
    """Whether the hair is."""


def draw_frame(people: list[Placed], generator: np.random.Generator) -> Image.Image:
    """A frame of 640 x 480 with these people, those first in the list behind the others."""
    scene = _checkout(generator)
    for person in people:
        _draw_body(scene, person, generator)
        _paste_face(scene, person)
    counter = ImageDraw.Draw(scene)
    counter.rectangle((0, 430, WIDTH, HEIGHT), fill=(92, 86, 84))
    counter.rectangle((0, 424, WIDTH, 432), fill=(140, 136, 130))
    return _grainy(scene, generator)


def in_the_dark(frame: Image.Image, share: float) -> Image.Image:
    """The frame with so small a share of its light."""
    return frame.point(lambda level: int(level * share))


def shaken(frame: Image.Image, radius: float) -> Image.Image:
    """The frame out of focus by a Gaussian of so many pixels."""
    return frame.filter(ImageFilter.GaussianBlur(radius))


def _checkout(generator: np.random.Generator) -> Image.Image:
    """A wall, shelves with packets and a lamp."""
    scene = Image.new("RGB", (WIDTH, HEIGHT), WALLS[generator.integers(len(WALLS))])
    pen = ImageDraw.Draw(scene)
    for shelf in (90, 190, 290):
        left = 0
        while left < WIDTH:
            wide, tall = int(generator.integers(16, 46)), int(generator.integers(30, 72))
            if generator.random() < 0.7:  # noqa: PLR2004  # the rest of the shelf is bare
                colour = tuple(int(level) for level in generator.integers(70, 215, 3))
                pen.rectangle((left, shelf - tall, left + wide - 3, shelf), fill=colour)
            left += wide
        pen.rectangle((0, shelf, WIDTH, shelf + 8), fill=(150, 140, 126))
    lamp = int(generator.integers(60, WIDTH - 60))
    pen.polygon(
        [(lamp - 16, 0), (lamp + 16, 0), (lamp + 34, 20), (lamp - 34, 20)], fill=(250, 244, 220)
    )
    return scene.filter(ImageFilter.GaussianBlur(1.5))


def _draw_body(scene: Image.Image, person: Placed, generator: np.random.Generator) -> None:
    """Shoulders, neck and hair, in colours of their own."""
    width, x, y = person.width, person.x, person.y
    clothes = CLOTHES[generator.integers(len(CLOTHES))]
    hair = GREY_HAIR if person.grey else HAIR[generator.integers(len(HAIR))]
    skin = tuple(int(level * 0.92) for level in person.face[-40:-20, 90:110].mean(axis=(0, 1)))
    drawn = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    mask = Image.new("L", drawn.size)
    for shape, colour in (
        ((x - 1.15 * width, y + 0.75 * width, x + 1.15 * width, y + 4 * width), clothes),
        ((x - 0.24 * width, y + 0.2 * width, x + 0.24 * width, y + 0.95 * width), skin),
        ((x - 0.56 * width, y - 0.78 * width, x + 0.56 * width, y + 0.52 * width), hair),
    ):
        box = tuple(edge * FINE for edge in shape)
        ImageDraw.Draw(drawn).ellipse(box, fill=colour)
        ImageDraw.Draw(mask).ellipse(box, fill=255)
    scene.paste(
        drawn.resize(scene.size, Image.Resampling.BOX),
        mask=mask.resize(scene.size, Image.Resampling.BOX),
    )


def _paste_face(scene: Image.Image, person: Placed) -> None:
    side = max(1, round(person.width))
    face = Image.fromarray(person.face).resize((side, side), Image.Resampling.LANCZOS)
    oval = Image.fromarray(_oval(side))
    turned = face.rotate(person.tilt, Image.Resampling.BICUBIC, expand=True)
    mask = oval.rotate(person.tilt, Image.Resampling.BICUBIC, expand=True)
    corner = (round(person.x - turned.width / 2), round(person.y - turned.height / 2))
    scene.paste(turned, corner, ImageChops.multiply(mask, mask))


def _oval(side: int) -> NDArray[np.uint8]:
    """255 inside the face, fading to 0 before the picture's edge; shape (side, side)."""
    place = (np.arange(side) + 0.5) / side * 2 - 1
    away = np.hypot(place[None] / 0.98, place[:, None] / 1.0)
    return np.asarray(255 * np.clip((1 - away) / 0.16, 0, 1), np.uint8)


def _grainy(scene: Image.Image, generator: np.random.Generator) -> Image.Image:
    levels = np.asarray(scene, np.float32)
    grain = generator.normal(0, GRAIN, (HEIGHT, WIDTH, 1)).astype(np.float32)
    return Image.fromarray(np.clip(levels + grain, 0, 255).astype(np.uint8))
