"""Finding faces: a look at the whole photo, then a closer one at each place that may be a face."""

import cv2
import numpy as np

from checkout_age.server.blazeface import FULL_RANGE, SHORT_RANGE, BlazeFace, distinct
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.view import View

PLACE = 0.5
"""The least probability of a place that is looked at closely."""
THRESHOLD = 0.65
"""The least probability in the closer look that counts as a face."""
IN_TIGHT = 0.5
"""The least in a photo that is cut to the face, where little else can be mistaken for one."""
MARGIN = 0.8
"""Black around a photo whose face is larger than those the detector knows, in longer sides."""
TIGHT = 0.35
"""The least width of a face then, in longer sides: this look is for photos cut to the face."""
TILE = 0.5
"""Side of the parts that are looked at for far faces, in longer sides; they overlap by half."""
USUAL = ((160, 192), (128, 192))
"""Rows and columns of the first look at photos of 4 : 3 and 16 : 9, made ready from the start;
another shape costs the first photo of its kind a fraction of a second."""
CLOSER = 2.0
"""The closer look takes in this many widths of the face."""
MOST = 20
"""Faces of a photo that are looked at closely, the likeliest ones."""


class FaceFinder:
    """Two networks: one finds places, one confirms and measures them; safe in several threads.

    In a whole scene a face is a few pixels of the first network's view, so its points are off
    by some hundredths of the face; the closer look brings that down to a quarter, and tells
    faces from what only looks like one from afar.
    """

    def __init__(self) -> None:
        cv2.setNumThreads(1)  # photos are worked on side by side, each on one core
        self._far = BlazeFace(FULL_RANGE, USUAL)
        self._near = BlazeFace(SHORT_RANGE)

    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        """The faces in a photo of shape (height, width, 3), the likeliest first.

        Also gives the highest probability of any place, 0 to 1, for when there are none.
        """
        best = 0.0
        for views, needed, least in (
            ([View.of_whole(pixels)], THRESHOLD, 0.0),
            ([View.with_margin(pixels, MARGIN)], IN_TIGHT, TIGHT * max(pixels.shape)),
            (View.tiles(pixels, TILE), THRESHOLD, 0.0),
        ):
            looked: list[Face] = []
            for view in views:
                seen, likeliest = self._far.look(view.seen(pixels, self._far.side), PLACE)
                if likeliest < PLACE:  # else the closer look says how likely
                    best = max(best, likeliest)
                places = [view.to_photo(place, self._far.side) for place in seen[:MOST]]
                looked += [self.closer(pixels, face) for face in places if face.width >= least]
            best = max([best, *(face.probability for face in looked)])
            found = distinct([face for face in looked if face.probability >= needed])
            if found:
                return found, best
        return [], best

    def closer(self, pixels: Pixels, place: Face) -> Face:
        """The face at a place with its points placed more exactly, as likely as it looks now.

        The place itself, with probability 0, where no face is in the middle of the closer look.
        """
        view = View.around(place, CLOSER)
        seen, _ = self._near.look(view.seen(pixels, self._near.side), PLACE)
        centred = [
            face
            for face in (view.to_photo(each, self._near.side) for each in seen)
            if np.hypot(*(face.centre - place.centre)) < place.width / 2
        ]
        if not centred:
            return Face(place.corners, place.landmarks, 0.0)
        return max(centred, key=lambda face: face.probability)
