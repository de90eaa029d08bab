from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Problem(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROBLEM_UNSPECIFIED: _ClassVar[Problem]
    PROBLEM_NO_FACE: _ClassVar[Problem]
    PROBLEM_EMPTY_PHOTO: _ClassVar[Problem]
    PROBLEM_PHOTO_TOO_LARGE: _ClassVar[Problem]
    PROBLEM_NOT_A_PHOTO: _ClassVar[Problem]
    PROBLEM_DAMAGED_PHOTO: _ClassVar[Problem]
    PROBLEM_SEVERAL_FACES: _ClassVar[Problem]
    PROBLEM_FACE_TOO_SMALL: _ClassVar[Problem]
    PROBLEM_TOO_BLURRED: _ClassVar[Problem]
    PROBLEM_TOO_DARK: _ClassVar[Problem]

class AgeCheck(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGE_CHECK_UNSPECIFIED: _ClassVar[AgeCheck]
    AGE_CHECK_CLEAR: _ClassVar[AgeCheck]
    AGE_CHECK_CHALLENGE: _ClassVar[AgeCheck]
    AGE_CHECK_CANNOT_TELL: _ClassVar[AgeCheck]
PROBLEM_UNSPECIFIED: Problem
PROBLEM_NO_FACE: Problem
PROBLEM_EMPTY_PHOTO: Problem
PROBLEM_PHOTO_TOO_LARGE: Problem
PROBLEM_NOT_A_PHOTO: Problem
PROBLEM_DAMAGED_PHOTO: Problem
PROBLEM_SEVERAL_FACES: Problem
PROBLEM_FACE_TOO_SMALL: Problem
PROBLEM_TOO_BLURRED: Problem
PROBLEM_TOO_DARK: Problem
AGE_CHECK_UNSPECIFIED: AgeCheck
AGE_CHECK_CLEAR: AgeCheck
AGE_CHECK_CHALLENGE: AgeCheck
AGE_CHECK_CANNOT_TELL: AgeCheck

class PhotoProblem(_message.Message):
    __slots__ = ("problem", "message", "measured", "threshold", "faces_found")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FACES_FOUND_FIELD_NUMBER: _ClassVar[int]
    problem: Problem
    message: str
    measured: float
    threshold: float
    faces_found: int
    def __init__(self, problem: _Optional[_Union[Problem, str]] = ..., message: _Optional[str] = ..., measured: _Optional[float] = ..., threshold: _Optional[float] = ..., faces_found: _Optional[int] = ...) -> None: ...

class FaceBox(_message.Message):
    __slots__ = ("left", "top", "width", "height")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    left: float
    top: float
    width: float
    height: float
    def __init__(self, left: _Optional[float] = ..., top: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ...) -> None: ...

class AgeGroup(_message.Message):
    __slots__ = ("youngest", "oldest", "label")
    YOUNGEST_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    youngest: int
    oldest: int
    label: str
    def __init__(self, youngest: _Optional[int] = ..., oldest: _Optional[int] = ..., label: _Optional[str] = ...) -> None: ...

class AgeGroupProbability(_message.Message):
    __slots__ = ("age_group", "probability")
    AGE_GROUP_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    age_group: AgeGroup
    probability: float
    def __init__(self, age_group: _Optional[_Union[AgeGroup, _Mapping]] = ..., probability: _Optional[float] = ...) -> None: ...

class AgeEstimate(_message.Message):
    __slots__ = ("age", "age_low", "age_high", "age_group", "age_group_probabilities", "age_distribution", "face", "faces_found")
    AGE_FIELD_NUMBER: _ClassVar[int]
    AGE_LOW_FIELD_NUMBER: _ClassVar[int]
    AGE_HIGH_FIELD_NUMBER: _ClassVar[int]
    AGE_GROUP_FIELD_NUMBER: _ClassVar[int]
    AGE_GROUP_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    AGE_DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    FACES_FOUND_FIELD_NUMBER: _ClassVar[int]
    age: float
    age_low: float
    age_high: float
    age_group: AgeGroup
    age_group_probabilities: _containers.RepeatedCompositeFieldContainer[AgeGroupProbability]
    age_distribution: _containers.RepeatedScalarFieldContainer[float]
    face: FaceBox
    faces_found: int
    def __init__(self, age: _Optional[float] = ..., age_low: _Optional[float] = ..., age_high: _Optional[float] = ..., age_group: _Optional[_Union[AgeGroup, _Mapping]] = ..., age_group_probabilities: _Optional[_Iterable[_Union[AgeGroupProbability, _Mapping]]] = ..., age_distribution: _Optional[_Iterable[float]] = ..., face: _Optional[_Union[FaceBox, _Mapping]] = ..., faces_found: _Optional[int] = ...) -> None: ...

class EstimateAgeRequest(_message.Message):
    __slots__ = ("photo",)
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    photo: bytes
    def __init__(self, photo: _Optional[bytes] = ...) -> None: ...

class EstimateAgeResponse(_message.Message):
    __slots__ = ("estimate", "problem", "model_version")
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    estimate: AgeEstimate
    problem: PhotoProblem
    model_version: str
    def __init__(self, estimate: _Optional[_Union[AgeEstimate, _Mapping]] = ..., problem: _Optional[_Union[PhotoProblem, _Mapping]] = ..., model_version: _Optional[str] = ...) -> None: ...

class CheckAgeRequest(_message.Message):
    __slots__ = ("photo", "minimum_age")
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_AGE_FIELD_NUMBER: _ClassVar[int]
    photo: bytes
    minimum_age: int
    def __init__(self, photo: _Optional[bytes] = ..., minimum_age: _Optional[int] = ...) -> None: ...

class CheckAgeResponse(_message.Message):
    __slots__ = ("check", "probability_under_age", "allowed_probability", "problem", "model_version")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_UNDER_AGE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    check: AgeCheck
    probability_under_age: float
    allowed_probability: float
    problem: PhotoProblem
    model_version: str
    def __init__(self, check: _Optional[_Union[AgeCheck, str]] = ..., probability_under_age: _Optional[float] = ..., allowed_probability: _Optional[float] = ..., problem: _Optional[_Union[PhotoProblem, _Mapping]] = ..., model_version: _Optional[str] = ...) -> None: ...

class EstimateAgesRequest(_message.Message):
    __slots__ = ("id", "photo")
    ID_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    id: str
    photo: bytes
    def __init__(self, id: _Optional[str] = ..., photo: _Optional[bytes] = ...) -> None: ...

class EstimateAgesResponse(_message.Message):
    __slots__ = ("id", "estimate", "problem", "model_version")
    ID_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    estimate: AgeEstimate
    problem: PhotoProblem
    model_version: str
    def __init__(self, id: _Optional[str] = ..., estimate: _Optional[_Union[AgeEstimate, _Mapping]] = ..., problem: _Optional[_Union[PhotoProblem, _Mapping]] = ..., model_version: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Metric(_message.Message):
    __slots__ = ("name", "value", "low", "high", "photos", "split")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    low: float
    high: float
    photos: int
    split: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., photos: _Optional[int] = ..., split: _Optional[str] = ...) -> None: ...

class ToldAge(_message.Message):
    __slots__ = ("actual_age", "told_quantiles")
    ACTUAL_AGE_FIELD_NUMBER: _ClassVar[int]
    TOLD_QUANTILES_FIELD_NUMBER: _ClassVar[int]
    actual_age: int
    told_quantiles: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, actual_age: _Optional[int] = ..., told_quantiles: _Optional[_Iterable[int]] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("name", "version", "age_groups", "metrics", "max_photo_bytes", "data_terms", "told_ages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AGE_GROUPS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MAX_PHOTO_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_TERMS_FIELD_NUMBER: _ClassVar[int]
    TOLD_AGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    age_groups: _containers.RepeatedCompositeFieldContainer[AgeGroup]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    max_photo_bytes: int
    data_terms: str
    told_ages: _containers.RepeatedCompositeFieldContainer[ToldAge]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., age_groups: _Optional[_Iterable[_Union[AgeGroup, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., max_photo_bytes: _Optional[int] = ..., data_terms: _Optional[str] = ..., told_ages: _Optional[_Iterable[_Union[ToldAge, _Mapping]]] = ...) -> None: ...
