"""The worked page of questions: every tool runs as it is shown and gives the same answers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.lakes import FIRST, drawn, made_up_photos, write_lake, write_night
from tests.spark import answers_of_spark

QUESTIONS = ("purchases", "scored", "spent", "hours", "ages")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    lake = tmp_path_factory.mktemp("lake")
    photos, groups = made_up_photos(600, 2), np.random.default_rng(0).choice(8, 300)
    write_lake(lake, made_up_photos(300, 1), photos, [groups])
    ids = write_night(lake, FIRST, photos, drawn(photos, groups, 1), statuses=["no_face"] * 7)
    lines = [
        f"{purchase},{name},food,1,{number % 7}.5\n"
        for number, purchase in enumerate(ids)
        for name in ("milk", "tea")[: 1 + number % 2]
    ]
    file = lake / "baskets.csv"
    file.write_text("purchase_id,product,category,quantity,amount\n" + "".join(lines))
    return {"lake": str(lake), "baskets": str(file)}


def answers(
    root: Path, tool: str, given: dict[str, str], folder: Path
) -> dict[str, dict[Any, float]]:
    """What the page's block for a tool answers, by question."""
    page = (root / "batch" / "QUESTIONS.md").read_text()
    block = re.search(rf"```python {tool}\n(.*?)```", page, re.S)
    assert block is not None
    names: dict[str, Any] = dict(given)
    if tool == "spark":
        names = answers_of_spark(block[1], folder, QUESTIONS, given)
    else:
        exec(block[1], names)
    found = {}
    for question in QUESTIONS:
        answer = names[question]
        rows = answer.items() if isinstance(answer, pd.Series) else [tuple(row) for row in answer]
        found[question] = {key: float(value) for key, value in rows}
    return found


@pytest.mark.parametrize("tool", ["pandas", "polars", "spark"])
def test_every_tool_answers_as_duckdb_does(
    root: Path, given: dict[str, str], tool: str, tmp_path: Path
) -> None:
    duck, other = (answers(root, each, given, tmp_path) for each in ("duckdb", tool))
    for question in QUESTIONS:
        assert len(duck[question]) >= 2
        assert other[question] == pytest.approx(duck[question], rel=1e-9)
