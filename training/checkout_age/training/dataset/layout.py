"""The layout: which of the known ways a folder of labelled faces is laid out in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checkout_age.training.dataset import appa_real, study, utkface
from checkout_age.training.dataset.labels import Labels
from checkout_age.training.dataset.photo_file import FacesError


@dataclass(frozen=True)
class Layout:
    """One way to lay out a folder."""

    looked_for: str
    """What the folder holds, in words."""
    is_here: Callable[[Path], bool]
    """Whether a folder is meant to be laid out so."""
    read: Callable[[Path], Labels]
    """Raises FacesError, naming what lacks."""
    fingerprint: Callable[[Path], str]


LAYOUTS = tuple(
    Layout(each.LOOKED_FOR, each.is_here, each.read, each.fingerprint)
    for each in (study, appa_real, utkface)
)
"""The first that fits a folder is taken."""
_KNOWN = "; or ".join(layout.looked_for for layout in LAYOUTS)


def read_labels(folder: Path) -> Labels:
    """What a folder says of its photos; whether they are there is not looked at.

    Raises:
        FacesError: the folder is laid out in no way that is known, or lacks some of it.
    """
    return _layout_of(folder).read(folder)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the labels: which photos, which ages, what was held out."""
    return _layout_of(folder).fingerprint(folder)


def _layout_of(folder: Path) -> Layout:
    if not folder.is_dir():
        raise FacesError(f"there is no folder {folder}; looked for {_KNOWN}")
    for layout in LAYOUTS:
        if layout.is_here(folder):
            return layout
    raise FacesError(f"{folder} holds no labelled faces: looked for {_KNOWN}")
