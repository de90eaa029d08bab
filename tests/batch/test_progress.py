"""What is seen of a run while it goes."""

import logging
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from checkout_age.batch.progress import watching
from checkout_age.batch.run import run_night
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.batch.shops import DAY, SmallShop
from tests.standin import StandIn, estimate_of


def test_away_from_a_terminal_lines_tell_what_is_done_at_which_rate(
    shop: SmallShop, server: str, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    shop.sells([f"p-{n}" for n in range(40)])
    with caplog.at_level(logging.INFO, "checkout_age.batch.progress"), watching(0.0) as watch:
        run_night(DAY, shop.sources(server), watch)
    assert f"reading the purchases of {DAY}" in caplog.text
    lines = [line for line in caplog.messages if line.startswith(f"scoring {DAY}")]
    assert any(re.search(r"\b40 of 40\b", line) for line in lines)
    assert any(re.search(r"[1-9][\d.,]* a second", line) for line in lines)


def test_a_terminal_shows_a_bar_with_rate_and_time_left(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    shop.sells([f"p-{n}" for n in range(60)])
    slow = threading.Event()

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        slow.wait(0.02)
        return estimate_of(request.photo)

    stand_in.behaviour = behave
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "checkout_age.batch", "run", "--date", str(DAY)),
            *("--purchases", str(shop.table), "--photos", str(shop.photos)),
            *("--out", str(shop.folder / "lake"), "--server", server),
        ],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    seen = b""
    while piece := _read(ours):
        seen += piece
    os.close(ours)
    assert run.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert f"scoring {DAY}" in text
    assert re.search(r"\d+/60", text)
    assert re.search(r"[1-9]\d*/s", text)
    assert re.search(r"0:00:\d\d", text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # as Linux says that the other end is closed
        return b""


def test_the_job_writes_no_photo_and_no_part_of_one(shop: SmallShop, server: str) -> None:
    contents = {name: os.urandom(64) for name in ("a", "b", "c")}
    shop.sells(contents)
    for name, content in contents.items():
        shop.takes_photo(name, content)
    shop.runs(server)
    files = [path for path in Path(shop.folder, "lake").rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        if path.suffix == ".parquet":
            kinds = pq.read_schema(path).types
            assert not any(pa.types.is_binary(kind) for kind in kinds), path
        written = path.read_bytes()
        assert not any(content[:16] in written for content in contents.values()), path
