"""Contrast: epochs without labels, in which a network learns to tell photos apart.

SimCLR, Chen et al. 2020, arXiv:2002.05709: two views of one chip are to lie near each other,
views of other chips far.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.pack import scaled
from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.batches import PairedBatches
from checkout_age.training.fitting.recipe import Recipe
from checkout_age.training.fitting.rendering import rendered
from checkout_age.training.fitting.snapshot import Snapshot

TEMPERATURE = 0.1
WIDTH = 128
"""Numbers that a view is told apart by."""


class Contrast(keras.Model):  # type: ignore[misc]  # keras has no types
    """Two views of each chip and the features of both; its loss is the whole lesson."""

    def __init__(self, network: keras.Model, side: int, augmentation: Augmentation) -> None:
        """The features are what the network's last layer is given."""
        super().__init__(dtype="float32")
        self.body = keras.Model(network.input, network.layers[-1].input)
        self.projection = keras.Sequential(
            [keras.layers.Dense(2 * WIDTH, activation="relu"), keras.layers.Dense(WIDTH)]
        )
        self.projection.build(self.body.output.shape)
        self._side = side
        self._augmentation = augmentation

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """For 2 n chips, of which n come twice, the projections, shape (2 n, 128)."""
        views = rendered(inputs["chips"], inputs, self._side, self._augmentation)
        features = ops.cast(self.body(views, training=training), "float32")
        told = ops.normalize(self.projection(features), axis=-1)
        self.add_loss(contrast(told))
        return told


def contrast(told: Any) -> Any:
    """The mean cross-entropy of finding a view's other half among all views (NT-Xent).

    `told`: unit vectors of shape (2 n, any); row i and row n + i are of one chip.
    """
    count = ops.shape(told)[0]
    likeness = ops.matmul(told, ops.transpose(told)) / TEMPERATURE
    likeness = likeness - 1e9 * ops.eye(count)
    halves = (ops.arange(count) + count // 2) % count
    return ops.mean(
        keras.losses.sparse_categorical_crossentropy(halves, likeness, from_logits=True)
    )


def learn_by_contrast(
    recipe: Recipe,
    network: keras.Model,
    chips: Pixels,
    snapshot: Snapshot,
    say: Callable[[str], None],
) -> None:
    """Fit the network's body for the recipe's epochs of contrast, at its first stage's side.

    Goes on after the epoch that the snapshot holds, if it holds one.
    """
    stage = recipe.stages[0]
    learner = Contrast(network, stage.side, recipe.augmentation)
    learner.compile(keras.optimizers.AdamW(stage.rate_from, weight_decay=recipe.weight_decay))
    done = 0
    if words := snapshot.words():
        snapshot.restore(learner, words)
        done = int(words["epochs"])
        say(f"going on after epoch {done} of {recipe.contrasted} without labels")
    staged = scaled(chips, recipe.pack_side_of(stage))
    for epoch in range(done, recipe.contrasted):
        batches = PairedBatches(
            staged,
            batch_size=stage.batch_size,
            augmentation=recipe.augmentation,
            seed=recipe.seed,
            epoch=epoch,
        )
        fitted = learner.fit(batches, shuffle=False, verbose=2)
        done = epoch + 1
        snapshot.save(learner, done, {"epochs": done}, last=done == recipe.contrasted)
        loss = fitted.history["loss"][0]
        say(f"epoch {done}/{recipe.contrasted} without labels: loss {loss:.3f}")
