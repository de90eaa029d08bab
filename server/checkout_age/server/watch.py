"""The watch: is told what happens to each photo, and tells metrics and traces."""

from typing import Protocol

from checkout_age.server import traces
from checkout_age.server.face import FaceFault
from checkout_age.server.metrics import Metrics
from checkout_age.server.photo import PhotoFault

PROBLEM_OF_FAULT = {
    FaceFault.NO_FACE: "no_face",
    FaceFault.SEVERAL_FACES: "several_faces",
    FaceFault.TOO_SMALL: "face_too_small",
    FaceFault.TOO_BLURRED: "too_blurred",
    FaceFault.TOO_DARK: "too_dark",
    PhotoFault.EMPTY: "empty_photo",
    PhotoFault.TOO_LARGE: "photo_too_large",
    PhotoFault.NOT_A_PHOTO: "not_a_photo",
    PhotoFault.DAMAGED: "damaged_photo",
}
"""The contract's names of problems, in small letters."""


class Watch(Protocol):
    """Is told what happens to photos, on the event loop, in the context of their call."""

    def stage(self, name: str, began: float, ended: float) -> None:
        """A photo was in a stage between two seconds of time.perf_counter."""

    def batch(self, size: int) -> None:
        """The network has run on so many chips; from any thread."""

    def photo(self, outcome: str) -> None:
        """A photo was answered: "estimate", or the name of its problem in small letters."""


class Unwatched:
    """Tells nobody."""

    def stage(self, name: str, began: float, ended: float) -> None:
        """See Watch."""

    def batch(self, size: int) -> None:
        """See Watch."""

    def photo(self, outcome: str) -> None:
        """See Watch."""


class Watched:
    """Counts, and adds to the span of a call that is traced."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.batch = metrics.batch
        self.photo = metrics.photo

    def stage(self, name: str, began: float, ended: float) -> None:
        """See Watch."""
        self._metrics.stage(name, ended - began)
        span = traces.current.get()
        if span is not None:
            span.stage(name, began, ended)
