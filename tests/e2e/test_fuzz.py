"""The short form of `make fuzz`, against the shipped model in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import RunningServer, running
from tests.fuzz.fuzzing import Fuzzer, copied_model, resident_mb
from tests.fuzz.inputs import made_of

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with running(copied_model(tmp_path), tmp_path, "--admin-service") as server:
        yield server


def test_hundreds_of_wrong_inputs_are_all_answered_and_leave_nothing_behind(
    server: RunningServer,
) -> None:
    fuzzer = Fuzzer(server.address)
    fuzzer.warm_up()
    fuzzer.run(1024, start=1)  # every way through the server has been gone after these
    before = resident_mb(server.process.pid)
    fuzzer.run(512, start=2)
    fuzzer.close()
    assert server.process.poll() is None
    assert resident_mb(server.process.pid) - before < 30
    assert sum(fuzzer.outcomes.values()) == 1536
    assert {"PROBLEM_NOT_A_PHOTO", "PROBLEM_DAMAGED_PHOTO", "INVALID_ARGUMENT"} <= set(
        fuzzer.outcomes
    )


def test_a_number_always_stands_for_the_same_input() -> None:
    assert [made_of(number) for number in range(50)] == [made_of(number) for number in range(50)]
