import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_age.server.age import DEFAULT_GROUPS, YEARS, AgeDistribution, AgeGroup, AgeGroups


def certain(age: int) -> AgeDistribution:
    by_year = np.zeros(YEARS)
    by_year[age] = 1
    return AgeDistribution(by_year)


def test_the_default_groups_are_the_shops() -> None:
    labels = [group.label for group in DEFAULT_GROUPS.groups]
    assert labels == ["0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"]


def test_a_certain_age_is_itself_and_lies_in_its_group() -> None:
    assert certain(34).age == 34
    assert certain(34).likeliest(DEFAULT_GROUPS) == AgeGroup(25, 34)
    assert certain(100).likeliest(DEFAULT_GROUPS).label == "65+"


def test_the_interval_of_a_flat_distribution_leaves_out_the_tails() -> None:
    low, high = AgeDistribution(np.full(YEARS, 1 / YEARS)).interval(0.9)
    assert low == pytest.approx(YEARS * 0.05 - 0.5)
    assert high == pytest.approx(YEARS * 0.95 - 0.5)


@given(st.lists(st.floats(-30, 30, width=32), min_size=YEARS, max_size=YEARS), st.floats(0.5, 3))
def test_any_logits_give_groups_that_sum_to_one_and_an_interval_in_range(
    logits: list[float], temperature: float
) -> None:
    distribution = AgeDistribution.from_logits(np.array(logits, np.float32), temperature)
    low, high = distribution.interval(0.9)
    assert 0 <= low <= high <= 100
    assert 0 <= distribution.age <= 100
    total = distribution.probabilities(DEFAULT_GROUPS).sum()
    assert total == pytest.approx(1)


def test_a_higher_temperature_is_less_sure() -> None:
    logits = np.zeros(YEARS, np.float32)
    logits[30] = 5
    sure, unsure = (AgeDistribution.from_logits(logits, heat) for heat in (1.0, 2.0))
    assert sure.by_year[30] > unsure.by_year[30]


@pytest.mark.parametrize("starts", [[], [1, 18], [0, 18, 18], [0, 30, 20], [0, 101]])
def test_groups_that_leave_gaps_or_overlap_are_refused(starts: list[int]) -> None:
    with pytest.raises(ValueError, match="age group"):
        AgeGroups.starting_at(starts)


def test_a_distribution_of_another_shape_or_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        AgeDistribution(np.ones(3) / 3)
    with pytest.raises(ValueError, match="sum to 1"):
        AgeDistribution(np.ones(YEARS))


def test_a_quantile_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0 to 1, got 1\.5"):
        certain(1).quantile(1.5)
