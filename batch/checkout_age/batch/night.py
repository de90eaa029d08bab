"""One night: the purchases of a day in, one row for each in the lake."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import grpc

from checkout_age.batch import connection
from checkout_age.batch.lake import Lake
from checkout_age.batch.models import keep_model
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.progress import waiting_bar
from checkout_age.batch.purchases import read_day
from checkout_age.batch.scoring import score


@dataclass(frozen=True)
class Sources:
    """Where a night is read from, scored and written to."""

    purchases: Path
    photos: Path
    out: Path
    zone: ZoneInfo
    server: str | None = None
    """host:port of a running server; None starts one for the run, with `model`."""
    model: Path | None = None
    """None: the one that the server ships."""


@dataclass(frozen=True)
class NightRun:
    """What a run found and did."""

    day: date
    purchases: int
    repeated: int = 0
    """Rows left out because their purchase_id had come before."""
    already_scored: bool = False


def run_night(day: date, sources: Sources) -> NightRun:
    """Score a day unless its night is in the lake already; a day without purchases writes nothing.

    Raises:
        PurchasesError, PhotoRootError: the inputs cannot be used.
        NoServerError, ServerGoneError: no server answered to the end.
        OSError: the rows cannot be written.
    """
    lake = Lake(sources.out)
    if lake.has(day):
        return NightRun(day, lake.read(day).num_rows, already_scored=True)
    found = read_day(sources.purchases, day, sources.zone)
    photos = PhotoRoot(sources.photos)
    if not found.purchases:
        return NightRun(day, 0)
    lake.prepare()
    with waiting_bar(len(found.purchases)) as bar, _channel(sources, bar.say) as channel:
        bar.say(f"scoring {day}")
        scored = score(found.purchases, photos, channel, bar.advance_to)
        keep_model(sources.out, scored.model)
        lake.write(day, found.purchases, scored)
    return NightRun(day, len(found.purchases), found.repeated)


@contextmanager
def _channel(sources: Sources, say: Callable[[str], None]) -> Iterator[grpc.Channel]:
    if sources.server is not None:
        with connection.connect(sources.server) as channel:
            yield channel
    else:
        say("starting a server")
        with connection.started(sources.model) as channel:
            yield channel
