"""The learner: a network together with the views it is trained on and whom it learns from."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.rendering import mixed, rendered


class Learner(keras.Model):  # type: ignore[misc]  # keras has no types
    """Renders views of chips and asks the network; what Keras fits in place of the network.

    With teachers, the cross-entropy to what they say of the very same views is added to the
    loss (knowledge distillation, Hinton et al. 2015, arXiv:1503.02531, on consistent views as
    Beyer et al. 2022, arXiv:2106.05237).
    """

    def __init__(
        self,
        network: keras.Model,
        side: int,
        augmentation: Augmentation,
        *,
        mixes: bool = False,
        teachers: Sequence[keras.Model] = (),
        taught: float = 0.0,
    ) -> None:
        """Views get `side` pixels a side; `taught` is the weight of what the teachers say."""
        super().__init__(dtype="float32")  # where a view lies does not bear fewer bits
        self.network = network
        self.teachers = list(teachers)
        for teacher in self.teachers:
            teacher.trainable = False
        self._side = side
        self._augmentation = augmentation
        self._mixes = mixes
        self._taught = taught

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """The outputs for chips (n, any, any, 3) and what was drawn for each (see Views)."""
        views = rendered(inputs["chips"], inputs, self._side, self._augmentation)
        if self._mixes:
            views = mixed(views, inputs["shares"])
        outputs = self.network(views, training=training)
        if training and self.teachers:
            self.add_loss(self._taught * ops.mean(self._lesson(views, outputs)))
        return outputs

    def _lesson(self, views: Any, outputs: Any) -> Any:
        """Cross-entropy to the mean of what the teachers say, shape (n,)."""
        said = [ops.softmax(teacher(views, training=False), axis=-1) for teacher in self.teachers]
        mean = ops.stop_gradient(sum(said) / len(said))
        return keras.losses.categorical_crossentropy(mean, outputs, from_logits=True)
