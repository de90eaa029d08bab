"""The compact form: all labelled chips in one file, for a machine that has not the photos."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from checkout_age.server import chip
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.photo_file import FacesError

QUALITY = 85
"""Of WebP; chips of 160 pixels take about 2.5 kB each."""
DEFINITION, FINGERPRINT = b"chip_definition", b"faces_sha256"


@dataclass(frozen=True)
class Compact:
    """Chips and their labels, row by row."""

    table: pd.DataFrame
    """file_name, split, real_age, age_conflict and what is audited, in words."""
    chips: Pixels
    """Shape (n, side, side, 3)."""
    fingerprint: str
    """Of the labels in the folder that the chips were cut from."""


def write_compact(path: Path, compact: Compact, quality: int = QUALITY) -> None:
    """Write one Parquet file, chips as WebP of a quality from 1 to 100."""
    with ThreadPoolExecutor() as writers:
        images = list(writers.map(lambda chip: _written(chip, quality), compact.chips))
    table = pa.Table.from_pandas(compact.table, preserve_index=False)
    table = table.append_column("chip", pa.array(images, pa.binary()))
    facts = {DEFINITION: chip.DEFINITION, FINGERPRINT: compact.fingerprint}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **facts}), path)


def read_compact(path: Path, split: str) -> Compact:
    """The chips of one split.

    Raises:
        FacesError: the file is none of ours, or its chips were cut otherwise.
    """
    try:
        table = pq.read_table(path, filters=[("split", "=", split)])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise FacesError(f"{path} holds no chips: {error}") from error
    facts = table.schema.metadata or {}
    if "chip" not in table.column_names or DEFINITION not in facts:
        raise FacesError(f"{path} holds no chips: it was not written by the command pack")
    if facts[DEFINITION].decode() != chip.DEFINITION:
        raise FacesError(
            f"the chips of {path} were cut as {facts[DEFINITION].decode()}, not as "
            f"{chip.DEFINITION}: write it anew by the command pack"
        )
    chips = _read(table["chip"].to_pylist())
    return Compact(table.drop(["chip"]).to_pandas(), chips, facts[FINGERPRINT].decode())


def _written(pixels: Pixels, quality: int) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", bgr, (cv2.IMWRITE_WEBP_QUALITY, quality))[1].tobytes()


def _read(images: Sequence[bytes]) -> Pixels:
    if not images:
        return np.zeros((0, 1, 1, 3), np.uint8)
    with ThreadPoolExecutor() as readers:
        return np.stack(list(readers.map(_pixels, images)))


def _pixels(image: bytes) -> Pixels:
    bgr = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FacesError("a chip of the file cannot be read: write it anew by the command pack")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
