from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.calibration import Calibration
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.evaluation.saliency import occlusion, saliency, spread_over_groups
from checkout_age.training.evaluation.saliency_figures import group_figure, photos_figure
from checkout_age.training.evaluation.scores import Scores

SIDE = 32


def looks_at_one_eye(chips: Pixels) -> Logits:
    """A network that tells 20, and 50 where there is a bright dot at the left eye."""
    dotted = chips[:, 10, 9].max(axis=1) > 200
    logits = np.full((len(chips), YEARS), -50, np.float32)
    logits[np.arange(len(chips)), np.where(dotted, 50, 20)] = 50
    return logits


def dotted(count: int) -> Pixels:
    chips = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    chips[:, 10, 9] = 255
    return chips


def scores_of(ages: list[float]) -> Scores:
    actual = np.array(ages, np.float32)
    photos = tuple(Path(f"{number}.jpg") for number in range(len(ages)))
    chips = dotted(len(ages))
    faces = Faces(photos, actual, np.zeros_like(actual))
    return Scores(faces, chips, looks_at_one_eye(chips), Calibration())


def test_the_map_is_hot_where_the_network_looks_and_cold_elsewhere() -> None:
    heat = occlusion(looks_at_one_eye, dotted(2), Calibration())
    assert heat.shape == (2, SIDE, SIDE)
    assert heat[0, 10, 9] == pytest.approx(30)
    assert heat[0].max() == pytest.approx(30)
    assert heat[0, 20:, 20:].max() == 0
    assert heat[0].tolist() == heat[1].tolist()


@pytest.mark.parametrize("side", [33, 50, 63])
def test_every_pixel_is_hidden_at_least_once_whatever_the_side(side: int) -> None:
    def shown(chips: Pixels) -> Logits:
        return np.repeat(chips[:, :1, 0, 0].astype(np.float32), YEARS, axis=1)

    chip = np.full((1, side, side, 3), 99, np.uint8)
    assert np.isfinite(occlusion(shown, chip, Calibration())).all()


def test_photos_are_taken_from_all_age_groups_alike() -> None:
    scores = scores_of([5.0] * 50 + [30.0] * 20 + [70.0])
    rows = spread_over_groups(scores, 40)
    assert np.bincount(scores.actual_groups[rows], minlength=8).tolist() == [5, 0, 0, 5, 0, 0, 0, 1]
    assert len(set(rows)) == len(rows)
    assert rows[:5].tolist() == [0, 12, 24, 37, 49]


def test_bands_name_the_part_of_the_face_that_the_answer_rests_on() -> None:
    seen = saliency(looks_at_one_eye, scores_of([5, 30, 30]), photos=16)
    assert seen.bands["group"].tolist() == ["0-12", "25-34", "all"]
    everyone = seen.bands.iloc[-1]
    assert everyone["eyes"] > 2
    assert everyone["mouth"] == everyone["chin"] == 0


def test_figures_show_each_group_and_each_photo_beside_its_map() -> None:
    scores = scores_of([5, 30, 30])
    seen = saliency(looks_at_one_eye, scores, photos=16)
    assert [axes.get_title() for axes in group_figure(seen, scores).axes[:2]] == ["0-12", "25-34"]
    titles = [axes.get_title() for axes in photos_figure(seen).axes]
    assert titles.count("told 50") == 3
    assert titles.count("up to 30.0 years") == 3
