"""Fitting, with a small network in place of ResNet50; the loop, files and Keras are real."""

from collections.abc import Sized
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow
from tensorboardX.proto.event_pb2 import Event

from checkout_age.training.dataset import pack
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.fitting import contrast, fit, initialisation, snapshot
from checkout_age.training.fitting.batches import Batch
from checkout_age.training.fitting.checkpoint import EpochRecord
from checkout_age.training.fitting.objective import OneNeuron
from checkout_age.training.fitting.progress import time_left
from checkout_age.training.fitting.rate import StagedCosine
from checkout_age.training.fitting.recipe import Recipe, RunError, Stage, find_recipe, recipe_names
from tests.faces import BrightPhotosHaveFaces
from tests.training.small import bright_faces, small_network

RECIPE = Recipe(
    name="small",
    stages=(
        Stage(side=32, epochs=2, batch_size=8, rate_from=0.02, rate_to=0.01),
        Stage(side=40, epochs=2, batch_size=8, rate_from=0.01, rate_to=0.0),
    ),
    pack_side=44,
    warm_up=2,
)


@pytest.fixture(autouse=True)
def faces_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "FaceFinder", BrightPhotosHaveFaces)


@pytest.fixture
def faces(tmp_path: Path) -> Faces:
    return bright_faces(tmp_path)


def trained(
    faces: Faces, run: Path, said: list[str] | None = None, recipe: Recipe = RECIPE
) -> list[np.ndarray[Any, Any]]:
    lines: list[str] = [] if said is None else said
    done = fit.train_model(recipe, faces, faces, run, cache=None, say=lines.append)
    return [np.asarray(weight) for weight in done.model.weights]


class KilledError(Exception):
    pass


def killed_in(batches: type[Sized], epoch: int) -> type[Any]:
    """Batches with which an epoch does not come to its end."""

    class Killed(batches):  # type: ignore[valid-type, misc]  # whichever they are
        def __getitem__(self, index: int) -> Batch:
            if self._seed[1] == epoch and index == 1:
                raise KilledError
            batch: Batch = super().__getitem__(index)
            return batch

    return Killed


