"""The report as an analyst calls it, through its command."""

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.__main__ import main
from checkout_age.batch.models import FOLDER, keep_model
from checkout_age.batch.report.figures import lift_map
from tests.lakes import FIRST, LABELS, Photos, drawn, made_up_photos, write_lake, write_night

MIX = np.array([3, 4, 11, 24, 20, 16, 12, 10]) / 100
SECOND = FIRST + timedelta(days=1)
TABLES = {
    *("shares", "lift", "recommendations", "coverage", "baskets", "photo_drift", "age_drift"),
    "models",
}


@pytest.fixture(scope="module")
def labelled() -> Photos:
    return made_up_photos(800, 1)


@pytest.fixture(scope="module")
def photos() -> Photos:
    return made_up_photos(1500, 2)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, labelled: Photos, photos: Photos) -> Path:
    """Two nights of 600 purchases; old people drink tea."""
    folder = tmp_path_factory.mktemp("lake")
    generator = np.random.default_rng(0)
    nights = [generator.choice(8, 600, p=MIX) for _ in range(2)]
    ids = write_lake(folder, labelled, photos, nights)
    lines = ["purchase_id,product,category,quantity,amount,note\n"]
    for purchase, group in zip(ids, np.concatenate(nights), strict=True):
        lines.append(f"{purchase},milk,dairy,1,{generator.gamma(2, 2):.2f},\n")
        if generator.random() < (0.7 if group >= 6 else 0.05):
            lines.append(f"{purchase},tea,drinks,2,{generator.gamma(2, 2):.2f},\n")
    (folder / "baskets.csv").write_text("".join(lines))
    return folder


def report(lake: Path, out: Path, *more: str, first: date = FIRST, last: date = SECOND) -> Path:
    main(
        [
            *("report", "--lake", str(lake), "--from", str(first), "--to", str(last)),
            *("--out", str(out), *more),
        ]
    )
    return out


def told(out: Path, table: str) -> pd.DataFrame:
    rows: pd.DataFrame = pq.read_table(out / f"{table}.parquet").to_pandas()
    return rows


def page(out: Path) -> str:
    return (out / "index.html").read_text()


