"""Threads wait awake where waits are short, and asleep elsewhere."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from checkout_age.server.condition import AWAKE, Condition

LONG = 60.0
"""Seconds that no wait here reaches."""


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AWAKE + 1) as pool:
        yield pool


def waiting(condition: Condition, threads: ThreadPoolExecutor, *, awake: bool) -> "Future[None]":
    """A thread that waits."""
    there = threading.Event()

    def wait() -> None:
        with condition:
            there.set()
            condition.wait(awake=awake)

    waits = threads.submit(wait)
    assert there.wait(10)
    with condition:  # it is let go by who waits, awake or not
        return waits


def changed(condition: Condition) -> None:
    with condition:
        condition.notify()


def after_a_short_wait(condition: Condition, threads: ThreadPoolExecutor) -> None:
    waits = waiting(condition, threads, awake=True)
    changed(condition)
    waits.result(10)


def until_awake(condition: Condition, number: int) -> None:
    end = time.monotonic() + 10
    while condition.awake != number:
        assert time.monotonic() < end, f"{condition.awake} are awake"
        time.sleep(0.001)


def test_the_first_wait_is_asleep_and_one_after_a_short_one_awake(
    threads: ThreadPoolExecutor,
) -> None:
    condition = Condition(LONG)
    waits = waiting(condition, threads, awake=True)
    assert condition.awake == 0
    changed(condition)
    waits.result(10)
    waits = waiting(condition, threads, awake=True)
    until_awake(condition, 1)
    changed(condition)
    waits.result(10)
    assert condition.awake == 0


def test_after_a_long_wait_threads_sleep(threads: ThreadPoolExecutor) -> None:
    condition = Condition(0.01)
    waits = waiting(condition, threads, awake=True)
    time.sleep(0.05)
    changed(condition)
    waits.result(10)
    waits = waiting(condition, threads, awake=True)
    assert condition.awake == 0
    changed(condition)
    waits.result(10)


def test_who_is_awake_for_as_long_as_waits_are_short_sleeps_then_and_is_woken(
    threads: ThreadPoolExecutor,
) -> None:
    condition = Condition(1.0)
    after_a_short_wait(condition, threads)
    waits = waiting(condition, threads, awake=True)
    until_awake(condition, 1)
    until_awake(condition, 0)
    assert not waits.done()
    changed(condition)
    waits.result(10)


def test_no_more_than_a_few_are_awake_at_once_and_the_rest_is_woken_too(
    threads: ThreadPoolExecutor,
) -> None:
    condition = Condition(LONG)
    after_a_short_wait(condition, threads)
    everyone = [waiting(condition, threads, awake=True) for _ in range(AWAKE + 1)]
    until_awake(condition, AWAKE)
    with condition:
        condition.notify_all()
    for waits in everyone:
        waits.result(10)


def test_those_who_are_awake_can_be_called_while_others_sleep_on(
    threads: ThreadPoolExecutor,
) -> None:
    condition = Condition(LONG)
    after_a_short_wait(condition, threads)
    asleep = waiting(condition, threads, awake=False)
    awake = waiting(condition, threads, awake=True)
    until_awake(condition, 1)
    with condition:
        condition.notify_awake()
    awake.result(10)
    assert not asleep.done()
    changed(condition)
    asleep.result(10)


def test_without_a_busy_wait_nobody_is_awake(threads: ThreadPoolExecutor) -> None:
    condition = Condition(0)
    for _ in range(2):
        waits = waiting(condition, threads, awake=True)
        assert condition.awake == 0
        changed(condition)
        waits.result(10)
