"""A split into train, valid and test that never parts the copies of one photo."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from checkout_age.training.photo_file import read_photo

SHARES = {"test": 0.055, "valid": 0.055}
"""The share of photos held out for each purpose; the rest is for training."""
NEAR = 4
"""Photos whose 64-bit difference hashes disagree in at most this many bits are copies."""
SEED = 20261122


def split_by_group(photos: Sequence[Path], ages: pd.Series) -> list[str]:
    """Name the split of each photo: whole groups of near-duplicates, drawn within decades of age.

    The draw depends on the photos and the ages alone, so it comes out the same every time.
    """
    groups = photo_groups([difference_hash(photo) for photo in photos])
    table = pd.DataFrame({"group": groups, "age": list(ages)})
    decade = table.groupby("group")["age"].first() // 10
    generator = np.random.default_rng(SEED)
    split_of: dict[int, str] = {}
    for _, members in decade.groupby(decade):
        shuffled = generator.permutation(members.index.to_numpy())
        start = 0
        for split, share in SHARES.items():
            end = start + round(share * len(shuffled))
            split_of.update(dict.fromkeys(shuffled[start:end].tolist(), split))
            start = end
    return [split_of.get(group, "train") for group in groups]


@cache  # each split of a folder asks again
def difference_hash(photo: Path) -> int:
    """64 bits, each telling whether a pixel of the 9 x 8 grey thumbnail is darker than the next.

    Krawetz 2013, "Kind of Like That" (dHash): stable under scaling and recompression.
    """
    image = Image.fromarray(read_photo(photo)).convert("L")
    grey = np.asarray(image.resize((9, 8), Image.Resampling.BILINEAR), np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


def photo_groups(hashes: Sequence[int]) -> list[int]:
    """The group of each photo, named by its first member; near-duplicates share a group."""
    bits: NDArray[np.uint64] = np.array(hashes, np.uint64)
    parent = list(range(len(bits)))

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for index, own in enumerate(bits):
        later = np.bitwise_count(bits[index + 1 :] ^ own)
        for offset in np.flatnonzero(later <= NEAR):
            first, second = sorted((root(index), root(index + 1 + int(offset))))
            parent[second] = first
    return [root(member) for member in range(len(bits))]
