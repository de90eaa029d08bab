from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Metric
from checkout_age.server.calibration import Calibration
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.evaluation.evaluation import ages_of, face_found, metrics, predict_logits
from checkout_age.training.evaluation.scores import Scores


def certain(*ages: int) -> Logits:
    logits = np.full((len(ages), YEARS), -50, np.float32)
    logits[np.arange(len(ages)), ages] = 50
    return logits


def scores_of(told: Logits, actual: list[float], **audit: list[str | None]) -> Scores:
    ages = np.array(actual, np.float32)
    photos = tuple(Path(f"{number}.jpg") for number in range(len(ages)))
    faces = Faces(photos, ages, np.zeros_like(ages), pd.DataFrame(audit))
    return Scores(faces, np.zeros((len(ages), 32, 32, 3), np.uint8), told, Calibration())


def named(scores: Scores) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics(scores, "test")}


def test_errors_are_listed_over_all_and_by_age_group() -> None:
    found = named(scores_of(certain(6, 13, 30, 36, 100), [5, 15, 30, 30, 110]))
    assert found["MAE"].value == pytest.approx((1 + 2 + 0 + 6 + 10) / 5)
    assert found["MAE 25-34"].value == pytest.approx(3)
    assert found["MAE 25-34"].photos == 2
    assert found["MAE 65+"].value == pytest.approx(10)
    assert "MAE 35-44" not in found
    assert found["within 3 years"].value == pytest.approx(0.6)
    assert found["age group right"].value == pytest.approx(0.8)
    assert sum(metric.photos for name, metric in found.items() if name.startswith("MAE ")) == 5


def test_errors_are_told_apart_by_what_is_audited_and_photos_without_it_left_out() -> None:
    scores = scores_of(certain(30, 30, 30), [31, 33, 35], gender=["male", "female", None])
    found = named(scores)
    assert found["MAE gender male"].value == pytest.approx(1)
    assert found["MAE gender female"].value == pytest.approx(3)


def test_the_interval_covers_ages_inside_it_and_an_age_above_100_counts_as_100() -> None:
    found = named(scores_of(certain(30, 30, 100), [30, 40, 116]))
    assert found["90 % interval covers"].value == pytest.approx(2 / 3)


def test_a_model_that_is_sure_and_right_has_no_calibration_error() -> None:
    assert named(scores_of(certain(30, 5), [30, 5]))["age group calibration error"].value < 0.01
    assert named(scores_of(certain(30, 5), [5, 30]))["age group calibration error"].value > 0.99


def test_photos_without_a_face_are_counted() -> None:
    scores = scores_of(certain(30, 30), [30, 30])
    zeros = np.zeros(4, np.float32)
    everyone = Faces((*scores.faces.photos, Path("a"), Path("b")), zeros, zeros)
    assert face_found(scores, everyone, "test").value == pytest.approx(0.5)


def test_the_interval_holds_the_figure_and_narrows_with_more_photos() -> None:
    generator = np.random.default_rng(0)

    def interval(count: int) -> tuple[float, float, float]:
        told = certain(*np.clip(30 + generator.normal(0, 5, count), 0, 100).astype(int).tolist())
        mae = next(metrics(scores_of(told, [30.0] * count), "test"))
        return mae.low, mae.value, mae.high

    few, many = interval(50), interval(2000)
    for low, value, high in (few, many):
        assert low < value < high
    assert many[2] - many[0] < (few[2] - few[0]) / 3


def test_batches_are_put_together_in_order() -> None:
    chips = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
    logits = predict_logits(
        lambda some: np.repeat(some[:, 0, 0, :1].astype(np.float32), YEARS, axis=1), chips, 4
    )
    assert logits[:, 0].tolist() == list(range(10))


def test_ages_are_medians() -> None:
    logits = np.full((1, YEARS), -100, np.float32)
    logits[0, [20, 21, 80]] = 0
    assert ages_of(logits) == pytest.approx([21])
