from pathlib import Path

import keras
import numpy as np
import pytest

from checkout_age.training.dataset.faces import Faces
from checkout_age.training.fitting import fit, initialisation
from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.averaging import Average
from checkout_age.training.fitting.initialisation import Initialisation
from checkout_age.training.fitting.learner import Learner
from checkout_age.training.fitting.recipe import Recipe, RunError, Stage
from tests.training.small import small_network

TAUGHT = Recipe(
    name="taught",
    stages=(Stage(side=32, epochs=1, batch_size=8, rate_from=0.02, rate_to=0.01),),
    pack_side=36,
    warm_up=2,
    taught=1.0,
)


def given(chips: int) -> dict[str, np.ndarray]:
    levels = np.random.default_rng(1).integers(0, 256, (chips, 36, 36, 3)).astype(np.uint8)
    return {"chips": levels, **Augmentation().draw(np.random.default_rng(2), chips)}


def test_a_learner_that_agrees_with_its_teacher_has_the_least_left_to_learn() -> None:
    network = small_network()
    other = small_network()
    for weight in other.trainable_weights:
        weight.assign(weight + 0.5)
    losses = []
    for teacher in (network, other):
        learner = Learner(network, 32, Augmentation(), teachers=[teacher], taught=1.0)
        learner(given(8), training=True)
        (loss,) = learner.losses
        losses.append(float(loss))
    assert losses[0] < losses[1]


def test_what_is_told_for_use_has_no_lesson_in_it() -> None:
    network = small_network()
    learner = Learner(network, 32, Augmentation(), teachers=[network], taught=1.0)
    assert learner(given(4)).shape == (4, 101)
    assert learner.losses == []


def test_teachers_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    teacher = small_network()
    before = [np.asarray(weight).copy() for weight in teacher.weights]
    monkeypatch.setattr(
        Initialisation, "network", lambda self, _: teacher if self.trained else small_network()
    )
    start = Initialisation("random")
    faces = flat_faces()
    done = fit.train_model(
        TAUGHT,
        faces,
        faces,
        tmp_path,
        start=start,
        teachers=[Initialisation("teacher", trained={"any": before[0]})],
        cache=None,
        say=lambda _: None,
    )
    assert len(done.history) == 1
    assert all(map(np.array_equal, before, map(np.asarray, teacher.weights)))


def test_a_recipe_that_learns_from_teachers_needs_some_and_others_need_none(tmp_path: Path) -> None:
    faces = flat_faces()
    with pytest.raises(RunError, match="taught learns from teachers, 0 were given"):
        fit.train_model(TAUGHT, faces, faces, tmp_path, cache=None)
    alone = Recipe(name="alone", stages=TAUGHT.stages, pack_side=36)
    with pytest.raises(RunError, match="alone learns from no teachers, 1 were given"):
        fit.train_model(
            alone, faces, faces, tmp_path, teachers=[Initialisation("teacher")], cache=None
        )


def flat_faces() -> Faces:
    ages = np.linspace(5, 95, 24).astype(np.float32)
    chips = np.ones((24, 40, 40, 3)) * (ages * 2.5)[:, None, None, None]
    names = tuple(Path(f"{number}.jpg") for number in range(24))
    return Faces(names, ages, np.zeros(24, np.float32), chips=chips.astype(np.uint8))


def test_the_mean_of_epochs_forgets_the_first_ones_soonest() -> None:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    (kernel,) = network.weights
    average = Average(0.5)
    for value in (0.0, 8.0, 16.0):
        kernel.assign([[value]])
        average.add(network)
    with average.worn_by(network):
        worn = float(kernel[0, 0])
    assert float(kernel[0, 0]) == 16
    assert 8 < worn < 16
    again = Average(0.5, average.values, epochs=3)
    kernel.assign([[0.0]])
    for each in (again, average):
        each.add(network)
    assert again.values[0] == pytest.approx(average.values[0])


def test_without_averaging_the_last_epoch_alone_counts() -> None:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    average = Average(0.0)
    for value in (3.0, 5.0):
        network.weights[0].assign([[value]])
        average.add(network)
    average.fill(network)
    assert float(network.weights[0][0, 0]) == 5
