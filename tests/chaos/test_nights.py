"""The kill harness for nights in short: each kind of kill a few times."""

import random
from pathlib import Path

from tests.chaos.nights import Tally, chaos


def test_nights_that_are_killed_are_finished_by_a_second_run_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    tally = Tally()
    chaos(tally, 4, random.Random(7), tmp_path)
    assert tally.kills.total() == 4
    assert not tally.failed(), tally.figures()
