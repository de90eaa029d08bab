import numpy as np
import pandas as pd
import pytest

from checkout_age.server.age import YEARS
from checkout_age.server.calibration import Calibration
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.evaluation.checks import Share, check_figures
from checkout_age.training.evaluation.scores import Scores


def scores_of(actual: list[float], told: list[int]) -> Scores:
    """Photos of people of some ages, each told one age beyond doubt."""
    logits = np.full((len(told), YEARS), -50, np.float32)
    logits[np.arange(len(told)), told] = 50
    ages = np.array(actual, np.float32)
    photos = tuple(map(str, range(len(told))))
    faces = Faces(photos, ages, np.zeros(len(told), np.float32), audit=pd.DataFrame())  # type: ignore[arg-type]
    return Scores(faces, np.zeros((len(told), 1, 1, 3), np.uint8), logits, Calibration())


def test_who_is_under_age_and_told_to_be_old_enough_is_a_false_clear() -> None:
    scores = scores_of([10, 16, 17, 30, 40], [10, 25, 17, 30, 12])
    figures = next(each for each in check_figures(scores, [18]) if each.rule.allowed == 0.01)
    assert (figures.false_clear.some, figures.false_clear.all) == (1, 3)
    assert (figures.false_clear_nearly.some, figures.false_clear_nearly.all) == (1, 2)
    assert (figures.challenged.some, figures.challenged.all) == (1, 2)


def test_a_share_of_none_still_has_an_interval() -> None:
    low, high = Share(0, 100).interval
    assert low == 0
    assert high == pytest.approx(0.037, abs=0.001)
    assert str(Share(1, 2)).startswith("50.0% (")
    assert str(Share(0, 0)) == "no photos"
