"""A split into train, valid and test that never parts the copies of one photo."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.photo_file import read_photo

SHARES = {"test": 0.055, "valid": 0.055}
"""The share of photos held out for each purpose; the rest is for training."""
ROWS, COLUMNS = 16, 17
"""Of the thumbnail that is hashed; a coarser one takes aligned faces of two people for copies."""
BYTES = ROWS * (COLUMNS - 1) // 8
NEAR = 20
"""Photos whose 256-bit difference hashes disagree in at most this many bits are copies."""
SEED = 20261122


def split_by_group(groups: Sequence[int], ages: pd.Series) -> list[str]:
    """Name the split of each photo: whole groups of near-duplicates, drawn within decades of age.

    The draw depends on the groups and the ages alone, so it comes out the same every time.
    """
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


def told_groups(names: pd.Series) -> list[int]:
    """The groups that a folder names, counted; a photo that it puts into none is its own."""
    alone = pd.Series([f"alone {row}" for row in range(len(names))], names.index)
    return pd.factorize(names.astype(object).fillna(alone))[0].tolist()


def find_groups(photos: Sequence[Path]) -> list[int]:
    """The group of near-duplicates of each photo. Raises FacesError where one cannot be read."""
    with ThreadPoolExecutor(2) as readers:
        return photo_groups(list(readers.map(difference_hash, photos)))


@cache  # each split of a folder asks again
def difference_hash(photo: Path) -> int:
    """The hash of a photo file."""
    return hash_of(read_photo(photo))


def hash_of(pixels: Pixels) -> int:
    """256 bits, each telling whether a pixel of a grey thumbnail is darker than the next.

    Krawetz 2013, "Kind of Like That" (dHash): stable under scaling and recompression.
    """
    image = Image.fromarray(pixels).convert("L")
    grey = np.asarray(image.resize((COLUMNS, ROWS), Image.Resampling.BILINEAR), np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


def photo_groups(hashes: Sequence[int]) -> list[int]:
    """The group of each photo, named by its first member; near-duplicates share a group."""
    packed = b"".join(each.to_bytes(BYTES, "big") for each in hashes)
    bits: NDArray[np.uint64] = np.frombuffer(packed, np.uint64).reshape(-1, BYTES // 8).T.copy()
    parent = list(range(len(hashes)))

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for index in range(len(hashes)):
        differ = np.bitwise_count(bits[:, index + 1 :] ^ bits[:, index : index + 1])
        for offset in np.flatnonzero(differ.sum(axis=0) <= NEAR):
            first, second = sorted((root(index), root(index + 1 + int(offset))))
            parent[second] = first
    return [root(member) for member in range(len(hashes))]