@pytest.fixture(scope="module")
def written(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(
        lake, tmp_path_factory.mktemp("out") / "report", "--baskets", str(lake / "baskets.csv")
    )


def test_the_folder_holds_the_page_and_every_table_as_parquet(written: Path) -> None:
    assert {file.stem for file in written.glob("*.parquet")} == TABLES
    assert page(written).startswith("<!doctype html>")


def test_shares_are_told_by_day_hour_weekday_and_store_for_purchases_revenue_and_items(
    written: Path,
) -> None:
    shares = told(written, "shares")
    assert set(shares["by"]) == {"whole range", "day", "hour", "weekday", "store"}
    assert set(shares["measure"]) == {"purchases", "revenue", "items"}
    whole = shares[(shares["by"] == "whole range") & (shares["measure"] == "purchases")]
    assert whole["age_group"].tolist() == list(LABELS)
    inside = (whole["low"] <= MIX) & (whole["high"] >= MIX)
    assert inside.sum() >= 7
    assert (whole["low"] <= whole["share"]).all()
    assert (whole["share"] <= whole["high"]).all()


def test_what_old_people_drink_is_recommended_to_them_and_milk_to_nobody(written: Path) -> None:
    offers = told(written, "recommendations")
    assert set(offers["product"]) == {"tea"}
    assert "65+" in set(offers["age_group"])
    assert (offers["low"] > 1).all()
    assert (offers["lift"] <= offers["high"]).all()
    assert offers["rank"].min() == 1
    said = offers[["first", "last", "model"]].drop_duplicates()
    assert said.to_numpy().tolist() == [[str(FIRST), str(SECOND), "made-up"]]


def test_the_same_report_twice_is_the_same_to_the_last_byte(
    lake: Path, written: Path, tmp_path: Path
) -> None:
    again = report(lake, tmp_path / "again", "--baskets", str(lake / "baskets.csv"))
    assert page(again) == page(written)
    assert told(again, "shares").equals(told(written, "shares"))


def test_the_page_asks_for_nothing_elsewhere_and_every_figure_has_a_table(written: Path) -> None:
    text = page(written)
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', text))
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "<script" not in text
    assert text.count("<figure>") == 5
    for caption in re.findall(r"<figcaption>(.*?)</figcaption>", text, re.S):
        assert "table below has the figures" in re.sub(r"\s+", " ", caption)


def test_the_heat_map_has_in_bold_what_is_more_beyond_chance_and_nothing_else(
    written: Path,
) -> None:
    lifts = told(written, "lift")
    products = lifts[lifts["level"] == "product"]
    shown = lift_map(products, LABELS, 9.0).axes[0].texts
    bold = [text for text in shown if text.get_fontweight() == "bold"]
    assert 0 < len(bold) < len(shown)
    assert len(bold) == int((products["sure"] & products["lift"].notna()).sum())


def test_codes_of_products_keep_their_leading_zeros(lake: Path, tmp_path: Path) -> None:
    lines = (lake / "baskets.csv").read_text().replace(",milk,", ",0412,").replace(",tea,", ",7,")
    (tmp_path / "codes.csv").write_text(lines)
    out = report(lake, tmp_path / "out", "--baskets", str(tmp_path / "codes.csv"))
    assert {"0412", "7"} <= set(told(out, "lift")["product"])


def test_a_product_of_two_categories_is_one_product(lake: Path, tmp_path: Path) -> None:
    lines = (lake / "baskets.csv").read_text().replace("tea,drinks", "tea,hot drinks", 60)
    (tmp_path / "b.csv").write_text(lines)
    out = report(lake, tmp_path / "out", "--baskets", str(tmp_path / "b.csv"))
    lifts = told(out, "lift")
    products = lifts[lifts["level"] == "product"]
    assert set(zip(products["product"], products["category"], strict=True)) == {
        ("milk", "dairy"),
        ("tea", "drinks"),
    }
    assert not products.duplicated(["product", "age_group"]).any()


def test_baskets_of_an_id_that_two_nights_have_are_counted_for_neither(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    ids = write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 40)] * 2)
    night = next((tmp_path / "purchase_ages" / f"purchase_date={SECOND}").glob("*.parquet"))
    rows = pq.read_table(night)
    renamed = pa.array([*ids[:3], *rows["purchase_id"].to_pylist()[3:]])
    pq.write_table(rows.set_column(0, "purchase_id", renamed), night)
    lines = [f"{purchase},milk,dairy,1,10\n" for purchase in ids]
    lines[0] = f"{ids[0]},milk,dairy,1,1000000\n"
    (tmp_path / "b.csv").write_text(
        "purchase_id,product,category,quantity,amount\n" + "".join(lines)
    )
    out = report(tmp_path, tmp_path / "out", "--baskets", str(tmp_path / "b.csv"))
    assert "6 purchases have one of 3 ids that several nights of the lake have" in page(out)
    alone = report(
        tmp_path, tmp_path / "one", "--baskets", str(tmp_path / "b.csv"), first=SECOND, last=SECOND
    )
    assert "3 purchases have one of 3 ids that several nights of the lake have" in page(alone)
    assert told(alone, "baskets")["matched"].tolist() == [317]
    assert told(out, "baskets")["matched"].tolist() == [634]
    shares = told(out, "shares")
    revenue = shares[(shares["by"] == "whole range") & (shares["measure"] == "revenue")]
    assert revenue["step"].max() < 0.05  # one million in one basket would coarsen every step


def test_nights_that_the_lake_lacks_are_named(lake: Path, tmp_path: Path) -> None:
    out = report(lake, tmp_path / "out", last=FIRST + timedelta(days=10))
    text = page(out)
    assert "9 of 11 days have no night in the lake: 2026-11-03, 2026-11-04" in text
    assert "2026-11-09 and 2 more" in text


