import asyncio
import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator

import numpy as np
import pytest

from checkout_age.server.age import Logits
from checkout_age.server.calibration import Calibration
from checkout_age.server.face import Face, FaceError
from checkout_age.server.photo import PhotoError, Pixels
from checkout_age.server.runtime import LARGEST_BATCH, Runtime
from checkout_age.server.scorer import Scored, Scorer
from checkout_age.server.shopper import ShopperFinder
from tests.conftest import Always34, photo_of
from tests.faces import BrightPhotosHaveFaces


class Waits(Always34):
    """Answers only once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.entered = threading.Event(), threading.Event()

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        self.entered.set()
        self.go.wait(10)
        return super().logits(chips)


class Fails(Always34):
    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        super().logits(chips)
        raise MemoryError("no room for 32 chips")


def scorer_with(runtime: Runtime) -> Scorer:
    return Scorer(
        runtime, ShopperFinder(BrightPhotosHaveFaces(), chip_side=32), calibration=Calibration()
    )


async def gathered(scorer: Scorer, photos: int) -> None:
    """Return once so many photos are read and wait for the network."""
    async with asyncio.timeout(10):
        while len(scorer.queue._chips) < photos:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


@pytest.fixture
async def waiting() -> AsyncIterator[tuple[Scorer, Waits]]:
    runtime = Waits()
    scorer = scorer_with(runtime)
    yield scorer, runtime
    runtime.go.set()
    scorer.close()


async def test_photos_that_come_while_the_network_is_busy_share_its_next_batches(
    waiting: tuple[Scorer, Waits], photo: bytes
) -> None:
    scorer, runtime = waiting
    first = asyncio.create_task(scorer.score(photo))
    await asyncio.to_thread(runtime.entered.wait, 10)
    rest = [asyncio.create_task(scorer.score(photo)) for _ in range(40)]
    await gathered(scorer, 40)
    runtime.go.set()
    ages = [scored.ages.age for scored in await asyncio.gather(first, *rest)]
    assert ages == pytest.approx([34] * 41)
    assert runtime.batches == [1, LARGEST_BATCH, 40 - LARGEST_BATCH]


async def test_a_photo_that_nobody_waits_for_any_more_is_not_scored(
    waiting: tuple[Scorer, Waits], photo: bytes
) -> None:
    scorer, runtime = waiting
    first = asyncio.create_task(scorer.score(photo))
    await asyncio.to_thread(runtime.entered.wait, 10)
    given_up = asyncio.create_task(scorer.score(photo))
    wanted = asyncio.create_task(scorer.score(photo))
    await gathered(scorer, 2)
    given_up.cancel()
    await asyncio.sleep(0)
    runtime.go.set()
    await asyncio.gather(first, wanted)
    assert runtime.batches == [1, 1]


async def test_a_failing_network_fails_only_those_who_asked_and_works_again_later(
    photo: bytes,
) -> None:
    runtime = Fails()
    scorer = scorer_with(runtime)
    for _ in range(2):
        with pytest.raises(MemoryError):
            await scorer.score(photo)
    assert runtime.batches == [1, 1]
    scorer.close()


async def test_a_bad_photo_never_reaches_the_network() -> None:
    runtime = Always34()
    scorer = scorer_with(runtime)
    with pytest.raises(PhotoError):
        await scorer.score(b"text")
    assert runtime.batches == []
    scorer.close()


class StumblesOverRed(BrightPhotosHaveFaces):
    """Fails for reasons of its own."""

    def find(self, pixels: Pixels) -> tuple[list[Face], float]:
        if pixels[..., 0].min() > 200 and pixels[..., 1].max() < 50:
            raise ZeroDivisionError("red")
        return super().find(pixels)


async def test_a_photo_that_breaks_the_reading_breaks_only_its_own(photo: bytes) -> None:
    red = photo_of(np.full((40, 60, 3), (255, 0, 0), np.uint8))
    shoppers = ShopperFinder(StumblesOverRed(), chip_side=32)
    scorer = Scorer(Always34(), shoppers, calibration=Calibration(), threads=1)
    photos = [photo, photo, red, b"text", photo, photo, photo, photo]
    outcomes = await asyncio.gather(
        *(scorer.score(each) for each in photos), return_exceptions=True
    )
    scorer.close()
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Scored, Scored, ZeroDivisionError, PhotoError, *[Scored] * 4]


async def test_a_photo_that_is_refused_is_let_go_at_once(black_photo: bytes) -> None:
    scorer = scorer_with(Always34())
    gc.disable()  # what holds itself would stay until it runs, and the photo's pixels with it
    try:
        for photo in (black_photo, b"text"):
            try:
                await scorer.score(photo)
            except (FaceError, PhotoError) as error:
                refused = weakref.ref(error)
            async with asyncio.timeout(10):
                while refused() is not None:  # noqa: ASYNC110  # the thread is about to let go
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()
        scorer.close()


async def test_threads_that_score_keep_no_other_thread_from_waking(photo: bytes) -> None:
    policies = []

    class Tells(Always34):
        def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
            policies.append(os.sched_getscheduler(0))
            return super().logits(chips)

    scorer = scorer_with(Tells())
    await scorer.score(photo)
    scorer.close()
    assert policies == [os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
