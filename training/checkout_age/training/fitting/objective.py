"""Objectives: what a network's last layer says, what it is fitted to and how an age is read off."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from checkout_age.server.age import OLDEST
from checkout_age.server.calibration import Calibration
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.fitting.batches import soft_labels
from checkout_age.training.fitting.loss import DistributionLoss, Thresholds, mae, thresholds_mae

Outputs: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Distribution:
    """Logits over the years 0 to 100, fitted to a Gaussian around each label; what is served."""

    sigma: float = 2.0
    """Years of standard deviation around a label."""
    pull: float = 0.2
    """Weight of the expected age's error beside the cross-entropy."""
    concentration: float = 0.0
    """Weight of the variance of what is told, in years squared."""
    served: ClassVar[bool] = True

    def network(self, body: keras.Model) -> keras.Model:
        """The network that ends in 101 logits, as it was built."""
        return body

    def labels(self, faces: Faces) -> NDArray[np.float32]:
        """Shape (n, 101)."""
        return soft_labels(faces.ages, faces.spreads, self.sigma)

    def compiling(self) -> dict[str, Any]:
        """Loss and metrics for Keras."""
        return {"loss": DistributionLoss(self.pull, self.concentration), "metrics": [mae]}

    def ages(self, outputs: Outputs) -> NDArray[np.float64]:
        """The median age in years of each output, shape (n,)."""
        plain = Calibration()
        return np.array([plain.distribution(row).age for row in outputs])


@dataclass(frozen=True)
class OneNeuron:
    """An age in years by one rectified neuron and its absolute error, as in the study."""

    served: ClassVar[bool] = False

    def network(self, body: keras.Model) -> keras.Model:
        """The same body under a last layer of one neuron."""
        features = body.layers[-1].input
        age = keras.layers.Dense(1, activation="relu", dtype="float32", name="age")(features)
        return keras.Model(body.input, age, name="age_by_one_neuron")

    def labels(self, faces: Faces) -> NDArray[np.float32]:
        """Shape (n, 1)."""
        return faces.ages[:, None]

    def compiling(self) -> dict[str, Any]:
        """Loss and metrics for Keras."""
        return {"loss": "mae", "metrics": ["mae"]}

    def ages(self, outputs: Outputs) -> NDArray[np.float64]:
        """The outputs themselves, in years, shape (n,)."""
        return outputs[:, 0].astype(np.float64)


@dataclass(frozen=True)
class Ordinal:
    """Whether somebody is older than each year from 0 to 99, by one score against thresholds.

    CORAL, Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression for neural
    networks with application to age estimation", arXiv:1901.07884.
    """

    served: ClassVar[bool] = False

    def network(self, body: keras.Model) -> keras.Model:
        """The same body under one score and a threshold for each year."""
        features = body.layers[-1].input
        score = keras.layers.Dense(1, use_bias=False, dtype="float32", name="score")(features)
        older = Thresholds(OLDEST, dtype="float32", name="thresholds")(score)
        return keras.Model(body.input, older, name="age_by_thresholds")

    def labels(self, faces: Faces) -> NDArray[np.float32]:
        """1 where the face is older than the year, shape (n, 100)."""
        return (faces.ages[:, None] > np.arange(OLDEST)).astype(np.float32)

    def compiling(self) -> dict[str, Any]:
        """Loss and metrics for Keras."""
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        return {"loss": loss, "metrics": [thresholds_mae]}

    def ages(self, outputs: Outputs) -> NDArray[np.float64]:
        """How many years each is likely older than, shape (n,)."""
        return np.asarray((1 / (1 + np.exp(-outputs.astype(np.float64)))).sum(axis=1))


Objective: TypeAlias = Distribution | OneNeuron | Ordinal
