"""What the server makes of the cores that it is given."""

import os
from pathlib import Path

import pytest

from checkout_age.server import runtime
from checkout_age.server.runtime import cores, quota
from checkout_age.server.runtime_options import RuntimeOptions


def under(quota: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container for which the kernel tells that."""
    file = folder / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(runtime, "CPU_MAX", file)


@pytest.mark.parametrize(
    ("told", "share", "threads"),
    [("100000 100000\n", 1.0, 1), ("50000 100000\n", 0.5, 1), ("270000 100000\n", 2.7, 2)],
)
def test_a_quota_of_processor_time_counts_as_whole_cores_and_one_at_least(
    told: str, share: float, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    under(told, tmp_path, monkeypatch)
    assert quota() == share
    assert cores() == RuntimeOptions().used_threads == threads


def test_without_a_quota_there_is_a_thread_for_each_core_it_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "CPU_MAX", tmp_path / "nothing")
    allowed = len(os.sched_getaffinity(0))
    assert (quota(), RuntimeOptions().used_threads) == (None, allowed)
    under("max 100000\n", tmp_path, monkeypatch)
    assert (quota(), RuntimeOptions().used_threads) == (None, allowed)
