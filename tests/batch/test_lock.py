"""One run at a time works on a night; a run that dies frees it."""

import multiprocessing
import os
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from checkout_age.batch.lake import Lake
from checkout_age.batch.lock import NightTakenError, night_lock
from tests.batch.shops import DAY, SmallShop
from tests.standin import StandIn


def hold(folder: Path, holds: Event) -> None:
    with night_lock(Lake(folder), DAY):
        holds.set()
        time.sleep(60)


def test_the_second_run_says_who_is_at_work_and_a_kill_frees_the_night(
    shop: SmallShop, server: str, stand_in: StandIn
) -> None:
    shop.sells(["a"])
    context = multiprocessing.get_context("spawn")
    holds = context.Event()
    other = context.Process(target=hold, args=(shop.folder / "lake", holds))
    other.start()
    assert holds.wait(30)
    with pytest.raises(NightTakenError, match=f"`run` with process {other.pid} on .* since 20"):
        shop.runs(server)
    assert stand_in.photos == []
    other.kill()
    other.join()
    assert shop.runs(server).result == "done"


def test_nights_of_other_days_are_free(shop: SmallShop) -> None:
    with night_lock(shop.lake, DAY), night_lock(shop.lake, DAY.replace(day=20)):
        assert os.path.exists(f"{shop.lake.folder.path}/.locks/purchase_date={DAY}.lock")  # noqa: PTH110
