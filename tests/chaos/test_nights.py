"""The kill harness for nights in short: each kind of kill a few times."""

import random
from pathlib import Path

from tests.chaos.nights import Tally, chaos


def test_nights_that_are_killed_are_finished_by_a_second_run_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    tally = Tally()
    chaos(tally, 9, random.Random(7), tmp_path)
    assert tally.kills == {"job": 3, "server": 3, "both": 3}
    assert not tally.failed(), tally.figures()
    assert tally.rows_taken_over > 0
    assert tally.photos_of_nights <= tally.photos_answered < 2 * tally.photos_of_nights
