"""Between the server's values and the contract's messages."""

from checkout_age.server.age import AgeDistribution, AgeGroup, AgeGroups
from checkout_age.server.bundle import Bundle
from checkout_age.server.face import NoFaceError
from checkout_age.server.photo import PhotoError, PhotoFault, PhotoLimits
from checkout_age.v1 import age_estimation_pb2 as pb

PROBLEM_OF_FAULT = {
    PhotoFault.EMPTY: pb.PROBLEM_EMPTY_PHOTO,
    PhotoFault.TOO_LARGE: pb.PROBLEM_PHOTO_TOO_LARGE,
    PhotoFault.NOT_A_PHOTO: pb.PROBLEM_NOT_A_PHOTO,
    PhotoFault.DAMAGED: pb.PROBLEM_DAMAGED_PHOTO,
}


def to_estimate(distribution: AgeDistribution, groups: AgeGroups) -> pb.AgeEstimate:
    """All that the contract says about one shopper's age."""
    low, high = distribution.interval(0.9)
    return pb.AgeEstimate(
        age=distribution.age,
        age_low=low,
        age_high=high,
        age_group=to_group(distribution.likeliest(groups)),
        age_group_probabilities=[
            pb.AgeGroupProbability(
                age_group=to_group(group), probability=distribution.probability_of(group)
            )
            for group in groups.groups
        ],
        age_distribution=distribution.by_year.tolist(),
    )


def to_problem(error: PhotoError | NoFaceError) -> pb.PhotoProblem:
    """Why a photo was not scored."""
    problem = PROBLEM_OF_FAULT[error.fault] if isinstance(error, PhotoError) else pb.PROBLEM_NO_FACE
    return pb.PhotoProblem(problem=problem, message=str(error))


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
    )
