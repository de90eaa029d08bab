"""What became of one purchase's photo."""

from dataclasses import dataclass
from enum import StrEnum

from checkout_age.v1 import age_estimation_pb2 as pb


class Status(StrEnum):
    """How a purchase's photo fared; one of these stands in every row."""

    SCORED = "scored"
    NO_PHOTO = "no_photo"
    """The purchase names no photo."""
    MISSING_PHOTO = "missing_photo"
    """The photo it names is not there or cannot be opened."""
    EMPTY_PHOTO = "empty_photo"
    PHOTO_TOO_LARGE = "photo_too_large"
    NOT_A_PHOTO = "not_a_photo"
    DAMAGED_PHOTO = "damaged_photo"
    NO_FACE = "no_face"
    UNKNOWN_PROBLEM = "unknown_problem"
    """A newer server named a problem that this job does not know; the reason has its words."""


STATUS_OF_PROBLEM = {
    pb.PROBLEM_NO_FACE: Status.NO_FACE,
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

    @classmethod
    def answered(cls, response: pb.EstimateAgesResponse, photo_sha256: str) -> "Outcome":
        """The outcome that the server gave."""
        if response.WhichOneof("outcome") == "estimate":
            return cls(Status.SCORED, None, photo_sha256, response.estimate, response.model_version)
        problem = response.problem
        status = STATUS_OF_PROBLEM.get(problem.problem, Status.UNKNOWN_PROBLEM)
        return cls(status, problem.message, photo_sha256, None, response.model_version)
