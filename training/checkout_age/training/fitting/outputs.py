"""What a network that is being trained says of chips."""

import keras
import numpy as np
from numpy.typing import NDArray

from checkout_age.server.photo import Pixels
from checkout_age.training.evaluation.evaluation import predict_logits


def outputs_of(model: keras.Model, chips: Pixels) -> NDArray[np.float32]:
    """The last layer's outputs, shape (n, any), for chips of shape (n, side, side, 3)."""

    def run(some: Pixels) -> NDArray[np.float32]:
        answer = model.predict_on_batch(some.astype(np.float32))
        return np.asarray(keras.ops.convert_to_numpy(answer), np.float32)

    return predict_logits(run, chips)