def test_a_new_report_takes_the_place_of_the_old_but_of_nothing_else(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = report(lake, tmp_path / "out", last=FIRST)
    (out / "left-over").touch()
    report(lake, out, last=FIRST)
    assert not (out / "left-over").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    assert status_of(lake, tmp_path / "mine") == 4
    assert "is there and is no report" in capsys.readouterr().err


def status_of(lake: Path, out: Path, *more: str, first: date = FIRST) -> int:
    with pytest.raises(SystemExit) as ended:
        report(lake, out, *more, first=first)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_an_empty_range_is_a_page_that_says_so(lake: Path, tmp_path: Path) -> None:
    day = date(2020, 1, 1)
    out = report(lake, tmp_path / "out", first=day, last=day)
    assert "There are no purchases in the lake from 2020-01-01 to 2020-01-01" in page(out)
    assert len(told(out, "shares")) == 0
    assert {file.stem for file in out.glob("*.parquet")} == TABLES


def test_one_purchase_is_covered_and_tells_of_no_group(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    write_lake(tmp_path, labelled, photos, [np.array([3])])
    out = report(tmp_path, tmp_path / "out", last=FIRST)
    shares = told(out, "shares")
    assert shares["suppressed"].all()
    assert shares[["plain_share", "share", "low", "high"]].isna().all(axis=None)
    assert "100.0%" in page(out)


def test_a_range_without_a_scored_purchase_tells_why(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    nobody = np.array([], np.int64)
    write_night(tmp_path, FIRST, photos, nobody, statuses=["no_face"] * 12 + ["too_dark"])
    out = report(tmp_path, tmp_path / "out", last=FIRST)
    assert "None of the purchases could be scored" in page(out)
    coverage = told(out, "coverage")
    whole = coverage[coverage["store"].isna() & coverage["hour"].isna()]
    assert dict(zip(whole["status"], whole["purchases"], strict=True)) == {
        "no_face": 12,
        "too_dark": 1,
    }


def test_baskets_that_match_no_purchase_are_said_and_shares_told_all_the_same(
    lake: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("purchase_id,product,category,quantity,amount\nx-1,tea,drinks,1,2\n")
    out = report(lake, tmp_path / "out", "--baskets", str(other))
    assert "None of the 1 baskets belongs to a purchase of this range" in page(out)
    assert set(told(out, "shares")["measure"]) == {"purchases"}
    assert len(told(out, "lift")) == 0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("purchase_id,product,quantity\na,b,1\n", "lacks the column category, amount; it has"),
        ("purchase_id,product,category,quantity,amount\na,b,c,many,1\n", "must be numbers"),
    ],
)
def test_baskets_with_other_columns_are_refused_by_name(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, words: str
) -> None:
    (tmp_path / "b.csv").write_text(lines)
    assert status_of(lake, tmp_path / "out", "--baskets", str(tmp_path / "b.csv")) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_places_and_days_are_named(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(tmp_path, tmp_path / "out") == 1
    assert "is no lake: it has no folder purchase_ages" in capsys.readouterr().err
    assert status_of(lake, tmp_path / "out", "--baskets", "none.parquet") == 1
    assert "there are no basket lines at none.parquet" in capsys.readouterr().err
    assert status_of(lake, tmp_path / "out", first=date(2027, 1, 1)) == 1
    assert "--from 2027-01-01 lies after --to" in capsys.readouterr().err


def test_a_memory_that_is_none_and_a_night_that_is_torn_are_named(
    lake: Path, tmp_path: Path, labelled: Photos, photos: Photos, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(lake, tmp_path / "out", "--memory", "much") == 1
    assert "--memory is an amount as 1GB or 512MB, got 'much'" in capsys.readouterr().err
    write_lake(tmp_path, labelled, photos, [np.arange(8)] * 2)
    night = next((tmp_path / "purchase_ages").glob("*/*.parquet"))
    night.write_bytes(night.read_bytes()[:-200])
    assert status_of(tmp_path, tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert f"the nights in {tmp_path} cannot be read: " in said
    assert len(said.splitlines()) == 1


def test_where_the_new_report_cannot_take_the_place_of_the_old_the_old_stays(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = report(lake, tmp_path / "out")
    old, rename = page(out), Path.rename

    def fails_at_the_second(self: Path, target: Path) -> Path:
        if target == out and not self.name.endswith(".old"):
            raise OSError("no such luck")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_at_the_second)
    assert status_of(lake, out, "--threshold", "20") == 4
    assert "no such luck" in capsys.readouterr().err
    assert page(out) == old
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_group_that_the_model_hardly_knows_is_named(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    known = Photos(labelled.ages[labelled.ages >= 13], labelled.by_year[labelled.ages >= 13])
    write_lake(tmp_path, known, photos, [np.repeat(np.arange(8), 40)])
    out = report(tmp_path, tmp_path / "out", last=FIRST)
    assert "fewer than two labelled photos in 0-12. Draw the nights into groups" in page(out)
    assert told(out, "shares")["share"].isna().all()


def test_a_model_that_states_no_error_gives_the_plain_count_and_says_how_to_mend_it(
    lake: Path, tmp_path: Path, labelled: Photos, photos: Photos
) -> None:
    write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 40)])
    (tmp_path / FOLDER / "made-up.json").unlink()
    out = report(tmp_path, tmp_path / "out", last=FIRST)
    assert "Shares are counted, not corrected: the model made-up" in page(out)
    shares = told(out, "shares")
    assert shares["share"].isna().all()
    assert shares.loc[shares["by"] == "whole range", "plain_share"].notna().all()


def test_two_models_are_corrected_each_by_its_own_error(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    groups = np.random.default_rng(3).choice(8, 600, p=MIX)
    write_lake(tmp_path, labelled, photos, [groups])
    keep_model(tmp_path, labelled.model("newer"))
    write_night(tmp_path, SECOND, photos, drawn(photos, groups, 9), version="newer")
    out = report(tmp_path, tmp_path / "out")
    assert "2 models scored this range. Corrected shares are comparable" in page(out)
    assert told(out, "models")["corrected"].tolist() == [True, True]
    shares = told(out, "shares")
    whole = shares[(shares["by"] == "whole range") & (shares["measure"] == "purchases")]
    truth = np.bincount(groups, minlength=8) / 600
    assert ((whole["low"] <= truth) & (truth <= whole["high"])).sum() >= 7


def draw_in_halves(lake: Path, day: date) -> None:
    """Have a night's rows told in two groups, as `regroup` would."""
    file = next((lake / "purchase_ages" / f"purchase_date={day}").glob("*.parquet"))
    night = pq.read_table(file)
    halves = pa.array(
        ["0-17" if text in LABELS[:2] else "18+" for text in night["age_group"].to_pylist()]
    )
    entries = pa.array(
        [[{"age_group": "0-17", "probability": 0.5}, {"age_group": "18+", "probability": 0.5}]]
        * len(night)
    )
    night = night.set_column(night.column_names.index("age_group"), "age_group", halves)
    place = night.column_names.index("age_group_probabilities")
    pq.write_table(night.set_column(place, "age_group_probabilities", entries), file)


def test_nights_in_different_age_groups_are_refused(
    tmp_path: Path, labelled: Photos, photos: Photos, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 5)] * 2)
    draw_in_halves(tmp_path, SECOND)
    assert status_of(tmp_path, tmp_path / "out") == 1
    assert "scored in different age groups: 0-12" in capsys.readouterr().err


def test_worse_photos_than_in_the_weeks_before_are_marked(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 40)])
    rows = drawn(photos, np.repeat(np.arange(8), 40), 5)
    write_night(tmp_path, SECOND, photos, rows, statuses=["too_dark"] * 80)
    out = report(tmp_path, tmp_path / "out", first=SECOND, last=SECOND)
    drift = told(out, "photo_drift").set_index("sign")
    assert drift.loc["too_dark", "changed"]
    assert drift.loc["too_dark", "now"] == pytest.approx(0.2)
    assert "no shift to speak of" in page(out)


def test_weeks_before_in_other_groups_are_not_held_against_this_range(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 40)] * 2)
    assert len(told(report(tmp_path, tmp_path / "out", first=SECOND), "age_drift")) == 8
    draw_in_halves(tmp_path, FIRST)
    out = report(tmp_path, tmp_path / "out", first=SECOND)
    assert len(told(out, "age_drift")) == 0
    assert "scored in other age groups (0-17, 18+)" in page(out)


def test_weeks_before_by_another_model_are_held_against_with_a_warning(
    labelled: Photos, photos: Photos, tmp_path: Path
) -> None:
    write_lake(tmp_path, labelled, photos, [np.repeat(np.arange(8), 40)])
    keep_model(tmp_path, labelled.model("newer"))
    rows = drawn(photos, np.repeat(np.arange(8), 40), 9)
    write_night(tmp_path, SECOND, photos, rows, version="newer")
    out = report(tmp_path, tmp_path / "out", first=SECOND)
    assert "Other models scored the weeks before (made-up against newer)" in page(out)
    assert len(told(out, "age_drift")) == 8
