from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.__main__ import main
from checkout_age.batch.report.views import views
from tests.lakes import made_up_photos, write_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    ids = write_lake(folder, made_up_photos(200, 1), made_up_photos(300, 2), [np.arange(8)] * 2)
    lines = "".join(f"{purchase},milk,dairy,2,1.5\n" for purchase in ids)
    (folder / "b.csv").write_text("purchase_id,product,category,quantity,amount\n" + lines)
    return folder


def test_the_printed_views_are_read_by_any_duckdb(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sql", "--lake", str(lake), "--baskets", str(lake / "b.csv")])
    with duckdb.connect() as connection:
        connection.execute(capsys.readouterr().out)
        rows = connection.sql("SELECT count(*), sum(revenue) FROM purchases_by_age").fetchall()
        assert rows == [(16, 24.0)]
        lifts = connection.sql("SELECT DISTINCT lift FROM lift").fetchall()
        assert lifts == [(1.0,)]
        assert connection.sql("SELECT sum(purchases) FROM coverage").fetchall() == [(16,)]


def test_an_id_of_two_nights_has_no_basket_and_a_product_of_two_categories_is_one(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = write_lake(tmp_path, made_up_photos(200, 1), made_up_photos(300, 2), [np.arange(8)] * 2)
    for night in (tmp_path / "purchase_ages").glob("*/*.parquet"):
        rows = pq.read_table(night)
        same = pa.array(["same", *rows["purchase_id"].to_pylist()[1:]])
        pq.write_table(rows.set_column(0, "purchase_id", same), night)
    lines = "".join(f"{purchase},milk,{n % 2},1,1\n" for n, purchase in enumerate(ids))
    (tmp_path / "b.csv").write_text(
        f"purchase_id,product,category,quantity,amount\nsame,milk,0,1,99\n{lines}"
    )
    main(["sql", "--lake", str(tmp_path), "--baskets", str(tmp_path / "b.csv")])
    with duckdb.connect() as connection:
        connection.execute(capsys.readouterr().out)
        assert connection.sql("FROM repeated_purchases").fetchall() == [("same", 2)]
        rows = connection.sql("SELECT count(*), sum(revenue) FROM purchases_by_age").fetchall()
        assert rows == [(16, 14.0)]
        lifts = connection.sql("SELECT age_group, category, support FROM lift").fetchall()
        assert {category for _, category, _ in lifts} == {"0"}
        assert sum(support for *_, support in lifts) == 14
        assert len(lifts) == len({group for group, *_ in lifts})


def test_views_of_a_lake_elsewhere_say_what_duckdb_needs_first() -> None:
    text = views("s3://shop/lake?region=eu-central-1", None, ZoneInfo("UTC"))
    assert text.startswith("-- of other storage DuckDB needs")
    assert "read_parquet('s3://shop/lake/purchase_ages/*/*.parquet'" in text


def test_a_query_is_answered_as_a_table_or_as_csv(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT store_id, count(*) AS n FROM purchases_by_age GROUP BY 1 ORDER BY 1"
    main(["sql", "--lake", str(lake), query])
    assert "north" in capsys.readouterr().out
    main(["sql", "--lake", str(lake), "--csv", query])
    assert capsys.readouterr().out == "store_id,n\nnorth,8\nsouth,8\n"


@pytest.mark.parametrize(
    ("folder", "query", "words"),
    [
        ("xyz://nowhere", "FROM coverage", "xyz://nowhere names no place that can be used"),
        ("nowhere", "FROM coverage", "the lake or the baskets cannot be read"),
        ("", "FROM nothing", "the query cannot be answered"),
    ],
)
def test_a_wrong_lake_or_query_is_named(
    lake: Path, capsys: pytest.CaptureFixture[str], folder: str, query: str, words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sql", "--lake", folder if "://" in folder else str(lake / folder), query])
    assert ended.value.code == 1
    assert words in capsys.readouterr().err
