"""Finding faces: a look at the whole photo, then a closer one at each place that may be a face."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2

from checkout_age.server.blazeface import BlazeFace
from checkout_age.server.blazeface_network import FULL_RANGE, SHORT_RANGE
from checkout_age.server.boxes import distinct
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import cores
from checkout_age.server.view import View

DEFINITION = "blazeface-160-96/2"
"""Changes with whatever changes the faces that are found; stored chips are known by it."""
THRESHOLD = 0.65
"""The least probability in the closer look that counts as a face."""
MARGIN = 0.8
"""Black around a photo whose face is larger than those the detector knows, in longer sides."""
TILE = 0.5
"""Side of the parts that are looked at for far faces, in longer sides; they overlap by half."""
USUAL = ((128, 160), (96, 160))
"""Rows and columns of the first look at photos of 4 : 3 and 16 : 9. The first is ready from the
start, the other and the squares of the further looks once `ready` was called; another shape costs
the first photo of its kind a fraction of a second."""
CLOSER = 1.5
"""The closer look takes in this many widths of the face."""
NEAR = 96
"""Pixels of each side of the closer look; more of both place the points no better."""
CENTRED = 0.5
"""The least probability of what is seen in the middle of the closer look."""
MOST = 20
"""Faces of a photo that are looked at closely, the likeliest ones."""


@dataclass(frozen=True)
class Sweep:
    """One way to look over a photo for places that may be faces."""

    views: Callable[[Pixels], list[View]]
    side: int
    """Pixels of the longer side of each view."""
    place: float
    """The least probability of a place that is looked at closely."""
    threshold: float = THRESHOLD
    """The least probability in the closer look that counts as a face."""
    width: float = 0.0
    """The least width of a face in longer sides of the photo."""


SWEEPS = (
    # small, for most photos need no other; so what is half seen is worth the closer look
    Sweep(lambda pixels: [View.of_whole(pixels)], side=160, place=0.35),
    # photos cut to the face, where little else can be mistaken for one
    Sweep(
        lambda pixels: [View.with_margin(pixels, MARGIN)],
        side=192,
        place=0.5,
        threshold=0.5,
        width=0.35,
    ),
    # far faces
    Sweep(lambda pixels: View.tiles(pixels, TILE), side=192, place=0.5),
)
"""One after the other, until one finds a face."""


@dataclass(eq=False)
class _Search:
    """What was found in a photo so far."""

    pixels: Pixels
    faces: list[Face] = field(default_factory=list)
    best: float = 0.0
    """The highest probability of any place."""


class FaceFinder:
    """Two networks: one finds places, one confirms and measures them; safe in several threads.

    In a whole scene a face is a few pixels of the first network's view, so its points are off
    by some hundredths of the face; the closer look brings that down to a quarter, and tells
    faces from what only looks like one from afar.
    """

    def __init__(self, threads: int | None = None, *, crowds: bool = True) -> None:
        """`threads` look at photos at once, others wait; None: as many as there are cores.

        For `crowds`, `ready` makes ready for several photos in one look, some 40 MB.
        """
        self._crowds = crowds
        cv2.setNumThreads(1)  # photos are worked on side by side, each on one core
        self._threads = threads or cores()
        self._far = BlazeFace(FULL_RANGE, self._threads, USUAL[:1])
        self._near = BlazeFace(SHORT_RANGE, self._threads, [(NEAR, NEAR)])

    def ready(self) -> None:
        """Make ready for what the first photo of a till seldom needs; `find` may run meanwhile."""
        for shape in USUAL:
            self._far.prepare(shape, looks=self._threads)
            self._near.prepare((NEAR, NEAR), looks=self._threads)
        self._far.prepare((FULL_RANGE.side, FULL_RANGE.side))
        if self._crowds:
            for shape in USUAL:
                self._far.prepare_together(shape)
            self._near.prepare_together((NEAR, NEAR))

    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        """The faces in a photo of shape (height, width, 3), the likeliest first.

        Also gives the highest probability of any place, 0 to 1, for when there are none.
        """
        return self.find_all([pixels])[0]

    def find_all(self, photos: Sequence[Pixels]) -> list[tuple[list[Face], float]]:
        """The same for each of several photos, one network after the other.

        That takes less time than one photo after the other: a network stays in the core's caches.
        """
        searches = [_Search(pixels) for pixels in photos]
        for sweep in SWEEPS:
            fruitless = [search for search in searches if not search.faces]
            places = self._places(fruitless, sweep)
            looked = self._closer([(search.pixels, place) for search, place in places])
            for (search, _), face in zip(places, looked, strict=True):
                search.best = max(search.best, face.probability)
                if face.probability >= sweep.threshold:
                    search.faces.append(face)
            for search in fruitless:
                search.faces = distinct(search.faces)
        return [(search.faces, search.best) for search in searches]

    def _places(self, searches: Sequence[_Search], sweep: Sweep) -> list[tuple[_Search, Face]]:
        """Where the photos may have faces."""
        views = [(search, view) for search in searches for view in sweep.views(search.pixels)]
        looks = self._far.looks(
            [view.seen(search.pixels, sweep.side) for search, view in views], sweep.place
        )
        found: list[tuple[_Search, Face]] = []
        for (search, view), (seen, likeliest) in zip(views, looks, strict=True):
            if likeliest < sweep.place:  # else the closer look says how likely
                search.best = max(search.best, likeliest)
            least = sweep.width * max(search.pixels.shape)
            places = [view.to_photo(place, sweep.side) for place in seen[:MOST]]
            found += [(search, place) for place in places if place.width >= least]
        return found

    def closer(self, pixels: Pixels, place: Face) -> Face:
        """The face at a place with its points placed more exactly, as likely as it looks now.

        The place itself, with probability 0, where no face is in the middle of the closer look.
        """
        return self._closer([(pixels, place)])[0]

    def _closer(self, places: Sequence[tuple[Pixels, Face]]) -> list[Face]:
        """The same for places in several photos."""
        views = [View.around(place, CLOSER) for _, place in places]
        seen = [view.seen(pixels, NEAR) for view, (pixels, _) in zip(views, places, strict=True)]
        looks = self._near.looks(seen, CENTRED)
        return [
            _in_the_middle([view.to_photo(face, NEAR) for face in faces], place)
            for view, (_, place), (faces, _) in zip(views, places, looks, strict=True)
        ]


def _in_the_middle(seen: Sequence[Face], place: Face) -> Face:
    """The likeliest face of those at the place; the place, with probability 0, if there is none."""
    centred = [face for face in seen if math.dist(face.centre, place.centre) < place.width / 2]
    if not centred:
        return Face(place.corners, place.landmarks, 0.0)
    return max(centred, key=lambda face: face.probability)
