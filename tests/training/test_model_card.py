import re
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from checkout_age.server.bundle import Bundle, BundleFacts, Metric, find_bundle, read_bundle
from checkout_age.server.calibration import Calibration
from checkout_age.training.evaluation.metric_table import interval_text, value_text
from checkout_age.training.fitting.recipe import find_recipe
from checkout_age.training.publishing.markdown import table
from checkout_age.training.publishing.model_card import model_card


def metric(name: str, value: float, photos: int, split: str = "test") -> Metric:
    return Metric(name, value, value * 0.9, value * 1.1, photos, split)


FIGURES = (
    metric("MAE", 5.11, 900, "valid"),
    metric("MAE", 5.22, 1900),
    metric("MAE 0-12", 2.33, 101),
    metric("MAE 13-17", 7.44, 102),
    metric("MAE 65+", 9.55, 103),
    metric("MAE gender female", 4.66, 104),
    metric("MAE gender male", 5.77, 105),
    metric("MAE race Asian", 3.88, 106),
    metric("MAE race other", 3.99, 107),
    metric("within 3 years", 0.412, 1900),
    metric("age group right", 0.523, 1900),
    metric("90 % interval covers", 0.871, 1900),
    metric("age group calibration error", 0.034, 1900),
    metric("face found", 0.9, 1901),
    metric("something new", 0.745, 1902),
)


def bundle(**facts: Any) -> Bundle:
    given: dict[str, Any] = {
        "metrics": FIGURES,
        "calibration": Calibration(1.25, (0.0, 40.0), (0.88, 0.93)),
    } | facts
    return Bundle(BundleFacts("tiny", 64, **given), {"a": np.zeros((3, 5))}, "abcdef123456")


def test_every_metric_is_in_the_card_with_its_interval_and_photos() -> None:
    card = model_card(bundle())
    for each in FIGURES:
        row = next(line for line in card.splitlines() if line.startswith(f"| {each.name} |"))
        assert f"{value_text(each)} ({interval_text(each)}), {each.photos:,}" in row


def test_figures_stand_by_what_they_tell_apart() -> None:
    card = model_card(bundle())
    kinds = re.findall(r"^### (.*)$", card, re.M)
    assert kinds == ["All photos", "By age group", "By gender", "By race", "Calibration"]
    of_all = card[card.index("### All photos") : card.index("### By age group")]
    assert "| figure | valid | test |" in of_all
    assert "| within 3 years | not measured | 41.2% (37.1% to 45.3%), 1,900 |" in of_all
    assert "something new" in of_all


def test_who_is_served_worst_and_best_is_said_with_the_gap() -> None:
    card = model_card(bundle())
    assert "By age group the test error is largest for 65+, 9.55 years" in card
    assert "smallest for 0-12, 2.33 years" in card
    gender = next(line for line in card.splitlines() if line.startswith("By gender"))
    assert "largest for male, 5.77 years" in gender
    assert "1.11 years apart; their intervals do not overlap" in gender
    race = next(line for line in card.splitlines() if line.startswith("By race"))
    assert "intervals overlap" in race


def test_the_card_names_the_model_its_use_its_chip_and_its_calibration() -> None:
    card = model_card(bundle())
    assert card.startswith("# Model card: tiny abcdef123456\n")
    assert "64 x 64 pixels" in card
    assert "`eyes-and-mouth/1`" in card
    assert "`resnet50-logits-101/1`, 15 weights" in card
    assert "| temperature | 1.25 |" in card
    assert "88.0% of the probability, 93.0% of the probability from a told age of 40" in card
    assert "Not for: selling restricted goods without staff" in card


