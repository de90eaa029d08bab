from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from checkout_age.training.fitting import fit, initialisation
from checkout_age.training.fitting.contrast import contrast
from checkout_age.training.fitting.recipe import Recipe, Stage
from tests.training.small import small_network
from tests.training.test_learner import flat_faces

RECIPE = Recipe(
    name="contrasted",
    stages=(Stage(side=32, epochs=1, batch_size=8, rate_from=0.02, rate_to=0.01),),
    pack_side=36,
    warm_up=2,
    contrasted=2,
)


def test_halves_that_lie_together_cost_less_than_halves_that_lie_apart() -> None:
    apart = np.eye(4, dtype=np.float32)
    together = apart[[0, 1, 0, 1]]
    assert float(ops.convert_to_numpy(contrast(together))) < 0.1
    assert float(ops.convert_to_numpy(contrast(apart))) == pytest.approx(np.log(3), abs=0.01)


def test_epochs_without_labels_come_first_and_change_what_is_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    faces, said = flat_faces(), list[str]()
    for recipe, run in ((RECIPE, "with"), (replace(RECIPE, contrasted=0), "without")):
        fit.train_model(recipe, faces, faces, tmp_path / run, cache=None, say=said.append)
    unlabelled = [line for line in said if "without labels" in line]
    assert len(unlabelled) == 2
    losses = [line for line in said if line.startswith("epoch 1/1")]
    assert losses[0] != losses[1]


def test_a_recipe_can_be_cut_short() -> None:
    stages = (*RECIPE.stages, replace(RECIPE.stages[0], side=40, epochs=3))
    longer = replace(RECIPE, stages=stages)
    assert [stage.epochs for stage in longer.shortened(2).stages] == [1, 1]
    assert longer.shortened(9) == longer
