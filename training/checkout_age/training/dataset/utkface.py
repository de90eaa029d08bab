"""UTKFace's layout: photos whose names begin with age, gender and race, in one folder or some.

Zhang et al. 2017, "Age progression/regression by conditional adversarial autoencoder"
(arXiv:1702.08423). A few of its names lack gender or race, or have a slip in their endings.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from checkout_age.training.dataset.labels import Labels
from checkout_age.training.dataset.photo_file import FacesError

NAME = "UTKFace's"
LOOKED_FOR = "photos named AGE_GENDER_RACE_DATE.jpg or AGE_GENDER_RACE_DATE.jpg.chip.jpg"
PHOTO_NAME = re.compile(
    r"(?P<id>(?P<age>\d{1,3})_(?:(?P<gender>[01]?)_)?(?:(?P<race>[0-4]?)_)?\d{14,17})(?:\D.*)?"
)
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
DEPTHS = ("*", "*/*", "*/*/*")
"""Photos lie in the folder, in folders of it, or in folders of those."""
CROPPED = ".chip.jpg"
MOST_STRANGERS = 0.01
"""The share of photos that may be named otherwise; above it the folder is something else."""


def is_here(folder: Path) -> bool:
    """Whether any photo is named so."""
    return any(PHOTO_NAME.fullmatch(photo.name) for photo in _photos(folder))


def read(folder: Path) -> Labels:
    """A row for each photo, in the order of their paths, without a split.

    Of two files of one photo the one that was cut to the face is taken.

    Raises:
        FacesError: many of the photos are named otherwise.
    """
    photos = sorted(_photos(folder), key=lambda path: (not path.name.endswith(CROPPED), path))
    rows: dict[str, dict[str, object]] = {}
    strangers = []
    for path in photos:
        match = PHOTO_NAME.fullmatch(path.name)
        name = path.relative_to(folder).as_posix()
        if match is None:
            strangers.append(name)
        else:
            row = {"file_name": name, "photo": name, "real_age": int(match["age"])}
            row |= {field: _number(match[field]) for field in ("gender", "race")}
            rows.setdefault(match["id"], row)
    if len(strangers) > MOST_STRANGERS * len(photos):
        raise FacesError(
            f"{len(strangers)} of {len(photos)} photos in {folder} have other names than "
            f"AGE_GENDER_RACE_DATE.jpg, the first is {strangers[0]}"
        )
    table = pd.DataFrame(list(rows.values())).sort_values("file_name", ignore_index=True)
    twice = len(photos) - len(strangers) - len(rows)
    return Labels(NAME, table.assign(age_conflict=0), tuple(_remarks(table, twice, strangers)))


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names of the photos, which are the labels."""
    names = "".join(f"{name}\n" for name in read(folder).table["file_name"])
    return hashlib.sha256(names.encode()).hexdigest()


def _photos(folder: Path) -> Iterator[Path]:
    for depth in DEPTHS:
        for path in folder.glob(depth):
            if path.suffix.lower() in ENDINGS and not path.name.startswith("."):
                yield path


def _number(field: str | None) -> float:
    return float(field) if field else float("nan")


def _remarks(table: pd.DataFrame, twice: int, strangers: list[str]) -> Iterator[str]:
    for field in ("gender", "race"):
        lacking = table.loc[table[field].isna(), "file_name"]
        if len(lacking):
            yield f"Names that lack the {field}: {len(lacking)}, the first is {lacking.iloc[0]}."
    if twice:
        yield f"Further files of the same photos by their names, left out: {twice}."
    if strangers:
        yield f"Files left out for their names: {len(strangers)}, the first is {strangers[0]}."
