"""Exploring: what a folder of labelled faces holds, and what to mistrust in it before training."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.shopper import ShopperFinder
from checkout_age.training.dataset.pack import ANY
from checkout_age.training.exploration import label_chapters as labels
from checkout_age.training.exploration import photo_chapters as photos
from checkout_age.training.exploration.account import Account
from checkout_age.training.exploration.exploration import Exploration, gather

CHIP_SIDE = 96
PRIVACY = (
    "This page shows the faces of people. Keep it as the photos are kept: under the same terms, "
    "with the same few readers, and delete it with them."
)

Chapter = Callable[[Account, Exploration], None]
CHAPTERS: tuple[Chapter, ...] = (
    labels.labels_chapter,
    photos.files_chapter,
    labels.ages_chapter,
    labels.suspicions_chapter,
    photos.photos_chapter,
    photos.sizes_chapter,
    photos.colours_chapter,
    photos.copies_chapter,
    labels.splits_chapter,
    labels.audit_chapter,
    labels.apparent_chapter,
)


def explore(
    faces: Path, out: Path, *, finder: ShopperFinder | None = None, console: Console | None = None
) -> Path:
    """Look at every photo and label of a folder, print what is found and write it down.

    Args:
        faces: labelled faces in any layout that is known.
        out: gets `index.html`, which shows photos, and each table as a CSV file.
        finder: finds and aligns faces for the last chapter; the server's own by default.
        console: what is printed to; stdout by default.

    Returns:
        The page.

    Raises:
        FacesError: the folder is laid out in no way that is known. Photos that are missing or
            cannot be read are told, not raised.
    """
    console = console or Console(soft_wrap=True)
    given = gather(faces, console)
    account = Account(f"The labelled faces in {faces.resolve().name}", out, console)
    account.say(PRIVACY, aside=True)
    for chapter in CHAPTERS:
        chapter(account, given)
    finder = finder or ShopperFinder(FaceFinder(), CHIP_SIDE, ANY)
    photos.alignment_chapter(account, given, finder)
    return account.write()
