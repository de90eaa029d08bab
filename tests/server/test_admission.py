"""Admission and its pace, on a clock that only the tests move."""

import asyncio
import heapq
import random
from contextlib import ExitStack

import pytest

from checkout_age.server.admission import Admission, OverloadedError
from checkout_age.server.pace import Pace

WORK = 0.02
"""Seconds of one worker that a photo takes here."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admission(clock: Clock, *, tills: int = 1000, workers: int = 2) -> Admission:
    return Admission(Pace(workers, clock), tills=tills, streams=2, photos=4)


def answer_one(admission: Admission, clock: Clock, took: float) -> None:
    with admission.till(None):
        clock.now += took


def test_a_lone_till_is_let_in_unless_its_deadline_is_shorter_than_any_answer_ever_took() -> None:
    clock = Clock()
    door = admission(clock)
    with door.till(0.001):  # nothing is known yet
        clock.now += 0.5
    answer_one(door, clock, 0.02)
    with door.till(0.03):
        clock.now += 0.02
    with pytest.raises(ValueError), door.till(1):  # noqa: PT011  # an empty photo takes no time
        raise ValueError
    with pytest.raises(OverloadedError), door.till(0.0001):
        pass  # pragma: no cover


def test_one_slow_answer_does_not_lock_tills_out() -> None:
    clock = Clock()
    door = admission(clock)
    answer_one(door, clock, 0.02)
    answer_one(door, clock, 9.0)
    with door.till(0.5):
        clock.now += 0.02


def test_a_time_when_everything_was_slow_does_not_lock_tills_out() -> None:
    clock = Clock()
    door = admission(clock)
    for _ in range(20):
        answer_one(door, clock, 9.0)
    refused = 0
    for _ in range(6):
        try:
            with door.till(0.5):
                clock.now += 0.02
        except OverloadedError:
            refused += 1
    assert 1 <= refused <= 5


def test_what_would_come_too_late_is_refused_with_a_hint_when_to_come_again() -> None:
    clock = Clock()
    door = admission(clock)
    for _ in range(50):
        answer_one(door, clock, WORK)
    with ExitStack() as waiting:
        for _ in range(20):
            waiting.enter_context(door.till(10.0))
        with pytest.raises(
            OverloadedError, match=r"in about 0\.4\d s, the call has 0\.20 s"
        ) as told:
            waiting.enter_context(door.till(0.2))
        assert 0.02 <= told.value.retry_after < 0.5
        waiting.enter_context(door.till(1.0))
        assert door.tills == 21
    assert door.tills == 0


def test_no_more_tills_wait_than_are_let_in_whatever_their_deadlines() -> None:
    door = admission(Clock(), tills=3)
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(door.till(None))
        with pytest.raises(OverloadedError, match="3 photos wait, as many as it lets in"):
            waiting.enter_context(door.till(None))
    with door.till(None):
        pass


def test_the_photos_of_one_call_wait_too_but_stand_behind_those_of_tills() -> None:
    clock = Clock()
    door = admission(clock, tills=8)
    for _ in range(10):
        answer_one(door, clock, WORK)
    with door.call(16, None):  # a lone call may bring more than wait at once
        with pytest.raises(OverloadedError, match="16 photos wait"), door.call(2, None):
            pass  # pragma: no cover
        with door.till(0.1):
            pass
    with door.call(5, None):
        with door.call(2, None):
            pass
        with pytest.raises(OverloadedError, match="the answer would come in about"):
            door.call(2, 2 * WORK).__enter__()
    with door.call(8, None):
        pass


def test_no_more_streams_are_open_than_are_let_in() -> None:
    door = admission(Clock())
    with ExitStack() as opened:
        opened.enter_context(door.stream())
        opened.enter_context(door.stream())
        with pytest.raises(OverloadedError, match="2 streams of photos are open"):
            opened.enter_context(door.stream())
    with door.stream():
        pass


async def test_photos_of_all_streams_together_wait_for_room_and_not_for_the_tills() -> None:
    door = admission(Clock())
    taken, go = 0, asyncio.Event()

    async def photo() -> None:
        nonlocal taken
        async with door.photos:
            with door.photo():
                taken += 1
                await go.wait()

    photos = [asyncio.create_task(photo()) for _ in range(10)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert taken == 4
    with door.till(0.1):
        pass
    go.set()
    await asyncio.gather(*photos)
    assert taken == 10


def test_the_night_does_not_make_tills_seem_slow() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    for _ in range(20):
        pace.leave(pace.enter(), ahead=0, answered=True)
    entered = [pace.enter() for _ in range(64)]
    for each in entered:
        clock.now += WORK / 2
        pace.leave(each, ahead=None, answered=True)
    assert pace.alone < 0.001
    assert pace.cost == pytest.approx(WORK / 2, rel=0.2)


def test_photos_that_were_given_up_teach_nothing() -> None:
    clock = Clock()
    pace = Pace(1, clock)
    pace.leave(pace.enter(), ahead=0, answered=False)
    assert pace.quickest == 0
    entered = pace.enter()
    clock.now += WORK
    pace.leave(entered, ahead=0, answered=True)
    assert pace.quickest == pytest.approx(WORK)
    pace.forget_all()
    assert pace.quickest == 0


def test_what_a_photo_waited_for_others_is_no_measure_of_the_quickest() -> None:
    clock = Clock()
    door = admission(clock)
    inside = [door.till(None) for _ in range(50)]
    for each in inside:
        each.__enter__()
    for each in inside[:10]:
        each.__exit__(None, None, None)
    door.pace.forget_all()  # another model is served, while many wait
    for each in inside[10:]:
        clock.now += 0.1
        each.__exit__(None, None, None)
    with door.till(0.5):
        clock.now += 0.02


@pytest.mark.parametrize("deadline", [0.1, 0.5, 2.0])
def test_at_three_times_the_capacity_the_answered_rate_stays_at_capacity(deadline: float) -> None:
    """An open loop against two workers of uneven speed, who work on what nobody waits for too."""
    clock, dice = Clock(), random.Random(0)
    workers, seconds = 2, 60.0
    capacity = workers / WORK
    door = admission(clock, workers=workers)
    arrivals = iter(dice.expovariate(3 * capacity) for _ in range(int(6 * capacity * seconds)))
    free = [clock.now] * workers
    events: list[tuple[float, int, ExitStack]] = []
    next_arrival, number, answered, late = clock.now, 0, 0, 0
    end = clock.now + seconds
    while clock.now < end:
        if events and events[0][0] <= next_arrival:
            clock.now, _, done = heapq.heappop(events)
            done.close()
            continue
        clock.now = next_arrival
        next_arrival += next(arrivals)
        number += 1
        call = ExitStack()
        try:
            call.enter_context(door.till(deadline))
        except OverloadedError:
            continue
        begin = max(clock.now, heapq.heappop(free))
        finish = begin + WORK * dice.uniform(0.5, 1.5)
        heapq.heappush(free, finish)
        heapq.heappush(events, (finish, number, call))
        if finish <= clock.now + deadline:
            answered += 1
        else:
            late += 1
    assert answered / seconds > 0.97 * capacity
    assert late / seconds < 0.01 * capacity