@pytest.mark.parametrize(
    ("recipe", "kills"),
    [
        (RECIPE, [(fit, "EpochBatches", 1), (fit, "EpochBatches", 3)]),
        (replace(RECIPE, averaged=0.7), [(fit, "EpochBatches", 2)]),
        (
            replace(RECIPE, contrasted=3, averaged=0.7),
            [
                (contrast, "PairedBatches", 0),
                (contrast, "PairedBatches", 2),
                (fit, "EpochBatches", 0),
                (fit, "EpochBatches", 1),
            ],
        ),
    ],
    ids=["plain", "averaged", "contrasted"],
)
def test_a_run_killed_between_and_inside_epochs_ends_as_an_unbroken_one(
    faces: Faces,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recipe: Recipe,
    kills: list[tuple[ModuleType, str, int]],
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    monkeypatch.setattr(snapshot, "EVERY", 0.0)
    unbroken = trained(faces, tmp_path / "unbroken", recipe=recipe)
    said: list[str] = []
    for module, name, epoch in kills:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, killed_in(getattr(module, name), epoch))
            with pytest.raises(KilledError):
                trained(faces, tmp_path / "broken", said, recipe)
    resumed = trained(faces, tmp_path / "broken", said, recipe)
    assert any("going on after epoch" in line for line in said)
    for line in ("epoch 1/3 without", "epoch 2/3 without", "epoch 1/4", "epoch 3/4"):
        if recipe.contrasted:
            assert sum(each.startswith(line) for each in said) == 1, line  # none was lost
    for ours, theirs in zip(resumed, unbroken, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    finished = trained(faces, tmp_path / "broken", recipe=recipe)  # nothing is left to do
    assert all(map(np.array_equal, finished, resumed))
    assert not list((tmp_path / "broken").glob("contrast*"))


def test_a_run_of_another_recipe_or_other_faces_is_not_gone_on_with(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    trained(faces, tmp_path / "run")
    other = Recipe(name="other", stages=RECIPE.stages, pack_side=44)
    with pytest.raises(RunError, match="its recipe differs"):
        fit.train_model(other, faces, faces, tmp_path / "run", cache=None, say=lambda _: None)
    older = Faces(faces.photos, faces.ages + 1, faces.spreads)
    less_sure = Faces(faces.photos, faces.ages, faces.spreads + 1)
    for others in (older, less_sure):
        with pytest.raises(RunError, match="its faces differs"):
            fit.train_model(RECIPE, others, faces, tmp_path / "run", cache=None, say=lambda _: None)


def test_too_few_photos_for_a_batch_are_told_with_both_numbers(
    faces: Faces, tmp_path: Path
) -> None:
    with pytest.raises(FacesError, match=r"24 photos .* one batch of 128"):
        fit.train_model(find_recipe("progressive"), faces, faces, tmp_path, cache=None)


def test_the_rate_warms_up_and_falls_by_half_a_cosine_in_each_stage() -> None:
    schedule = StagedCosine(RECIPE, photos=80)  # 10 steps an epoch, 20 a stage
    rates = [float(schedule(step)) for step in range(41)]
    assert rates[0] == pytest.approx(0.01, rel=0.01)  # the first of two warm-up steps
    assert rates[10] == pytest.approx(0.015)
    assert rates[20] == pytest.approx(0.01)
    assert rates[30] == pytest.approx(0.005)
    assert rates[40] == pytest.approx(0, abs=1e-9)


def test_every_recipe_is_found_by_name_and_states_its_command() -> None:
    assert {"progressive", "refined", "trial"} <= set(recipe_names())
    for name in recipe_names():
        assert find_recipe(name).name == name
        stated = import_module(f"checkout_age.training.recipes.{name}").__doc__
        assert stated is not None
        assert f"checkout-age-training train {name} --faces" in stated


def test_an_unknown_recipe_is_told_those_there_are() -> None:
    with pytest.raises(
        ValueError, match="no recipe named best; there are: balanced, distilled, full, notebook"
    ):
        find_recipe("best")


def test_a_stage_too_small_for_the_network_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 pixels, got 16"):
        Stage(side=16, epochs=1, batch_size=1, rate_from=1, rate_to=1)


def test_the_study_s_one_neuron_is_fitted_and_told_as_it_is(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    recipe = replace(RECIPE, objective=OneNeuron(), optimizer="sgd", warm_up=0)
    run = tmp_path / "run"
    done = fit.train_model(recipe, faces, faces, run, cache=None, say=lambda _: None)
    chips = np.zeros((3, 40, 40, 3), np.uint8)
    told = recipe.objective.ages(done.model.predict_on_batch(chips.astype(np.float32)))
    assert told.shape == (3,)
    assert (told >= 0).all()  # rectified
    assert isinstance(done.model.optimizer, keras.optimizers.SGD)


def test_sums_in_half_the_bits_leave_weights_and_the_last_layer_whole(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    model = fit.create_model(RECIPE, len(faces), precision="mixed_bfloat16")
    assert model.get_layer("block_3_conv").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"  # for whatever is built next
    done = fit.train_model(
        RECIPE, faces, faces, tmp_path, precision="mixed_bfloat16", cache=None, say=lambda _: None
    )
    assert np.isfinite([record.loss for record in done.history]).all()
    with pytest.raises(RunError, match="its precision differs"):
        fit.train_model(RECIPE, faces, faces, tmp_path, cache=None, say=lambda _: None)


def test_a_run_leaves_logs_for_tensorboard_and_says_how_long_it_will_take(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    said: list[str] = []
    fit.train_model(RECIPE, faces, faces, tmp_path, cache=None, say=said.append)
    told = [line for line in said if line.startswith("epoch")]
    assert len(told) == 4
    assert all(line.endswith("min left") for line in told[:3])
    assert told[3].endswith("min in all")
    (events,) = (tmp_path / "logs").iterdir()
    logged = [
        (value.tag, event.step)
        for record in tensorflow.data.TFRecordDataset(str(events))
        for event in [Event.FromString(record.numpy())]
        for value in event.summary.value
    ]
    assert [step for tag, step in logged if tag == "epoch/valid_mae"] == [1, 2, 3, 4]
    assert [step for tag, step in logged if tag == "step/loss"] == [0, 3, 6, 9]


def test_photos_whose_copies_are_labelled_otherwise_may_be_left_out(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    disputed = Faces(faces.photos, faces.ages, np.arange(24, dtype=np.float32))
    said: list[str] = []
    recipe = replace(RECIPE, agreed_within=20.0)
    fit.train_model(recipe, disputed, faces, tmp_path, cache=None, say=said.append)
    assert "3 of them are left out: their copies are labelled otherwise" in said


def test_the_time_left_counts_larger_chips_as_larger() -> None:
    history = [EpochRecord(side=32, loss=1, train_mae=1, valid_mae=1, seconds=60)]
    half = replace(RECIPE, stages=tuple(replace(stage, side=64) for stage in RECIPE.stages))
    assert time_left(half, history) == "about 0 h 12 min left"  # three epochs of four minutes
