"""The sample day in, Parquet out, through the commands that users type."""

import csv
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.slow

NOT_SCORED = {
    "till-empty.jpg": "empty_photo",
    "till-truncated.jpg": "damaged_photo",
    "till-text.jpg": "not_a_photo",
    "till-nobody.jpg": "no_face",
    "till-dark.jpg": "too_dark",
    "till-blurred.jpg": "too_blurred",
    "till-lost.jpg": "missing_photo",
    "": "no_photo",
}


def night(
    root: Path, out: Path, *more: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    sample = root / "batch" / "sample"
    return subprocess.run(
        [
            *(sys.executable, "-m", "checkout_age.batch", "run", "--date", "2026-11-21"),
            *("--purchases", str(sample / "purchases.csv"), "--photos", str(sample / "photos")),
            *("--out", str(out), *more),
        ],
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ | (env or {}),
        check=False,
    )


@pytest.fixture(scope="module")
def first_run(
    pytestconfig: pytest.Config, server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("lake")
    run = night(pytestconfig.rootpath, out, "--server", server.address)
    assert run.returncode == 0, run.stderr
    return out, run.stdout


@pytest.fixture(scope="module")
def lake(first_run: tuple[Path, str]) -> Path:
    return first_run[0]


@pytest.fixture
def expected(root: Path) -> dict[str, str]:
    """Each purchase of the sample day and the status that its photo must lead to."""
    with (root / "batch/sample/purchases.csv").open() as table:
        return {
            row["purchase_id"]: NOT_SCORED.get(row["photo"], "scored")
            for row in csv.DictReader(table)
        }


def test_duckdb_reads_every_purchase_once_with_its_status(
    lake: Path, expected: dict[str, str]
) -> None:
    rows = duckdb.execute(
        f"SELECT purchase_id, status, purchase_date FROM read_parquet("
        f"'{lake}/purchase_ages/*/*.parquet', hive_partitioning = true)"
    ).fetchall()
    assert len(rows) == len(expected) == 200
    assert {purchase: status for purchase, status, _ in rows} == expected
    assert {str(day) for *_, day in rows} == {"2026-11-21"}


def test_pandas_reads_every_purchase_once_with_its_status(
    lake: Path, expected: dict[str, str]
) -> None:
    rows = pd.read_parquet(lake / "purchase_ages")
    assert len(rows) == 200
    assert dict(zip(rows["purchase_id"], rows["status"], strict=True)) == expected
    scored = rows[rows["status"] == "scored"]
    assert (scored["age_low"] < scored["age_high"]).all()
    shares = np.stack(scored["age_distribution"].to_list()).astype(float)
    redrawn = [
        np.interp(0.5, np.append(0, row.cumsum() / row.sum()), np.arange(102) - 0.5)
        for row in shares
    ]
    assert np.allclose(redrawn, scored["age"], atol=0.05)
    assert scored["age_distribution"].map(len).eq(101).all()
    assert scored["photo_sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_polars_reads_every_purchase_once_with_its_status(
    lake: Path, expected: dict[str, str]
) -> None:
    rows = pl.read_parquet(f"{lake}/purchase_ages/**/*.parquet", hive_partitioning=True)
    assert rows.height == 200
    assert dict(zip(rows["purchase_id"], rows["status"], strict=True)) == expected
    unscored = [status for status in expected.values() if status != "scored"]
    assert rows.filter(pl.col("status") != "scored")["age"].null_count() == len(unscored)


def test_a_refused_face_has_what_was_measured_and_every_photo_its_faces(lake: Path) -> None:
    rows = pd.read_parquet(lake / "purchase_ages")
    refused = rows[rows["status"].isin(["no_face", "too_dark", "too_blurred"])]
    assert (refused["measured"] < refused["threshold"]).all()
    assert (rows.loc[rows["status"] == "no_face", "faces_found"] == 0).all()
    scored = rows[rows["status"] == "scored"]
    assert set(scored["faces_found"]) == {1, 2}
    assert scored["measured"].isna().all()


def test_the_summary_counts_groups_and_troubles(
    first_run: tuple[Path, str], expected: dict[str, str]
) -> None:
    _, summary = first_run
    counts = Counter(expected.values())
    assert f"Purchases by age group, {counts['scored']} scored" in summary
    groups = re.findall(r"│ ([0-9-]+\+?) +│ +(\d+) │", summary)
    assert [name for name, _ in groups][-1] == "65+"
    assert sum(int(count) for _, count in groups) == counts["scored"]
    assert f"Not scored: {200 - counts['scored']}" in summary
    for status in NOT_SCORED.values():
        assert re.search(rf"│ {status} +│ +{counts[status]} │", summary)


def test_the_queries_of_the_summary_run_as_they_are_pasted(
    first_run: tuple[Path, str], root: Path
) -> None:
    commands = re.findall(r"^\S+ - <<'END'\n.*?^END$", first_run[1], re.M | re.S)
    assert len(commands) == 2
    by_group, by_store = (
        subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, cwd=root, check=True
        ).stdout
        for command in commands
    )
    assert "mean_age" in by_group
    assert "north" in by_store


def test_a_second_run_is_quick_changes_nothing_and_says_so(root: Path, lake: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in lake.rglob("purchase_ages/*/*")}
    begun = time.monotonic()
    run = night(root, lake, "--server", "127.0.0.1:1")  # it does not even ask the server
    assert run.returncode == 0
    assert "already scored" in run.stdout
    assert {p: p.stat().st_mtime_ns for p in lake.rglob("purchase_ages/*/*")} == before
    assert time.monotonic() - begun < 300


def test_a_run_that_starts_its_own_server_leaves_no_process_and_no_staging_behind(
    root: Path, tmp_path: Path, shipped_model: Path
) -> None:
    folder = tmp_path / "scratch"  # the server's command line names files in it
    folder.mkdir()
    out = tmp_path / "out"
    run = night(root, out, env={"TMPDIR": str(folder)})
    assert run.returncode == 0, run.stderr
    assert len(pd.read_parquet(out / "purchase_ages")) == 200
    assert list((out / ".staging").iterdir()) == []
    assert list(folder.iterdir()) == []
    assert not any(str(folder) in command_line for command_line in command_lines())


def test_a_job_that_is_killed_takes_its_server_with_it_and_shows_no_half_night(
    root: Path, tmp_path: Path, shipped_model: Path
) -> None:
    sample, folder = root / "batch" / "sample", tmp_path / "scratch"
    folder.mkdir()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "checkout_age.batch", "run", "--date", "2026-11-21"),
            *("--purchases", str(sample / "purchases.csv"), "--photos", str(sample / "photos")),
            *("--out", str(tmp_path / "out"), "--model", str(shipped_model)),
        ],
        env=os.environ | {"TMPDIR": str(folder)},
    ) as job:
        until(lambda: any(str(folder) in line for line in command_lines()))
        until(lambda: any(folder.glob("*/port")))
        job.kill()
    until(lambda: not any(str(folder) in line for line in command_lines()))
    assert not (tmp_path / "out" / "purchase_ages").exists()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def command_lines() -> Iterator[str]:
    """Those of all processes that run."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may have ended meanwhile
            yield process.read_bytes().replace(b"\0", b" ").decode()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--server", "127.0.0.1:1", "--purchases", "none.csv"], 1, "no purchases table"),
        (["--server", "127.0.0.1:1", "--photos", "none"], 1, "no folder of photos"),
        (["--date", "yesterday"], 2, "'yesterday' is no day; write it as 2026-11-21"),
        (["--model", "nowhere"], 3, "there is no model in nowhere"),
    ],
)
def test_a_night_that_cannot_run_says_why_and_ends_with_its_status(
    root: Path, tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    run = night(root, tmp_path / "out", *arguments)
    assert run.returncode == status
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out" / "purchase_ages").exists()


def test_a_day_without_purchases_writes_nothing_and_says_so(root: Path, tmp_path: Path) -> None:
    run = night(root, tmp_path, "--server", "127.0.0.1:1", "--date", "2026-11-22")
    assert run.returncode == 0
    assert "No purchases on 2026-11-22" in run.stdout
    assert not (tmp_path / "purchase_ages").exists()


def test_an_output_folder_that_cannot_be_written_is_named_before_anything_is_scored(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file stands where the folder should be")
    run = night(root, tmp_path / "out", "--server", "127.0.0.1:1")
    assert run.returncode == 4
    assert "could not be written" in run.stderr


def test_the_five_questions_have_the_answers_that_the_page_shows(
    root: Path, first_run: tuple[Path, str]
) -> None:
    page = (root / "batch" / "QUESTIONS.md").read_text()
    block = re.search(r"```python duckdb\n(.*?)```", page, re.S)
    assert block is not None
    names: dict[str, Any] = {
        "lake": str(first_run[0]),
        "baskets": str(root / "batch" / "sample" / "baskets.csv"),
    }
    exec(block[1], names)
    groups, stores, hours, products = (
        [line.strip("| \n").split(" | ") for line in table.splitlines()[2:]]
        for table in re.findall(r"(?:^\|.*\n)+", page, re.M)
    )

    for question, rows, column, off in (
        ("purchases", groups, 1, 0),
        ("spent", groups, 2, 0.006),
        ("scored", stores, 1, 0.0006),
        ("hours", hours, 1, 0),
        ("ages", products, 1, 0.06),
    ):
        told = {str(name): float(value) for name, value in names[question]}
        shown = {row[0]: float(row[column]) for row in rows}
        assert told == pytest.approx(shown, abs=off), question
