"""What became of one purchase's photo."""

from dataclasses import dataclass, replace
from enum import StrEnum

from checkout_age.v1 import age_estimation_pb2 as pb


class Status(StrEnum):
    """How a purchase's photo fared; one of these stands in every row."""

    SCORED = "scored"
    NO_PHOTO = "no_photo"
    """The purchase names no photo."""
    MISSING_PHOTO = "missing_photo"
    """The photo it names is not there or cannot be opened."""
    PHOTO_OUTSIDE_ROOT = "photo_outside_root"
    """The path it names leads out of the folder of photos; nothing was opened."""
    EMPTY_PHOTO = "empty_photo"
    PHOTO_TOO_LARGE = "photo_too_large"
    NOT_A_PHOTO = "not_a_photo"
    DAMAGED_PHOTO = "damaged_photo"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    """More than one, and the server was told not to choose."""
    FACE_TOO_SMALL = "face_too_small"
    TOO_BLURRED = "too_blurred"
    TOO_DARK = "too_dark"
    UNANSWERED = "unanswered"
    """Sent alone several times, and the server broke down or kept silent each time."""
    UNKNOWN_PROBLEM = "unknown_problem"
    """A newer server named a problem that this job does not know; the reason has its words."""


STATUS_OF_PROBLEM = {
    pb.PROBLEM_NO_FACE: Status.NO_FACE,
    pb.PROBLEM_SEVERAL_FACES: Status.SEVERAL_FACES,
    pb.PROBLEM_FACE_TOO_SMALL: Status.FACE_TOO_SMALL,
    pb.PROBLEM_TOO_BLURRED: Status.TOO_BLURRED,
    pb.PROBLEM_TOO_DARK: Status.TOO_DARK,
    pb.PROBLEM_EMPTY_PHOTO: Status.EMPTY_PHOTO,
    pb.PROBLEM_PHOTO_TOO_LARGE: Status.PHOTO_TOO_LARGE,
    pb.PROBLEM_NOT_A_PHOTO: Status.NOT_A_PHOTO,
    pb.PROBLEM_DAMAGED_PHOTO: Status.DAMAGED_PHOTO,
}


@dataclass(frozen=True)
class Outcome:
    """A photo's status, and its estimate where it was scored."""

    status: Status
    reason: str | None = None
    """One sentence for people; None where the photo was scored."""
    photo_sha256: str | None = None
    """Hexadecimal; None where there were no bytes."""
    estimate: pb.AgeEstimate | None = None
    model_version: str | None = None
    """The model that answered; None where the photo was never sent."""
    faces_found: int | None = None
    """None where no face was looked for."""
    measured: float | None = None
    """What the face was refused for, and below what; None where it was not."""
    threshold: float | None = None

    @classmethod
    def answered(cls, response: pb.EstimateAgesResponse, photo_sha256: str) -> "Outcome":
        """The outcome that the server gave."""
        version = response.model_version
        if response.WhichOneof("outcome") == "estimate":
            estimate = response.estimate
            return cls(
                Status.SCORED, None, photo_sha256, estimate, version, estimate.faces_found or None
            )
        problem = response.problem
        status = STATUS_OF_PROBLEM.get(problem.problem, Status.UNKNOWN_PROBLEM)
        outcome = cls(status, problem.message, photo_sha256, None, version)
        if not problem.HasField("measured"):
            return outcome
        return replace(
            outcome,
            faces_found=problem.faces_found,
            measured=problem.measured,
            threshold=problem.threshold,
        )