def test_recipe_start_data_and_terms_are_those_of_the_bundle() -> None:
    recipe = asdict(find_recipe("refined"))
    training = {
        "recipe": recipe,
        "initialisation": "first/0123, which started from random",
        "faces_sha256": "f00d",
        "labels": "real ages of volunteers",
        "history": [
            {"side": 64, "loss": 3, "train_mae": 6.31, "valid_mae": 6.42, "seconds": 90.0},
            {"side": 64, "loss": 3, "train_mae": 6.33, "valid_mae": 6.44, "seconds": 90.0},
        ],
    }
    card = model_card(bundle(training=training, data_terms="Line one.\n\nLine | two."))
    assert "Started from: first/0123, which started from random." in card
    assert "--weights models/first --data-terms TERMS\n" in card
    assert "checkout-age-training train first --faces FACES --out models/\n" in card
    assert "| 64 | 5 | 64 | 0.0005 | 0.000002 |" in card
    assert "| augmentation: grey | 0.1 |" in card
    assert "| labels | real ages of volunteers |" in card
    assert "`f00d`" in card
    assert "> Line one.\n>\n> Line | two." in card
    assert "After 2 epochs in 3 minutes" in card
    assert "6.33 years on train" in card


def test_the_command_of_a_run_that_was_cut_short_says_so() -> None:
    short = {"recipe": {"name": "full"}, "given": {"epochs": 2, "photos": 640}}
    card = model_card(bundle(training=short))
    assert "--out models/ --weights random --epochs 2 --photos 640\n" in card


def test_how_many_photos_were_held_out_is_told_where_it_is_known() -> None:
    known = (metric("face found", 0.99, 1193, "valid"), metric("face found", 0.99, 1173))
    card = model_card(bundle(metrics=known))
    assert "| held out | valid: 1,193 photos, test: 1,173 photos |" in card
    assert "| held out | not stated |" in model_card(bundle(metrics=FIGURES[:3]))


def test_limits_say_what_was_measured_and_what_was_not() -> None:
    limits = model_card(bundle()).split("## Limits")[1]
    assert "Children, 0-12: MAE 2.33 years (2.10 to 2.56) on 101 test photos." in limits
    assert "Teens, 13-17: MAE 7.44 years" in limits
    assert "The oldest group, 65+: MAE" in limits
    assert "Over 80: not measured." in limits
    assert "Greyscale photos: the bundle does not say" in limits
    assert "takes in 87.1% (78.4% to 95.8%) of the test labels" in limits
    assert "not calibrated" not in limits


def test_an_older_bundle_gets_a_card_of_what_it_holds() -> None:
    card = model_card(bundle(metrics=FIGURES[:3], calibration=Calibration()))
    assert "Teens, 13-17: not measured." in card
    assert "as the network gave them, not calibrated" in card
    assert "How many true ages lie in the intervals is not measured." in card
    assert "By gender" not in card
    assert "None are stated in the bundle." in card
    assert "After" not in card
    empty = model_card(bundle(metrics=()))
    assert "the model was not measured" in empty


def test_the_same_bundle_gives_the_same_card() -> None:
    assert model_card(bundle()) == model_card(bundle())
    other = replace(bundle(), version="000000000000")
    assert model_card(other) != model_card(bundle())


def test_the_shipped_models_have_cards_with_all_their_figures(root: Any) -> None:
    for name in (root / "server/models").iterdir():
        shipped = read_bundle(find_bundle(name))
        card = model_card(shipped)
        assert card == (find_bundle(name) / "MODEL_CARD.md").read_text(encoding="utf-8")
        for each in shipped.facts.metrics:
            assert f"{value_text(each)} ({interval_text(each)}), {each.photos:,}" in card


@pytest.mark.parametrize("odd", ["a|b", "a\nb"])
def test_a_cell_does_not_break_its_table(odd: str) -> None:
    lines = table(("x", "y"), [(odd, "1")]).splitlines()
    assert len(lines) == 3
    assert len(re.findall(r"(?<!\\)\|", lines[2])) == 3


def test_no_time_is_told_where_that_of_an_epoch_is_not_known() -> None:
    epoch = {"side": 64, "loss": 3, "train_mae": 6.3, "valid_mae": 6.4}
    card = model_card(bundle(training={"history": [{**epoch, "seconds": 0.0}, epoch]}))
    assert "After 2 epochs the mean absolute error" in card
