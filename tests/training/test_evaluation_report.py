from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle, BundleFacts, Metric
from checkout_age.server.calibration import Calibration
from checkout_age.server.photo import Pixels
from checkout_age.training.dataset.faces import Faces
from checkout_age.training.evaluation import calibration_tables
from checkout_age.training.evaluation import evaluation_tables as tables
from checkout_age.training.evaluation.evaluation import metrics
from checkout_age.training.evaluation.evaluation_report import write_evaluation
from checkout_age.training.evaluation.evaluation_words import extremes, with_intervals
from checkout_age.training.evaluation.metric_table import metric_table
from checkout_age.training.evaluation.scores import Scores
from checkout_age.training.report import Report

SIDE = 32
HISTORY = [
    {"side": 32, "loss": 4.0, "train_mae": 9.5, "valid_mae": 9.25, "seconds": 60.0},
    {"side": 48, "loss": 3.5, "train_mae": 8.5, "valid_mae": 8.75, "seconds": 90.0},
]


def told(ages: list[float], spread: float = 0.5) -> Logits:
    years = np.arange(YEARS)
    logits: Logits = -0.5 * ((years - np.array(ages, np.float32)[:, None]) / spread) ** 2
    return logits.astype(np.float32)


def brightness_is_age(chips: Pixels) -> Logits:
    return told(chips.mean(axis=(1, 2, 3)).tolist())


def scores_of(ages: list[float], labels: list[float], spread: float = 0.5, **audit: Any) -> Scores:
    actual = np.array(labels, np.float32)
    faces = Faces(
        tuple(Path("photos") / f"{number}.jpg" for number in range(len(ages))),
        actual,
        np.zeros_like(actual),
        pd.DataFrame(audit),
    )
    chips = np.zeros((len(ages), SIDE, SIDE, 3), np.uint8)
    chips[:] = np.array(ages).reshape(-1, 1, 1, 1)
    return Scores(faces, chips, told(ages, spread), Calibration())


@cache
def everyone() -> Scores:
    """Labels from 2 to 107, told too old when young and too young when old; women by less."""
    labels = [float(age) for age in range(2, 108, 3)]
    women = [number % 2 == 0 for number in range(len(labels))]
    ages = [
        np.clip(age + (2 if woman else 4) * (1 if age < 50 else -1), 0, 100)
        for age, woman in zip(labels, women, strict=True)
    ]
    gender = ["female" if woman else "male" for woman in women]
    return scores_of(ages, labels, spread=3, gender=gender, race=[None, *["Asian"] * 35])


@cache
def figures() -> list[Metric]:
    return list(metrics(everyone(), "test"))


def named(name: str) -> Metric:
    return next(metric for metric in figures() if metric.name == name)


def bundle(**training: Any) -> Bundle:
    return Bundle(BundleFacts("tiny", SIDE, training=training), {}, "abcdef123456")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "new"
    model = bundle(history=HISTORY)
    page = write_evaluation(model, everyone(), figures(), out, network=brightness_is_age)
    assert page == out / "index.html"
    return out


def test_the_page_begins_with_the_error_its_interval_the_photos_and_a_warning(
    written: Path,
) -> None:
    page = (written / "index.html").read_text()
    mae = named("MAE")
    assert "<h1>tiny abcdef123456 on the test photos</h1>" in page
    assert f"is {mae.value:.2f} years ({mae.low:.2f} to {mae.high:.2f}, bootstrap" in page
    assert "on the 36 test photos" in page
    assert page.index("This page shows faces: keep it as the photos are kept.") < page.index("<h2>")


def test_every_metric_stands_on_the_page(written: Path) -> None:
    page = (written / "index.html").read_text()
    for row in metric_table(figures()).to_dict("records"):
        assert f"<td>{row['metric']}</td><td>{row['value']}</td>" in page


def test_every_figure_and_table_is_there_and_the_page_needs_no_network(written: Path) -> None:
    page = (written / "index.html").read_text()
    assert page.count("<svg") == 13
    for table in written.glob("*.csv"):
        assert table.name in page
    assert "src=" not in page.replace('src="data:', "")
    assert str(written) not in page


def test_each_photo_has_a_row_with_label_answer_and_what_is_audited(written: Path) -> None:
    photos = pd.read_csv(written / "photos.csv")
    assert len(photos) == 36
    first = photos.iloc[0]
    assert first["file_name"] == "0.jpg"
    assert (first["label"], first["group_label"], first["gender"]) == (2, "0-12", "female")
    assert first["age"] == pytest.approx(4, abs=0.5)
    assert first["error"] == pytest.approx(first["age"] - first["label"])
    assert (photos["low"] <= photos["age"]).all()
    assert (photos["age"] <= photos["high"]).all()


