"""BlazeFace: faces in views, with the points of each (Bazarevsky et al. 2019)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from checkout_age.server.blazeface_network import POINTS, Compiler, Form, Network
from checkout_age.server.boxes import merged
from checkout_age.server.face import Face
from checkout_age.server.photo import Pixels
from checkout_age.server.pool import Pool
from checkout_age.server.runtime import FIRST_LOOK

TOGETHER = 4
"""Views of one shape that a network made for it looks at at once, which takes less time than one
after another."""


class BlazeFace:
    """One of the networks; safe to call from several threads.

    It is compiled anew for each look that is on at the same time, for one core and the thread that
    looks: looks that share a compiled network hand over to threads of its own and wait for those,
    while cores stand idle. Each holds some 13 MB, one for several views some 25.
    """

    def __init__(self, form: Form, looks: int, shapes: Sequence[tuple[int, int]] = ()) -> None:
        """Load the network for views of (rows, columns), square ones if none, and look once.

        See FIRST_LOOK. No more than `looks` are on at once, others wait.
        """
        self._form, self._looks = form, looks
        self._pools: dict[tuple[int, int], Pool[Network]] = {}
        self._together: dict[tuple[int, int], Pool[Network]] = {}
        shapes = shapes or [(form.side, form.side)]
        for shape in shapes:
            self.prepare(shape)
        with FIRST_LOOK:
            for rows, columns in shapes:
                self.look(np.zeros((rows, columns, 3), np.uint8), threshold=0.5)

    def prepare(self, shape: tuple[int, int], looks: int = 1) -> None:
        """Make ready for so many looks at once at views of (rows, columns), if so many may be.

        Else the first of them would each take a fraction of a second more.
        """
        self._pool(shape).prepare(looks)

    def prepare_together(self, shape: tuple[int, int]) -> None:
        """Make ready to look at several views of (rows, columns) at once.

        There is one such network for all threads: while it is in use, others look at their views
        one after another.
        """
        pool = Pool(Compiler(self._form, shape, TOGETHER), most=1)
        self._together.setdefault(shape, pool).prepare(1)

    @property
    def side(self) -> int:
        """Pixels of the longer side of a view that the network takes."""
        return self._form.side

    def look(self, view: Pixels, threshold: float) -> tuple[list[Face], float]:
        """Faces of at least the threshold's probability, the likeliest first.

        A view has shape (rows, columns, 3), both multiples of 32; points come in its pixels.
        Also gives the highest probability of any place, 0 to 1. The first look at a new shape
        takes half a second more.
        """
        return self.looks([view], threshold)[0]

    def looks(self, views: Sequence[Pixels], threshold: float) -> list[tuple[list[Face], float]]:
        """The same for each of several views, of any shapes."""
        found: dict[int, tuple[list[Face], float]] = {}
        left = sorted(range(len(views)), key=lambda index: views[index].shape)
        while left:
            with self._network([views[index] for index in left]) as network:
                some, left = left[: network.views], left[network.views :]
                outputs = network.run([views[index] for index in some])
                for index, (scores, points) in zip(some, outputs, strict=True):
                    found[index] = _faces(scores, points, network.anchors, threshold)
        return [found[index] for index in range(len(views))]

    @contextmanager
    def _network(self, views: Sequence[Pixels]) -> Iterator[Network]:
        """For several of the views, the first ones, where one is made for them and idle."""
        rows, columns, _ = views[0].shape
        shape = (rows, columns)
        together = self._together.get(shape)
        if together and [view.shape for view in views[:TOGETHER]] == [views[0].shape] * TOGETHER:
            with together.idle_one() as network:
                if network is not None:
                    yield network
                    return
        with self._pool(shape).one() as network:
            yield network

    def _pool(self, shape: tuple[int, int]) -> Pool[Network]:
        pool = self._pools.get(shape)
        if pool is None:
            pool = Pool(Compiler(self._form, shape), self._looks)
        return self._pools.setdefault(shape, pool)


def _faces(
    scores: NDArray[np.float32],
    regressed: NDArray[np.float32],
    anchors: NDArray[np.float32],
    threshold: float,
) -> tuple[list[Face], float]:
    """From what a network puts out for a view to the faces in it."""
    likely = (scores >= _score(threshold)).nonzero()[0]
    if not likely.size:
        return [], float(_probability(scores.max(keepdims=True))[0])
    points, probabilities = regressed[likely].reshape(-1, POINTS, 2), _probability(scores[likely])
    origins = anchors[likely][:, None]
    points[:, 2:] += origins
    centre, half = points[:, :1] + origins, points[:, 1:2] / 2
    points[:, :1], points[:, 1:2] = centre - half, centre + half
    return merged(points, probabilities), float(probabilities.max())


def _probability(score: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function; beyond 80 either way it is 0 or 1 in single precision."""
    return np.asarray(1 / (1 + np.exp(np.minimum(np.maximum(-score, -80), 80))), np.float32)


def _score(probability: float) -> float:
    return math.log(probability / (1 - probability))
