"""The result as analysts read it: DuckDB, pandas, Polars and Spark, with the docs' own queries."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.batch.shops import SmallShop
from tests.spark import answers_of_spark

DAYS = [date(2026, 11, 20), date(2026, 11, 21)]
READERS = ("DuckDB", "pandas", "Polars", "PySpark")


def query(root: Path, reader: str) -> str:
    """The code that batch/README.md shows for a reader."""
    text = (root / "batch/README.md").read_text()
    found = re.search(rf"<!-- ask {reader} -->\n```python\n(.*?)^```", text, re.M | re.S)
    assert found is not None, reader
    return found[1]


@pytest.fixture
def two_nights(shop: SmallShop, server: str) -> SmallShop:
    for day in DAYS:
        shop.sells([f"{day}-{n}" for n in range(40)], day)
        shop.takes_photo(f"{day}-3", b"no face")
        shop.runs(server, day)
    return shop


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_answers_the_question_of_the_docs(
    root: Path, two_nights: SmallShop, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many purchases each age group made in the store south on the 21st."""
    expected: dict[str, int] = {}
    for row in two_nights.rows(DAYS[1]):
        if row["store_id"] == "south" and row["status"] == "scored":
            expected[row["age_group"]] = expected.get(row["age_group"], 0) + 1
    monkeypatch.chdir(two_nights.folder)
    answer: dict[str, object] = {}
    if reader == "PySpark":
        answer = answers_of_spark(query(root, reader), two_nights.folder, ["by_group"])
    else:
        exec(query(root, reader), answer)
    assert answer["by_group"] == expected
