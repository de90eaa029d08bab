"""The sample day: a night's purchases with faces that are nobody's, and every kind of trouble."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from checkout_age.training.dataset.faces import read_table
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.sample.average import average_faces
from checkout_age.training.sample.frame import (
    HEIGHT,
    WIDTH,
    Placed,
    draw_frame,
    in_the_dark,
    shaken,
)

AGES = (3, 6, 9, 12, 14, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32, 35, 38, 40, 42, 45, 48, 50, 54)
OLDER = (56, 60, 65, 70, 75, 80)
GREY_FROM = 56
COMPANY = 6
"""Every so many-th shopper has somebody standing behind."""
PURCHASES = 200
OPENING = datetime(2026, 11, 21, 8, 0)  # noqa: DTZ001  # the shop's own clock
MINUTES_OPEN = 12 * 60
STORES = ("north", "south")
SEED = 21
QUALITY = 80

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
    """Write `purchases.csv`, `baskets.csv` and `photos/` into `out`; the same every time.

    On another kind of CPU, whose sums end in other bits, some pixels differ by a few levels.
    """
    generator = np.random.default_rng(SEED)
    photos = out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    shoppers = _shoppers(faces, photos, generator) + _troubles(photos, generator)
    of_purchase = [shoppers[index % len(shoppers)] for index in range(PURCHASES)]
    generator.shuffle(of_purchase)
    purchases = _purchases(of_purchase, generator)
    purchases.to_csv(out / "purchases.csv", index=False)
    _baskets(purchases["purchase_id"], of_purchase, generator).to_csv(
        out / "baskets.csv", index=False
    )


def _shoppers(faces: Path, photos: Path, generator: np.random.Generator) -> list[Shopper]:
    table = read_table(faces)
    if "gender" not in table:
        raise FacesError("the sample day averages women and men apart: splits.csv needs gender")
    shoppers: list[Shopper] = []
    averages = average_faces(faces, table[table["split"] == "train"], AGES + OLDER)
    for number, (age, face) in enumerate(averages):
        width = generator.uniform(80, 190)
        shopper = Placed(
            face,
            x=WIDTH * generator.uniform(0.35, 0.65),
            y=generator.uniform(0.75 * width, HEIGHT - 60 - 0.6 * width),
            width=width,
            tilt=generator.uniform(-15, 15),
            grey=age >= GREY_FROM,
        )
        people = [shopper]
        if number % COMPANY == 0:
            side = WIDTH * (0.14 if shopper.x > WIDTH / 2 else 0.86)
            _, other = averages[(number + 7) % len(averages)]
            people.insert(0, Placed(other, x=side, y=170, width=0.6 * width, tilt=5))
        name = f"till-{number:02}.jpg"
        draw_frame(people, generator).save(photos / name, quality=QUALITY)
        shoppers.append(Shopper(name, age))
    return shoppers


def _troubles(photos: Path, generator: np.random.Generator) -> list[Shopper]:
    """What goes wrong in a night, a file for each."""
    whole = (photos / "till-20.jpg").read_bytes()
    (photos / "till-empty.jpg").write_bytes(b"")
    (photos / "till-truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "till-text.jpg").write_text("camera offline since 09:14\n")
    draw_frame([], generator).save(photos / "till-nobody.jpg", quality=QUALITY)
    with Image.open(photos / "till-21.jpg") as frame:
        in_the_dark(frame, 0.12).save(photos / "till-dark.jpg", quality=QUALITY)
        shaken(frame, 9).save(photos / "till-blurred.jpg", quality=QUALITY)
    names = ("empty", "truncated", "text", "nobody", "dark", "blurred", "lost")
    return [*(Shopper(f"till-{name}.jpg", 40) for name in names), Shopper(None, 40)]


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
