import numpy as np
import pytest

from checkout_age.server.age import YEARS
from checkout_age.training.evaluation import ages_of, metrics, predict_logits


def test_errors_are_listed_over_all_and_by_age_group() -> None:
    actual = np.array([5, 15, 30, 30, 110], np.float32)
    predicted = np.array([6, 13, 30, 36, 100], np.float64)
    named = {metric.name: metric for metric in metrics(predicted, actual, "test")}
    assert named["MAE"].value == pytest.approx((1 + 2 + 0 + 6 + 10) / 5)
    assert named["MAE 25-34"].value == pytest.approx(3)
    assert named["MAE 25-34"].photos == 2
    assert named["MAE 65+"].value == pytest.approx(10)
    assert "MAE 35-44" not in named
    assert named["within 3 years"].value == pytest.approx(0.6)
    assert sum(metric.photos for name, metric in named.items() if name.startswith("MAE ")) == 5


def test_the_interval_holds_the_figure_and_narrows_with_more_photos() -> None:
    generator = np.random.default_rng(0)

    def interval(count: int) -> tuple[float, float, float]:
        actual = np.full(count, 30, np.float32)
        mae = next(metrics(30 + generator.normal(0, 5, count), actual, "test"))
        return mae.low, mae.value, mae.high

    few, many = interval(50), interval(5000)
    for low, value, high in (few, many):
        assert low < value < high
    assert many[2] - many[0] < (few[2] - few[0]) / 5


def test_batches_are_put_together_in_order() -> None:
    chips = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
    logits = predict_logits(
        lambda some: np.repeat(some[:, 0, 0, :1].astype(np.float32), YEARS, axis=1), chips, 4
    )
    assert logits[:, 0].tolist() == list(range(10))


def test_ages_are_expectations() -> None:
    logits = np.full((1, YEARS), -100, np.float32)
    logits[0, [20, 30]] = 0
    assert ages_of(logits) == pytest.approx([25])
