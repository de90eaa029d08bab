"""A lease for stores without locks: a claim that is renewed, and lapses when its owner dies.

Each run that wants the night puts one small object, its claim. A claim counts while the store's own
clock says that it was renewed lately, so clocks of machines need not agree. Who sees a claim that
holds, or an earlier name that also wants, gives way; who sees neither, twice, holds.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from checkout_age.batch.place import Place, write_whole

LAPSES = timedelta(seconds=60)
RENEWED = 10.0
SETTLES = 1.0
"""Seconds within which a put and a listing of the store are over."""


class _Claim(NamedTuple):
    name: str
    holds: bool
    told: bytes


@contextmanager
def lease(
    folder: Place,
    ours: dict[str, object],
    taken: Callable[[bytes], Exception],
    settle: Callable[[float], None] = time.sleep,
) -> Iterator[Callable[[], None]]:
    """Hold the folder for the block; gives a check that the lease has not been lost.

    Raises: what `taken` makes of the holder's own words.
    """
    claim = _OurClaim(folder / f"{uuid.uuid4().hex}.json", ours)
    try:
        claim.put(holds=False)
        for last in (False, True):
            _give_way(claim, _others(folder, claim), taken, among_equals=True)
            if not last:
                settle(SETTLES)
                claim.put(holds=False)
        claim.put(holds=True)
        _give_way(claim, _others(folder, claim), taken, among_equals=False)
        with claim.renewed():
            yield lambda: claim.require(taken)
    finally:
        with suppress(OSError):
            claim.place.delete()


class _OurClaim:
    def __init__(self, place: Place, ours: dict[str, object]) -> None:
        self.place = place
        self._ours = ours
        self._put_at = time.monotonic()

    def put(self, *, holds: bool) -> None:
        self._put_at = time.monotonic()
        words = json.dumps(self._ours | {"holds": holds}).encode()
        write_whole(self.place, self.place, words)

    def require(self, taken: Callable[[bytes], Exception]) -> None:
        if time.monotonic() - self._put_at > LAPSES.total_seconds() * 0.8:
            raise taken(b"")

    @contextmanager
    def renewed(self) -> Iterator[None]:
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(RENEWED):
                with suppress(OSError):  # the next try may succeed; `require` tells when none did
                    self.put(holds=True)

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _others(folder: Place, claim: _OurClaim) -> list[_Claim]:
    """Claims other than ours that have not lapsed, by the store's clock."""
    now = claim.place.info().mtime
    found = []
    for place in folder.children():
        renewed = place.info().mtime
        if place.path == claim.place.path or renewed is None or now is None:
            continue
        if now - renewed > LAPSES:
            continue
        try:
            told = place.read_bytes()
        except OSError:
            if place.exists():
                raise
            continue  # it went away while we looked
        with suppress(ValueError):  # of another version
            found.append(_Claim(place.name, bool(json.loads(told)["holds"]), told))
    return found


def _give_way(
    claim: _OurClaim,
    others: list[_Claim],
    taken: Callable[[bytes], Exception],
    *,
    among_equals: bool,
) -> None:
    for other in others:
        earlier = other.name < claim.place.name
        if (other.holds and (among_equals or earlier)) or (among_equals and earlier):
            raise taken(other.told)
