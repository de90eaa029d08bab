from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from checkout_age.training.dataset.split import (
    difference_hash,
    find_groups,
    photo_groups,
    split_by_group,
)


def test_hashes_that_differ_in_few_bits_are_one_group_also_by_way_of_a_third() -> None:
    near = [0, 2**20 - 1, 2**40 - 1]  # each 20 bits from the next, the ends 40 apart
    assert photo_groups([*near, 2**80 - 1]) == [0, 0, 0, 3]


def test_a_copy_that_was_scaled_and_compressed_hashes_nearly_alike(tmp_path: Path) -> None:
    smooth = np.random.default_rng(3).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    photo = Image.fromarray(smooth).resize((200, 200))
    photo.save(tmp_path / "photo.png")
    photo.resize((120, 120)).save(tmp_path / "copy.jpg", quality=50)
    first, second = (difference_hash(tmp_path / name) for name in ("photo.png", "copy.jpg"))
    assert (first ^ second).bit_count() <= 20


def test_faces_that_are_aligned_alike_are_no_copies(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    common = Image.fromarray(generator.integers(0, 256, (8, 9, 3)).astype(np.uint8))
    photos = [tmp_path / f"{number}.png" for number in range(300)]
    for photo in photos:
        own = Image.fromarray(generator.integers(0, 256, (24, 24, 3)).astype(np.uint8))
        Image.blend(common.resize((96, 96)), own.resize((96, 96)), 0.35).save(photo)
    assert find_groups(photos) == list(range(300))


def test_copies_never_cross_and_every_decade_is_held_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    photos, ages = [], []
    for number in range(400):
        smooth = generator.integers(0, 256, (9, 9, 3)).astype(np.uint8)
        for copy in range(1 + number % 2):
            path = tmp_path / f"{number}-{copy}.png"
            Image.fromarray(smooth).resize((40 + 10 * copy,) * 2).save(path)
            photos.append(path)
            ages.append(number % 60)
    groups = find_groups(photos)
    names = split_by_group(groups, pd.Series(ages))
    table = pd.DataFrame(
        {
            "split": names,
            "photo": [path.stem.split("-")[0] for path in photos],
            "decade": [age // 10 for age in ages],
        }
    )
    assert (table.groupby("photo")["split"].nunique() == 1).all()
    held_out = table[table["split"] == "test"]
    assert set(held_out["decade"]) == set(range(6))
    assert 0.02 < len(held_out) / len(table) < 0.10
    assert split_by_group(groups, pd.Series(ages)) == names
