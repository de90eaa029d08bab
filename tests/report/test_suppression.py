import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_age.batch.report.suppression import (
    chance,
    outward,
    rounded,
    step_of,
    suppressed,
    to_steps,
)


def test_a_group_below_the_threshold_is_suppressed_and_never_alone() -> None:
    hidden = suppressed(np.array([[50, 9, 12, 30], [50, 9, 0, 30], [50, 10, 12, 30]]), 10)
    assert hidden.tolist() == [
        [False, True, True, False],  # the next smallest goes with it
        [False, True, True, False],
        [False, False, False, False],
    ]


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8))
def test_no_row_ever_lacks_just_one_group(counts: list[int]) -> None:
    hidden = suppressed(np.array([counts]), 10)[0]
    assert hidden.sum() != 1
    assert all(is_hidden for is_hidden, count in zip(hidden, counts, strict=True) if count < 10)


@given(st.integers(10, 10_000), st.text(max_size=8))
def test_a_count_becomes_one_of_its_neighbouring_multiples_and_always_the_same(
    count: int, key: str
) -> None:
    told = rounded(count, 10, key)
    assert told % 10 == 0
    assert abs(told - count) < 10
    assert told >= 10
    assert rounded(count, 10, key) == told


def test_rounding_is_right_on_average_and_exact_multiples_stay() -> None:
    told = [rounded(43, 10, str(key)) for key in range(4000)]
    assert np.mean(told) == pytest.approx(43, abs=0.3)
    assert {rounded(40, 10, str(key)) for key in range(100)} == {40}
    assert 0 <= chance("any") < 1


def test_shares_come_in_steps_and_intervals_only_grow() -> None:
    step = np.array([[0.05]])
    assert to_steps(np.array([[0.333]]), step) == pytest.approx(0.35)
    low, high = outward(np.array([[0.31]]), np.array([[0.36]]), step)
    assert [low.item(), high.item()] == pytest.approx([0.30, 0.40])
    low, high = outward(np.array([[0.30]]), np.array([[0.40]]), step)
    assert [low.item(), high.item()] == pytest.approx([0.30, 0.40])


def test_refunds_make_steps_as_coarse_as_themselves_and_a_row_of_them_tells_nothing() -> None:
    steps = step_of(np.array([500.0, 500.0]), np.array([300.0, 300.0]), np.array([1e3, -1e3]), 10)
    assert steps[0] == pytest.approx(0.3)
    assert steps[1] == np.inf


def test_one_large_purchase_makes_the_steps_of_revenue_as_coarse_as_itself() -> None:
    step = step_of(
        np.array([100.0, 100.0, 0.0]),
        np.array([5.0, 500.0, 0.0]),
        np.array([1000.0, 1000.0, 0.0]),
        10,
    )
    assert step.tolist() == [pytest.approx(0.1), pytest.approx(0.5), np.inf]
