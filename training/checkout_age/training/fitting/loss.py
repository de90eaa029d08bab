"""What training minimises and watches, for a network that answers with logits over years."""

from typing import Any

import keras
import numpy as np
from keras import ops

from checkout_age.server.age import YEARS


def expected_age(logits: Any) -> Any:
    """The mean of each softmaxed distribution in years, shape (batch,)."""
    years = ops.arange(YEARS, dtype="float32")
    return ops.matmul(ops.softmax(ops.cast(logits, "float32"), axis=-1), years)


class DistributionLoss(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Cross-entropy to the soft labels, `pull` times the error of the expected age, and more.

    DLDL-v2, Gao et al. 2018, "Age Estimation Using Expectation of Label Distribution Learning".
    With `concentration` also so many times the variance of what is told: Pan et al. 2018,
    "Mean-Variance Loss for Deep Age Estimation From a Face".
    """

    def __init__(self, pull: float, concentration: float = 0.0) -> None:
        super().__init__(name="distribution")
        self.pull = pull
        self.concentration = concentration

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Labels and logits of shape (batch, 101) to one loss each, shape (batch,)."""
        crossed = keras.losses.categorical_crossentropy(y_true, y_pred, from_logits=True)
        labelled = ops.matmul(y_true, ops.arange(YEARS, dtype="float32"))
        expected = expected_age(y_pred)
        loss = crossed + self.pull * ops.abs(expected - labelled)
        if self.concentration:
            years = ops.arange(YEARS, dtype="float32")
            squared = ops.square(years[None] - expected[:, None])
            variance = ops.sum(ops.softmax(ops.cast(y_pred, "float32")) * squared, axis=-1)
            loss = loss + self.concentration * variance
        return loss


def mae(y_true: Any, y_pred: Any) -> Any:
    """The error of the expected age in years, shape (batch,); labels as distributions."""
    labelled = ops.matmul(y_true, ops.arange(YEARS, dtype="float32"))
    return ops.abs(expected_age(y_pred) - labelled)


class Thresholds(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """One score, shape (batch, 1), against thresholds that are learnt: logits (batch, count)."""

    def __init__(self, count: int, **layer: Any) -> None:
        super().__init__(**layer)
        self._count = count

    def build(self, _: Any) -> None:
        """One threshold each, evenly spread at first."""
        spread = keras.initializers.Constant(np.linspace(3, -3, self._count))
        self.thresholds = self.add_weight(shape=(self._count,), initializer=spread, name="biases")

    def call(self, score: Any) -> Any:
        """How likely each threshold is passed, as logits."""
        return score + self.thresholds


def thresholds_mae(y_true: Any, y_pred: Any) -> Any:
    """The error in years where a label is a row of years that are passed or not, shape (batch,)."""
    return ops.abs(ops.sum(ops.sigmoid(y_pred) - y_true, axis=-1))


thresholds_mae.__name__ = "mae"