def test_what_is_audited_stands_beside_the_answer_and_one_group_alone_is_not_compared(
    tmp_path: Path,
) -> None:
    scores = scores_of([82, 30], [85, 30], age=["81+", None], colour=["grey", "colour"])
    mae = [Metric("MAE", 1, 1, 1, 1, "test")]
    write_evaluation(bundle(), scores, mae, tmp_path, network=brightness_is_age)
    photos = pd.read_csv(tmp_path / "photos.csv")
    assert photos["age"].tolist() == pytest.approx([82, 30], abs=0.5)
    assert photos["age_part"].tolist()[0] == "81+"
    page = (tmp_path / "index.html").read_text()
    assert "By colour, the error is smallest" in page
    assert "By age, the error is smallest" not in page


def test_an_older_bundle_without_a_history_gets_a_report_that_says_so(tmp_path: Path) -> None:
    scores = scores_of([20], [21])
    mae = [Metric("MAE", 1, 1, 1, 1, "test")]
    write_evaluation(bundle(), scores, mae, tmp_path, network=brightness_is_age)
    page = (tmp_path / "index.html").read_text()
    assert "does not hold the history" in page
    assert "Nothing but their age is known" in page
    assert not (tmp_path / "history.csv").exists()


def test_a_name_in_the_data_cannot_change_the_page(tmp_path: Path) -> None:
    report = Report("x")
    odd = scores_of([20, 30], [20, 30], camera=["<script>", "b"])
    report.text(extremes(tables.audit_table(odd)))
    report.write(tmp_path / "page.html")
    assert "<script>" not in (tmp_path / "page.html").read_text()


def test_errors_of_groups_are_the_same_as_the_metrics_with_the_same_intervals() -> None:
    scores = everyone()
    for row in tables.age_group_table(scores).to_dict("records"):
        metric = named(f"MAE {row['group']}")
        assert (metric.value, metric.low, metric.high) == pytest.approx(
            (row["mae"], row["mae_low"], row["mae_high"])
        )
    for row in tables.audit_table(scores).to_dict("records"):
        assert named(f"MAE {row['by']} {row['group']}").photos == row["photos"]


def test_it_is_said_whose_labels_the_intervals_miss() -> None:
    scores = scores_of([20] * 4, [20, 20, 50, 50], spread=1, gender=["a", "a", "b", "b"])
    audit = tables.audit_table(scores)
    assert audit["covered"].tolist() == [1, 0]
    assert with_intervals(audit)["in the 90 % interval"].tolist() == ["100.0%", "0.0%"]


def test_those_told_too_old_and_too_young_are_named() -> None:
    groups = tables.age_group_table(everyone())
    bias = dict(zip(groups["group"], groups["bias"], strict=True))
    assert bias["13-17"] > 1.5
    assert bias["55-64"] < -1.5
    said = extremes(groups)
    old, young = said.split("Told too young")
    assert "13-17 (+" in old.split("Told too old")[1]
    assert "55-64 (-" in young


def test_a_gap_that_ages_account_for_is_told_from_one_that_they_do_not() -> None:
    """All err by 10 at 70 and by 2 at 20, whoever they are; one group is older."""
    labels = [20.0] * 4 + [70.0] * 4
    ages = [22.0] * 4 + [80.0] * 4
    audit = tables.audit_table(scores_of(ages, labels, race=["a"] * 4 + ["b"] * 4))
    assert audit["mae"].tolist() == pytest.approx([2, 10], abs=0.1)
    assert audit["expected"].tolist() == pytest.approx(audit["mae"].tolist())


def test_the_cumulative_score_counts_photos_within_so_many_years() -> None:
    table = tables.cumulative_table(scores_of([20, 20, 20, 20], [20, 22.5, 27, 60]))
    assert table["years"].tolist() == list(range(16))
    assert table["share"][[0, 3, 15]].tolist() == pytest.approx([0.25, 0.5, 0.75])


def test_rows_of_the_confusion_are_labels_and_columns_what_was_told() -> None:
    table = tables.confusion_table(scores_of([30, 30, 70], [15, 30, 70]))
    assert table.loc["13-17", "25-34"] == 1
    assert table.loc["25-34", "13-17"] == 0
    assert table.to_numpy().sum() == 3


def test_wide_answers_cover_more_than_they_say_and_the_served_interval_is_as_measured() -> None:
    scores = everyone()
    table = calibration_tables.coverage_table(scores)
    assert table["width"].is_monotonic_increasing
    served = calibration_tables.served_table(scores)
    assert served["photos"].sum() == len(scores.ages)
    assert np.average(served["seen"], weights=served["photos"]) == pytest.approx(
        scores.covered.mean()
    )
    wide = calibration_tables.coverage_table(scores_of([30] * 4, [29, 30, 31, 32], spread=10))
    assert wide["seen"].tolist() == [1, 1, 1, 1]


def test_calibration_errors_are_those_of_the_metrics() -> None:
    errors = calibration_tables.calibration_errors(
        calibration_tables.reliability_tables(everyone())
    )
    assert errors["the likeliest group"] == pytest.approx(
        named("age group calibration error").value
    )


def test_labels_above_100_are_listed_too() -> None:
    table = tables.age_table(everyone())
    assert table["youngest"].max() == 105
    assert table["photos"].sum() == 36
