"""Degradation: what smallness, blur and darkness cost, to choose the limits of quality by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from checkout_age.server.bundle import Bundle
from checkout_age.server.face import FaceError
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.keras_runtime import KerasRuntime
from checkout_age.server.quality import DEFAULT_QUALITY, brightness, grey_of, sharpness
from checkout_age.server.shopper import Shopper, ShopperFinder
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.pack import ANY
from checkout_age.training.dataset.photo_file import read_photo
from checkout_age.training.evaluation.evaluation import ages_of, predict_logits

WIDTHS = (96, 64, 48, 32, 24, 16)
"""Pixels that a face is wide."""
BLURS = (0.0, 0.02, 0.04, 0.06, 0.09, 0.12)
"""Standard deviation of a Gaussian, as a share of the photo's side."""
LIGHTS = (1.0, 0.5, 0.25, 0.12, 0.06)
"""What remains of the light."""


@dataclass(frozen=True)
class Degraded:
    """What became of the photos at one step of degradation."""

    name: str
    found: float
    """The share of photos in which a face was found."""
    measured: float
    """The median of what the limit is about: width in pixels, sharpness or brightness."""
    refused: float
    """The share of those found that the default limit would refuse."""
    mae: float
    """Years, of those found."""


@dataclass(frozen=True)
class Degradation:
    """One way to spoil a photo, and the measure and limit that are there to notice."""

    name: str
    change: Callable[[Image.Image], Image.Image]
    measure: Callable[[Shopper], float]
    limit: float


def degradations() -> list[Degradation]:
    """Ever smaller, ever more blurred, ever darker."""
    limits = DEFAULT_QUALITY
    return [
        *(Degradation(f"{w} pixels wide", _smaller(w), _width, limits.width) for w in WIDTHS),
        *(Degradation(f"blurred by {b:.0%}", _blurred(b), _sharp, limits.sharpness) for b in BLURS),
        *(
            Degradation(f"{x:.0%} of the light", _darker(x), _bright, limits.brightness)
            for x in LIGHTS
        ),
    ]


def degrade(bundle: Bundle, faces: Faces) -> Iterator[Degraded]:
    """Score tight crops of faces after each degradation."""
    finder = ShopperFinder(FaceFinder(), bundle.facts.chip_side, ANY)
    runtime = KerasRuntime(bundle)
    for each in degradations():
        shoppers: list[Shopper] = []
        ages: list[float] = []
        for photo, age in zip(faces.photos, faces.ages, strict=True):
            try:
                shoppers.append(finder.find(_changed(photo, each.change)))
            except FaceError:
                continue
            ages.append(float(age))
        if not shoppers:
            yield Degraded(each.name, 0.0, float("nan"), float("nan"), float("nan"))
            continue
        measures = np.array([each.measure(shopper) for shopper in shoppers])
        logits = predict_logits(runtime.logits, np.stack([shopper.chip for shopper in shoppers]))
        errors = np.abs(ages_of(logits, bundle.facts.calibration) - np.array(ages))
        yield Degraded(
            each.name,
            found=len(shoppers) / len(faces),
            measured=float(np.median(measures)),
            refused=float((measures < each.limit).mean()),
            mae=float(errors.mean()),
        )


def _changed(photo: Path, change: Callable[[Image.Image], Image.Image]) -> bytes:
    file = BytesIO()
    change(Image.fromarray(read_photo(photo))).save(file, "PNG")
    return file.getvalue()


def _smaller(width: int) -> Callable[[Image.Image], Image.Image]:
    """Tight crops are about as wide as the face; grey around keeps them photos of some size."""

    def change(image: Image.Image) -> Image.Image:
        frame = Image.new("RGB", (8 * width, 6 * width), (128, 128, 128))
        frame.paste(image.resize((width, width), Image.Resampling.BOX), (3 * width, 2 * width))
        return frame

    return change


def _blurred(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.filter(ImageFilter.GaussianBlur(share * image.width))


def _darker(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.point(lambda level: int(level * share))


def _width(shopper: Shopper) -> float:
    return shopper.face.width


def _sharp(shopper: Shopper) -> float:
    return sharpness(grey_of(shopper.chip))


def _bright(shopper: Shopper) -> float:
    return brightness(grey_of(shopper.chip))
