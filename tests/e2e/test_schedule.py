"""The scheduler as an operator runs it, on the real clock."""

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Serving

pytestmark = pytest.mark.slow


async def test_the_night_before_is_scored_when_its_minute_comes_and_a_signal_ends_it(
    serving: Serving, photo: bytes, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    if now.hour == 23 and now.minute >= 57:
        pytest.skip("midnight is too near to say which day is yesterday")
    at = now + timedelta(minutes=1 if now.second < 25 else 2)
    yesterday = now.date() - timedelta(days=1)
    (tmp_path / "1.jpg").write_bytes(photo)
    purchases = tmp_path / "purchases.csv"
    purchases.write_text(
        f"purchase_id,store_id,purchased_at,photo\np-1,north,{yesterday}T12:00:00,1.jpg\n"
    )
    async with serving() as address:
        with (tmp_path / "log").open("wb") as log:
            scheduler = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "checkout_age.batch", "schedule", "--at", f"{at:%H:%M}"),
                *("--purchases", str(purchases), "--photos", str(tmp_path)),
                *("--out", str(tmp_path / "lake"), "--server", address),
                stderr=log,
            )
        night = tmp_path / "lake" / "purchase_ages" / f"purchase_date={yesterday}"
        try:
            async with asyncio.timeout(180):
                while not night.exists():  # noqa: ASYNC110  # another process makes it
                    await asyncio.sleep(0.2)
            scheduler.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(scheduler.wait(), 30) == 0
        finally:
            if scheduler.returncode is None:
                scheduler.kill()
    assert pd.read_parquet(night)["age"].tolist() == pytest.approx([34])
    assert f"the night of {yesterday} is scored: 1 purchases" in (tmp_path / "log").read_text()
