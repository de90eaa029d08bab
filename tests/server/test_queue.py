"""The order in which photos and chips are taken, without threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from checkout_age.server.queue import Job, PhotoQueue, Step, Urgency
from checkout_age.server.shopper import Shopper
from tests.faces import face_at

CHIP = Shopper(np.zeros((32, 32, 3), np.uint8), face_at(16, 16, 30), 1)


def photo(name: str, urgency: Urgency = Urgency.TILL) -> Job:
    return Job(name.encode(), urgency, asyncio.get_running_loop().create_future())


def chip(name: str, urgency: Urgency = Urgency.TILL) -> Job:
    job = photo(name, urgency)
    job.shopper = CHIP
    return job


def queue_of(*jobs: Job, streams: int = 1, batch: int = 2) -> PhotoQueue:
    queue = PhotoQueue(streams, lambda: batch)
    for job in jobs:
        queue.put(job)
    return queue


def taken(queue: PhotoQueue) -> tuple[str, list[str], Step]:
    step = queue.take()
    assert step is not None
    return "read" if step.reads else "run", [job.photo.decode() for job in step.jobs], step


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.001)


async def test_tills_go_before_the_night_and_each_in_the_order_of_arrival() -> None:
    queue = queue_of(
        photo("night 1", Urgency.NIGHT), photo("night 2", Urgency.NIGHT), photo("a"), photo("b")
    )
    assert [taken(queue)[1] for _ in range(2)] == [["a", "b"], ["night 1", "night 2"]]


async def test_a_till_s_chip_goes_before_every_photo_and_chip_of_the_night() -> None:
    nights = [chip("n1", Urgency.NIGHT), chip("n2", Urgency.NIGHT), photo("n3", Urgency.NIGHT)]
    assert taken(queue_of(*nights, chip("till")))[:2] == ("run", ["till"])


async def test_a_till_s_photo_is_read_before_the_night_s_full_batch_runs() -> None:
    queue = queue_of(chip("n1", Urgency.NIGHT), chip("n2", Urgency.NIGHT), photo("till"))
    assert taken(queue)[:2] == ("read", ["till"])


async def test_a_lone_chip_runs_at_once_and_is_told_that_it_is_alone() -> None:
    kind, names, step = taken(queue_of(chip("only"), streams=2, batch=32))
    assert (kind, names, step.alone) == ("run", ["only"], True)


async def test_one_stream_needs_no_telling_and_photos_are_read_beside_it() -> None:
    queue = queue_of(chip("only"), streams=1)
    _, _, step = taken(queue)
    assert not step.alone
    queue.put(photo("later"))
    assert taken(queue)[:2] == ("read", ["later"])


async def test_nothing_else_is_taken_until_a_chip_that_is_alone_has_run() -> None:
    queue = queue_of(chip("only"), streams=2)
    _, _, alone = taken(queue)
    queue.put(photo("later"))
    with ThreadPoolExecutor(1) as thread:
        later = thread.submit(taken, queue)
        with pytest.raises(TimeoutError):
            later.result(0.1)
        queue.done(alone)
        assert later.result(5)[:2] == ("read", ["later"])


async def test_where_few_wait_a_chip_runs_before_the_next_photo_is_read() -> None:
    queue = queue_of(chip("a"), photo("b"), batch=32)
    assert taken(queue)[:2] == ("run", ["a"])


async def test_the_nights_photos_make_no_till_s_chip_wait_for_others() -> None:
    nights = [photo(f"n{number}", Urgency.NIGHT) for number in range(8)]
    queue = queue_of(chip("a"), photo("b"), *nights, batch=32)
    assert taken(queue)[:2] == ("run", ["a"])


async def test_what_was_read_goes_on_and_the_reader_itself_finds_it_alone() -> None:
    queue = queue_of(photo("a"), streams=2)
    _, _, step = taken(queue)
    step.jobs[0].shopper = CHIP
    queue.done(step, step.jobs)
    kind, names, step = taken(queue)
    assert (kind, names, step.alone) == ("run", ["a"], True)


async def test_photos_are_read_until_a_batch_is_full_then_it_runs() -> None:
    queue = queue_of(chip("a"), *(photo(name) for name in "bcdefg"), batch=3)
    kind, names, reading = taken(queue)
    assert (kind, names) == ("read", ["b", "c", "d", "e"])
    for job in reading.jobs:
        job.shopper = CHIP
    queue.done(reading, reading.jobs)
    kind, names, step = taken(queue)
    assert (kind, names, step.alone) == ("run", ["a", "b", "c"], False)


async def test_where_a_few_wait_photos_are_read_two_at_a_time() -> None:
    queue = queue_of(*(photo(name) for name in "abcde"), streams=2)
    assert [taken(queue)[1] for _ in range(3)] == [["a", "b"], ["c", "d"], ["e"]]


async def test_those_who_are_worked_on_belong_to_the_crowd_too() -> None:
    queue = queue_of(*(photo(name) for name in "abcd"), streams=2)
    assert [taken(queue)[1] for _ in range(2)] == [["a", "b"], ["c", "d"]]
    for name in "efghi":
        queue.put(photo(name))
    kind, names, step = taken(queue)
    assert (kind, names) == ("read", ["e", "f", "g", "h"])
    queue.done(step)
    for name in "jk":
        queue.put(photo(name))
    assert taken(queue)[1] == ["i", "j"]


async def test_a_chip_waits_for_a_second_one_while_the_network_runs_and_a_photo_can_be_read() -> (
    None
):
    queue = queue_of(chip("a"), photo("b"), streams=2, batch=4)
    assert taken(queue)[:2] == ("run", ["a"])
    queue.put(chip("c"))
    kind, names, reading = taken(queue)
    assert (kind, names) == ("read", ["b"])
    reading.jobs[0].shopper = CHIP
    queue.done(reading, reading.jobs)
    queue.put(photo("d"))
    assert taken(queue)[:2] == ("run", ["b", "c"])


async def test_a_chip_waits_for_no_second_one_where_no_photo_as_urgent_can_be_read() -> None:
    queue = queue_of(chip("a"), photo("n", Urgency.NIGHT), streams=2, batch=4)
    assert taken(queue)[:2] == ("run", ["a"])
    queue.put(chip("c"))
    assert taken(queue)[:2] == ("run", ["c"])


async def test_a_till_s_photo_is_not_read_together_with_the_night_s() -> None:
    nights = [photo(f"n{number}", Urgency.NIGHT) for number in range(8)]
    queue = queue_of(*nights, photo("a"), photo("b"), photo("c"))
    assert [taken(queue)[1] for _ in range(3)] == [["a", "b"], ["c"], ["n0", "n1", "n2", "n3"]]


async def test_a_thread_that_has_nothing_to_do_gets_its_share_of_the_photos() -> None:
    queue = queue_of()
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(taken, queue)
        await until(lambda: queue._idle == 1)
        with queue._change:  # so that all are there before it wakes up
            for name in "abc":
                queue.put(photo(name))
            assert taken(queue)[1] == ["a", "b"]
        assert other.result(5)[1] == ["c"]


async def test_no_more_steps_run_the_network_than_it_has_streams() -> None:
    queue = queue_of(chip("a"), chip("b"), chip("c"), photo("d"), batch=1)
    assert taken(queue)[:2] == ("run", ["a"])
    assert taken(queue)[:2] == ("read", ["d"])


async def test_what_nobody_waits_for_is_passed_over_and_not_counted() -> None:
    jobs = [photo("gone"), photo("wanted")]
    queue = queue_of(*jobs)
    jobs[0].answer.cancel()
    assert queue.waiting(Urgency.TILL) == 1
    assert taken(queue)[1] == ["wanted"]


async def test_a_closed_queue_is_emptied_before_it_ends() -> None:
    queue = queue_of(photo("last"))
    queue.close()
    assert taken(queue)[1] == ["last"]
    queue.done(Step([], reads=True))
    assert queue.take() is None
