"""A pool makes what its threads need, one thing at a time, and no more than it may."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from checkout_age.server.pool import Pool


class Maker:
    """Numbers what it makes, and fails where it is told to."""

    def __init__(self, fails_from: int = 100) -> None:
        self.made, self.fails_from = 0, fails_from
        self.go = threading.Event()
        self.go.set()
        self.making = threading.Event()

    def __call__(self) -> int:
        self.making.set()
        self.go.wait(10)
        if self.made + 1 >= self.fails_from:
            raise MemoryError("no room")
        self.made += 1
        return self.made


def use(pool: Pool[int], users: int, seconds: float = 0.02) -> list[int]:
    """What each of so many users at once was given."""

    def one(_: int) -> int:
        with pool.one() as thing:
            time.sleep(seconds)
            return thing

    with ThreadPoolExecutor(users) as threads:
        return list(threads.map(one, range(3 * users)))


def test_one_user_after_the_other_is_given_the_same_thing() -> None:
    pool = Pool(Maker(), most=4)
    assert [use(pool, 1) for _ in range(3)] == [[1, 1, 1]] * 3
    assert pool.made == 1


def test_users_at_once_are_given_things_of_their_own_and_further_ones_wait() -> None:
    pool = Pool(Maker(), most=3)
    assert set(use(pool, 8)) == {1, 2, 3}
    assert pool.made == 3


def test_what_is_prepared_is_made_once_and_never_too_many() -> None:
    maker = Maker()
    pool = Pool(maker, most=3)
    for _ in range(2):
        pool.prepare(2)
        assert maker.made == 2
    pool.prepare(9)
    assert maker.made == 3


def test_while_another_is_made_whoever_comes_takes_what_is_given_back() -> None:
    maker = Maker()
    pool = Pool(maker, most=2)
    pool.prepare(1)
    maker.go.clear()  # from now on making takes long
    preparing = threading.Thread(target=pool.prepare, args=[2])
    maker.making.clear()
    preparing.start()
    assert maker.making.wait(10)
    assert set(use(pool, 4)) == {1}
    maker.go.set()
    preparing.join(10)
    assert pool.made == 2


def test_where_another_cannot_be_made_the_threads_take_turns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool = Pool(Maker(fails_from=3), most=4)
    pool.prepare(4)
    assert set(use(pool, 6)) == {1, 2}
    assert "no more than 2 can be made" in caplog.text


def test_where_not_even_the_first_can_be_made_everybody_is_told() -> None:
    pool = Pool(Maker(fails_from=1), most=2)
    for _ in range(2):
        with pytest.raises(MemoryError, match="no room"):
            use(pool, 3)
    with pytest.raises(MemoryError, match="no room"):
        pool.prepare(1)


def test_whoever_wants_only_an_idle_one_gets_none_while_it_is_in_use_or_not_made() -> None:
    pool = Pool(Maker(), most=1)
    with pool.idle_one() as thing:
        assert thing is None
    pool.prepare(1)
    with pool.idle_one() as thing, pool.idle_one() as other:
        assert (thing, other) == (1, None)
    with pool.idle_one() as thing:
        assert thing == 1
