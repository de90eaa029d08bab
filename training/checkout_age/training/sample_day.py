"""The sample day: a night's purchases with faces that are nobody's, and every kind of trouble.

Each face is the average of many aligned photos of one age (Galton's composite portraits, 1878),
so that no person's photo is shipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from checkout_age.server.chip import cut_chip
from checkout_age.server.photo import Pixels
from checkout_age.training.faces import PHOTOS, read_table
from checkout_age.training.photo_file import FacesError, read_photo

SIDE = 200
AGES = (3, 6, 9, 12, 14, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32, 35, 38, 40, 42, 45, 48, 50, 54)
OLDER = (56, 60, 65, 70, 75, 80)
FEWEST = 12
"""An average of fewer faces might still resemble somebody."""
MOST = 40
PURCHASES = 200
OPENING = datetime(2026, 11, 21, 8, 0)  # noqa: DTZ001  # the shop's own clock
MINUTES_OPEN = 12 * 60
STORES = ("north", "south")
SEED = 21

PRODUCTS = pd.DataFrame(
    [
        ("bread", "bakery", 2.80, 0),
        ("croissant", "bakery", 1.40, 0),
        ("milk", "dairy", 1.20, 0),
        ("yoghurt", "dairy", 0.80, 0),
        ("apples", "fruit", 2.50, 0),
        ("bananas", "fruit", 1.90, 0),
        ("crisps", "snacks", 1.80, -1),
        ("energy drink", "drinks", 1.60, -1),
        ("lemonade", "drinks", 1.30, -1),
        ("sweets", "snacks", 1.10, -1),
        ("coffee", "drinks", 5.90, 1),
        ("tea", "drinks", 3.20, 1),
        ("newspaper", "press", 2.40, 1),
        ("flowers", "garden", 7.50, 1),
    ],
    columns=["product", "category", "price", "leaning"],
)
"""`leaning`: -1 is bought more by the young, 1 more by the old."""


@dataclass(frozen=True)
class Shopper:
    """A photo file and roughly how old whoever stands before the till is."""

    photo: str | None
    age: int


def make_sample_day(faces: Path, out: Path) -> None:
    """Write `purchases.csv`, `baskets.csv` and `photos/` into `out`; the same every time."""
    generator = np.random.default_rng(SEED)
    photos = out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    shoppers = _average_shoppers(faces, photos) + _troubles(photos)
    of_purchase = [shoppers[index % len(shoppers)] for index in range(PURCHASES)]
    generator.shuffle(of_purchase)
    purchases = _purchases(of_purchase, generator)
    purchases.to_csv(out / "purchases.csv", index=False)
    _baskets(purchases["purchase_id"], of_purchase, generator).to_csv(
        out / "baskets.csv", index=False
    )


def average_face(chips: Sequence[Pixels]) -> Pixels:
    """The mean of aligned faces, each of shape (side, side, 3).

    Raises:
        ValueError: there are too few for the average to be nobody's.
    """
    if len(chips) < FEWEST:
        raise ValueError(f"an average needs at least {FEWEST} faces, got {len(chips)}")
    return np.asarray(np.rint(np.mean(np.stack(chips), axis=0)), np.uint8)


def _average_shoppers(faces: Path, photos: Path) -> list[Shopper]:
    table = read_table(faces)
    if "gender" not in table:
        raise FacesError("the sample day averages women and men apart: splits.csv needs gender")
    table = table[table["split"] == "train"]
    shoppers: list[Shopper] = []
    for age in AGES + OLDER:
        for gender in (0, 1):
            alike = table[(table["real_age"] == age) & (table["gender"] == gender)]
            paths = [faces / PHOTOS / name for name in alike["file_name"][:MOST]]
            chips = [cut_chip(read_photo(path), SIDE) for path in paths]
            name = f"till-{len(shoppers):02}.jpg"
            Image.fromarray(average_face(chips)).save(photos / name, quality=90)
            shoppers.append(Shopper(name, age))
    return shoppers


def _troubles(photos: Path) -> list[Shopper]:
    """What goes wrong in a night, a file for each."""
    whole = (photos / "till-20.jpg").read_bytes()
    (photos / "till-empty.jpg").write_bytes(b"")
    (photos / "till-truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "till-text.jpg").write_text("camera offline since 09:14\n")
    (photos / "till-nobody.jpg").write_bytes(_empty_checkout())
    names = [
        "till-empty.jpg",
        "till-truncated.jpg",
        "till-text.jpg",
        "till-nobody.jpg",
        "till-lost.jpg",
    ]
    return [*(Shopper(name, 40) for name in names), Shopper(None, 40)]


def _empty_checkout() -> bytes:
    """A counter, a belt and a lamp, drawn; no face anywhere."""
    scene = Image.new("RGB", (SIDE, SIDE), (196, 190, 180))
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, 130, SIDE, SIDE), fill=(92, 86, 84))
    draw.rectangle((0, 126, SIDE, 134), fill=(140, 136, 130))
    draw.rectangle((130, 70, 185, 128), fill=(60, 66, 80))
    draw.polygon([(30, 0), (70, 0), (84, 26), (16, 26)], fill=(250, 244, 220))
    file = BytesIO()
    scene.save(file, "JPEG", quality=90)
    return file.getvalue()


def _purchases(shoppers: Sequence[Shopper], generator: np.random.Generator) -> pd.DataFrame:
    minutes = np.sort(generator.integers(0, MINUTES_OPEN, len(shoppers)))
    return pd.DataFrame(
        {
            "purchase_id": [f"p-{number:04}" for number in range(1, len(shoppers) + 1)],
            "store_id": generator.choice(STORES, len(shoppers)),
            "purchased_at": [
                (OPENING + timedelta(minutes=int(minute))).isoformat() for minute in minutes
            ],
            "photo": [shopper.photo for shopper in shoppers],
        }
    )


def _baskets(
    purchase_ids: "pd.Series[str]", shoppers: Sequence[Shopper], generator: np.random.Generator
) -> pd.DataFrame:
    lines = []
    for purchase_id, shopper in zip(purchase_ids, shoppers, strict=True):
        weights = np.exp(PRODUCTS["leaning"].to_numpy() * (shopper.age - 35) / 20)
        count = int(generator.integers(1, 5))
        picked = generator.choice(len(PRODUCTS), count, replace=False, p=weights / weights.sum())
        for index in np.sort(picked):
            product = PRODUCTS.iloc[index]
            quantity = int(generator.integers(1, 4))
            amount = f"{quantity * product['price']:.2f}"
            lines.append((purchase_id, product["product"], product["category"], quantity, amount))
    return pd.DataFrame(lines, columns=["purchase_id", "product", "category", "quantity", "amount"])
