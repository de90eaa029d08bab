"""The shopper: from the bytes of a photo to the chip of the face that an age is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from checkout_age.server.chip import cut_chip, enlargement
from checkout_age.server.choice import SeveralFaces, shopper_among
from checkout_age.server.decoder import decode
from checkout_age.server.face import Face, FaceError, FaceFault
from checkout_age.server.face_finder import THRESHOLD
from checkout_age.server.photo import DEFAULT_LIMITS, Photo, PhotoError, PhotoLimits, Pixels
from checkout_age.server.quality import DEFAULT_QUALITY, SIDE, QualityLimits, require_quality

ENOUGH = 960
"""Pixels of the longer side at which large JPEGs are decoded first."""


@dataclass(frozen=True, eq=False)
class Shopper:
    """Whoever stands before the till."""

    chip: Pixels
    """Shape (side, side, 3)."""
    face: Face
    """In pixels of the upright photo."""
    faces_found: int


@dataclass(frozen=True)
class Acceptance:
    """Which photos are given an age."""

    limits: PhotoLimits = DEFAULT_LIMITS
    quality: QualityLimits = DEFAULT_QUALITY
    several_faces: SeveralFaces = SeveralFaces.CHOOSE


class Faces(Protocol):
    """Finds faces in pixels, as FaceFinder does."""

    def find_all(self, photos: Sequence[Pixels]) -> list[tuple[list[Face], float]]:
        """For each photo its faces, and the highest probability of one anywhere."""

    def closer(self, pixels: Pixels, face: Face) -> Face:
        """The same face, its points placed more exactly."""

    def ready(self) -> None:
        """Make ready for photos of every usual kind, if that is not done; it finds meanwhile."""


@dataclass(frozen=True)
class ShopperFinder:
    """Decodes, finds, chooses, judges and cuts; safe to call from several threads."""

    faces: Faces
    chip_side: int
    acceptance: Acceptance = field(default_factory=Acceptance)

    def find(self, photo: bytes) -> Shopper:
        """The shopper in a JPEG, PNG or WebP file.

        Raises:
            PhotoError: the bytes are no photo that can be read.
            FaceError: the photo shows no face, or none that can be used.
        """
        (outcome,) = self.find_all([photo])
        if isinstance(outcome, Shopper):
            return outcome
        raise outcome

    def find_all(self, photos: Sequence[bytes]) -> list[Shopper | PhotoError | FaceError]:
        """For each photo its shopper, or why there is none; no photo is in another's way.

        Several at once take less time than one after another: what each stage needs is in the
        core's caches then.
        """
        decoded = [self._decoded(photo) for photo in photos]
        readable = [each for each in decoded if isinstance(each, Photo)]
        found = iter(self.faces.find_all([each.pixels for each in readable]))
        return [
            self._outcome(photo, each, next(found)) if isinstance(each, Photo) else each
            for photo, each in zip(photos, decoded, strict=True)
        ]

    def _decoded(self, photo: bytes) -> Photo | PhotoError:
        try:
            return decode(photo, self.acceptance.limits, enough=ENOUGH)
        except PhotoError as error:
            return error

    def _outcome(
        self, photo: bytes, decoded: Photo, found: tuple[list[Face], float]
    ) -> Shopper | PhotoError | FaceError:
        try:
            return self._shopper(photo, decoded, *found)
        except (PhotoError, FaceError) as error:
            return error

    def _shopper(
        self, photo: bytes, decoded: Photo, faces: Sequence[Face], likeliest: float
    ) -> Shopper:
        """Whose face is asked for, cut out of the photo."""
        pixels, reduction = decoded.pixels, decoded.reduction
        if not faces:
            raise FaceError(
                FaceFault.NO_FACE,
                f"no face was found: the likeliest place reached {likeliest:.2f}, "
                f"{THRESHOLD} is needed",
                measured=likeliest,
                threshold=THRESHOLD,
                faces_found=0,
            )
        chosen = shopper_among(faces, pixels, self.acceptance.several_faces)
        if reduction > 1 and enlargement(chosen, self.chip_side) > 1:
            pixels = decode(photo, self.acceptance.limits).pixels  # the face needs all there is
            chosen, reduction = self.faces.closer(pixels, chosen.moved(reduction)), 1
        chip = cut_chip(pixels, chosen, self.chip_side)
        shown = chip if self.chip_side >= SIDE else cut_chip(pixels, chosen, SIDE)
        face = chosen if reduction == 1 else chosen.moved(reduction)
        shopper = Shopper(chip, face, len(faces))
        require_quality(
            shown,
            self.acceptance.quality,
            width=shopper.face.width,
            faces_found=shopper.faces_found,
        )
        return shopper
