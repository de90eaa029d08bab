import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from checkout_age.server.age import YEARS, AgeDistribution, Logits
from checkout_age.server.calibration import Calibration
from checkout_age.training.evaluation.calibration import (
    expected_calibration_error,
    fit_calibration,
    needed_levels,
    reliability,
    softmax,
)


def drawn(count: int, spread: float) -> tuple[Logits, NDArray[np.float32]]:
    """Logits that know each age to within the spread, and ages drawn by just these."""
    generator = np.random.default_rng(0)
    centres = generator.uniform(20, 60, count)[:, None]
    logits = -0.5 * ((np.arange(YEARS) - centres) / spread) ** 2
    ages = [generator.choice(YEARS, p=row) for row in softmax(logits.astype(np.float32))]
    return logits.astype(np.float32), np.array(ages, np.float32)


def test_logits_that_are_too_sure_are_cooled_by_what_they_were_heated_with() -> None:
    logits, ages = drawn(4000, spread=5)
    assert fit_calibration(logits, ages).temperature == pytest.approx(1, rel=0.1)
    assert fit_calibration(logits * 2, ages).temperature == pytest.approx(2, rel=0.1)


def test_calibrated_intervals_take_in_nine_of_ten_ages_even_where_the_tails_are_wrong() -> None:
    logits, ages = drawn(2000, spread=5)
    ages[::8] += 15  # more outliers than any softmax of these logits expects
    calibration = fit_calibration(logits[::2], ages[::2])
    inside = []
    for row, age in zip(logits[1::2], ages[1::2], strict=True):
        low, high = calibration.interval(calibration.distribution(row))
        inside.append(low <= age <= high)
    assert np.mean(inside) > 0.85
    fitted = []
    for row, age in zip(logits[::2], ages[::2], strict=True):
        low, high = calibration.interval(calibration.distribution(row))
        fitted.append(low <= age <= high)
    assert np.mean(fitted) == pytest.approx(0.9, abs=0.01)


@given(st.integers(0, 110), st.integers(0, 100))
def test_an_interval_of_the_needed_level_reaches_the_age_and_no_further(
    age: int, centre: int
) -> None:
    by_year = softmax((-0.5 * ((np.arange(YEARS) - centre) / 20) ** 2)[None].astype(np.float32))
    level = float(needed_levels(by_year, np.array([age], np.float32))[0])
    low, high = AgeDistribution(by_year[0]).interval(min(level + 1e-9, 1.0))
    assert low - 1e-6 <= min(age, 100) <= high + 1e-6
    assert min(abs(low - min(age, 100)), abs(high - min(age, 100))) < 0.05


def test_the_calibration_error_is_the_gap_between_said_and_seen() -> None:
    said = np.array([0.95] * 10 + [0.55] * 10)
    right = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert expected_calibration_error(said, right) == pytest.approx((0.05 + 0.25) / 2)
    table = reliability(said, right)
    assert table["answers"].tolist() == [10, 10]
    assert table["seen"].tolist() == pytest.approx([0.3, 0.9])


def test_bands_of_told_ages_have_levels_of_their_own() -> None:
    logits, ages = drawn(4000, spread=5)
    old = ages > 40
    ages[old] += 8 * np.sign(np.random.default_rng(1).normal(size=int(old.sum())))
    calibration = fit_calibration(logits, ages)
    assert len(calibration.told_from) == len(calibration.levels) == 4
    assert calibration.level(25) < calibration.level(55)
    few = fit_calibration(logits[:100], ages[:100])
    assert few.told_from == (0.0,)


@pytest.mark.parametrize(
    ("told_from", "levels", "words"),
    [
        ((0.0, 30.0), (0.9,), "levels must be 2 numbers"),
        ((10.0,), (0.9,), "must ascend from 0"),
        ((0.0, 30.0, 20.0), (0.9, 0.9, 0.9), "must ascend from 0"),
        ((0.0,), (1.0,), "between 0 and 1"),
    ],
)
def test_a_calibration_that_leaves_a_gap_is_refused(
    told_from: tuple[float, ...], levels: tuple[float, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Calibration(1.0, told_from, levels)
