"""Between the server's values and the contract's messages."""

from functools import lru_cache

from checkout_age.server.age import AgeGroup, AgeGroups
from checkout_age.server.bundle import Bundle
from checkout_age.server.check import AgeRule
from checkout_age.server.face import Face, FaceError, FaceFault
from checkout_age.server.photo import PhotoError, PhotoFault, PhotoLimits
from checkout_age.server.scorer import Scored
from checkout_age.v1 import age_estimation_pb2 as pb

PROBLEM_OF_FAULT = {
    FaceFault.NO_FACE: pb.PROBLEM_NO_FACE,
    FaceFault.SEVERAL_FACES: pb.PROBLEM_SEVERAL_FACES,
    FaceFault.TOO_SMALL: pb.PROBLEM_FACE_TOO_SMALL,
    FaceFault.TOO_BLURRED: pb.PROBLEM_TOO_BLURRED,
    FaceFault.TOO_DARK: pb.PROBLEM_TOO_DARK,
    PhotoFault.EMPTY: pb.PROBLEM_EMPTY_PHOTO,
    PhotoFault.TOO_LARGE: pb.PROBLEM_PHOTO_TOO_LARGE,
    PhotoFault.NOT_A_PHOTO: pb.PROBLEM_NOT_A_PHOTO,
    PhotoFault.DAMAGED: pb.PROBLEM_DAMAGED_PHOTO,
}


def to_estimate(scored: Scored, groups: AgeGroups) -> pb.AgeEstimate:
    """All that the contract says about one shopper's age."""
    distribution = scored.ages
    low, high = scored.interval
    estimate = pb.AgeEstimate(
        age=distribution.age,
        age_low=low,
        age_high=high,
        age_distribution=distribution.by_year.tolist(),
        face=to_box(scored.shopper.face),
        faces_found=scored.shopper.faces_found,
    )
    estimate.MergeFrom(_of_groups(groups))
    probabilities = distribution.probabilities(groups).tolist()
    for each, probability in zip(estimate.age_group_probabilities, probabilities, strict=True):
        each.probability = probability
    estimate.age_group.CopyFrom(to_group(distribution.likeliest(groups)))
    return estimate


@lru_cache
def _of_groups(groups: AgeGroups) -> pb.AgeEstimate:
    """What every estimate holds: the groups, by name."""
    return pb.AgeEstimate(
        age_group_probabilities=[
            pb.AgeGroupProbability(age_group=to_group(group)) for group in groups.groups
        ]
    )


def to_problem(error: PhotoError | FaceError) -> pb.PhotoProblem:
    """Why a photo was not scored."""
    problem = pb.PhotoProblem(problem=PROBLEM_OF_FAULT[error.fault], message=str(error))
    if isinstance(error, FaceError):
        problem.measured = error.measured
        problem.threshold = error.threshold
        problem.faces_found = error.faces_found
    return problem


def to_check(scored: Scored, rule: AgeRule) -> pb.CheckAgeResponse:
    """What staff are told of a shopper; of several people, that it cannot be told who buys."""
    found = scored.shopper.faces_found
    if found > 1:
        return cannot_tell(
            FaceError(
                FaceFault.SEVERAL_FACES,
                f"{found} faces were found, it cannot be told who wants to buy",
                measured=found,
                threshold=1,
                faces_found=found,
            ),
            rule,
        )
    clear = rule.clears(scored.ages)
    return pb.CheckAgeResponse(
        check=pb.AGE_CHECK_CLEAR if clear else pb.AGE_CHECK_CHALLENGE,
        probability_under_age=rule.under_age(scored.ages),
        allowed_probability=rule.allowed,
    )


def cannot_tell(error: FaceError, rule: AgeRule) -> pb.CheckAgeResponse:
    """What staff are told where the photo says nothing of the shopper's age."""
    return pb.CheckAgeResponse(
        check=pb.AGE_CHECK_CANNOT_TELL,
        allowed_probability=rule.allowed,
        problem=to_problem(error),
    )


def to_box(face: Face) -> pb.FaceBox:
    """Where the face is."""
    (left, top), (right, bottom) = face.corners.tolist()
    return pb.FaceBox(left=left, top=top, width=right - left, height=bottom - top)


def to_group(group: AgeGroup) -> pb.AgeGroup:
    """One age group."""
    return pb.AgeGroup(youngest=group.youngest, oldest=group.oldest, label=group.label)


def to_model(bundle: Bundle, groups: AgeGroups, limits: PhotoLimits) -> pb.GetModelResponse:
    """What is served."""
    return pb.GetModelResponse(
        name=bundle.facts.name,
        version=bundle.version,
        age_groups=[to_group(group) for group in groups.groups],
        metrics=[
            pb.Metric(
                name=metric.name,
                value=metric.value,
                low=metric.low,
                high=metric.high,
                photos=metric.photos,
                split=metric.split,
            )
            for metric in bundle.facts.metrics
        ],
        max_photo_bytes=limits.max_bytes,
        data_terms=bundle.facts.data_terms,
        told_ages=[
            pb.ToldAge(actual_age=row.actual, told_quantiles=row.quantiles)
            for row in bundle.facts.told_ages
        ],
    )
