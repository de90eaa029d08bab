"""The rollout: from one model to another under load, and back."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from checkout_age.server.answering import ModelNotReadyError
from checkout_age.server.bundle import Bundle, BundleError, read_bundle
from checkout_age.server.canary import Ages, Canary, CanaryError, Comparison
from checkout_age.server.memory import give_back
from checkout_age.server.served import Served
from checkout_age.server.versions import Fingerprint, Versions, fingerprint

logger = logging.getLogger(__name__)

SOON = 1.0
"""Seconds until the first model is made ready for every thread: the first photo has the cores to
itself, and photos that come at once before that have made ready what they need."""


@dataclass
class _Place:
    """A model that answers, and the photos that it answers now."""

    served: Served
    folder: Path
    ages: Ages | None = None
    """Of the canary photos; None before anything was compared with it."""
    photos: int = 0
    retired: bool = False
    empty: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Swap:
    """One model has taken another's place, or is told to where it has it already."""

    before: str
    after: str
    seconds: float
    """From the request to the moment when the new one answered."""


class Rollout:
    """Holds the model that is served; swaps in another without a photo unanswered.

    A new model is loaded, warmed and compared with the served one while that goes on; a photo is
    answered by the model that was served when it was taken up; the old one goes when it has
    answered its last. Used on one event loop.
    """

    def __init__(
        self,
        versions: Versions,
        load: Callable[[Bundle], Awaitable[Served]],
        canary: Canary,
        told: Callable[[Served], None] = lambda _: None,
    ) -> None:
        """`told` is told of each model that begins to answer."""
        self.versions = versions
        self._load, self._canary, self._told = load, canary, told
        self._place: _Place | None = None
        self._previous: Path | None = None
        self._refused: dict[Path, Fingerprint] = {}
        self._trouble = ""
        self._one = asyncio.Lock()
        self._loads = 0
        """Models that were begun to load: only those leave memory behind."""

    @property
    def served(self) -> Served | None:
        """The model that answers now; None while the first one loads."""
        return None if self._place is None else self._place.served

    @property
    def folder(self) -> Path | None:
        """Where that model lies."""
        return None if self._place is None else self._place.folder

    def require_ready(self) -> Served:
        """The model that answers now. Raises ModelNotReadyError."""
        if self._place is None:
            raise ModelNotReadyError("the model is still loading, try again in a few seconds")
        return self._place.served

    @contextmanager
    def answering(self) -> Iterator[Served]:
        """The model for one photo; it stays loaded for as long as the block runs.

        Raises:
            ModelNotReadyError: the first model is still loading.
        """
        self.require_ready()
        place = self._place
        assert place is not None
        place.photos += 1
        try:
            yield place.served
        finally:
            place.photos -= 1
            if place.retired and not place.photos:
                place.empty.set()

    async def start(self) -> Served:
        """Load the first model: the best version that can be served.

        Raises:
            BundleError: there is none.
        """
        async with self._one:
            wanted = await asyncio.to_thread(self.versions.wanted)
            await asyncio.to_thread(self._tell_refused, wanted)
            for number, folder in enumerate(wanted, 1):
                try:
                    served = await self._loaded(folder)
                except BundleError:
                    if number == len(wanted):
                        raise
                    logger.exception("%s is refused, the next newest is tried", folder)
                    continue
                self._place = _Place(served, folder)
                self._told(served)
                making_ready = threading.Timer(SOON, served.scorer.ready)
                making_ready.daemon = True  # an end need not wait for it
                making_ready.start()
                return served
        raise AssertionError("there is always a first version")

    async def follow(self) -> Swap:
        """Swap in what the models folder wants served now, where it is not served already.

        Raises:
            BundleError: the new one is refused, the old one goes on.
        """
        async with self._alone():
            return await self._swap((await asyncio.to_thread(self.versions.wanted))[0])

    async def look(self) -> None:
        """Follow the models folder; a version that was refused is tried again once it changes."""
        try:
            wanted = (await asyncio.to_thread(self.versions.wanted))[0]
            place = self._place
            if place is None or wanted == place.folder:
                self._trouble = ""
                return
            if self._refused.get(wanted) == await asyncio.to_thread(fingerprint, wanted):
                return
            await self.follow()
        except (BundleError, OSError) as error:
            if str(error) != self._trouble:  # it is looked at every few seconds
                logger.error("the model in the folder is refused: %s", error)
            self._trouble = str(error)

    async def swap(self, version: str) -> Swap:
        """Swap in a version and pin it; an empty name: swap in the newest, and unpin.

        Raises:
            BundleError: it is refused or not there, the old one goes on.
            OSError: the pin cannot be written; nothing was swapped.
        """
        async with self._alone():
            folder = await asyncio.to_thread(
                lambda: self.versions.named(version) if version else self.versions.newest()[0]
            )
            return await self._pinned(folder, version or None)

    async def roll_back(self) -> Swap:
        """Swap the version before this one in again, and pin it.

        Raises:
            BundleError: there is none, or it is refused.
            OSError: the pin cannot be written; nothing was swapped.
        """
        async with self._alone():
            if self._previous is None:
                raise BundleError("no other model was served before this one")
            return await self._pinned(self._previous, self._previous.name)

    async def close(self) -> None:
        """Release the model, once a swap that goes on is over; nothing is answered any more."""
        async with self._one:
            place, self._place = self._place, None
            if place is not None:
                await asyncio.to_thread(place.served.scorer.close)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One swap at a time; the old model's memory is free before the next begins."""
        async with self._one:
            loads = self._loads
            try:
                yield
            finally:
                if self._loads != loads:
                    await asyncio.to_thread(give_back)

    async def _pinned(self, folder: Path, pin: str | None) -> Swap:
        """Swap first, so that an end meanwhile leaves no pin to a model that was not tried yet."""
        await asyncio.to_thread(self.versions.require_pinnable)
        swap = await self._swap(folder)
        await asyncio.to_thread(self.versions.pin, pin)
        return swap

    async def _swap(self, folder: Path) -> Swap:
        self.require_ready()
        old, began = self._place, time.monotonic()
        assert old is not None
        if folder == old.folder:
            return Swap(old.served.bundle.version, old.served.bundle.version, 0.0)
        logger.info("loading %s beside %s", folder.name, old.folder.name)
        try:
            new, found = await self._tried(folder, old)
        except BundleError as error:
            self._refused[folder] = await asyncio.to_thread(fingerprint, folder)
            if isinstance(error, CanaryError):
                await asyncio.to_thread(self.versions.refused.add, folder.name, str(error))
            raise
        self._place, self._previous = new, old.folder
        self._refused.pop(folder, None)
        self._told(new.served)
        swap = Swap(old.served.bundle.version, new.served.bundle.version, time.monotonic() - began)
        logger.info(
            "serving %s instead of %s after %.2f s; on %d canary photos %.2f years apart, "
            "%.1f at most",
            *(swap.after, swap.before, swap.seconds),
            *(found.photos, found.mean_years, found.most_years),
        )
        await asyncio.to_thread(self.versions.refused.remove, folder.name)
        await _retire(old)
        return swap

    async def _tried(self, folder: Path, old: _Place) -> tuple[_Place, Comparison]:
        """The new model, loaded, warmed and compared."""
        served = await self._loaded(folder)
        try:
            await asyncio.to_thread(served.scorer.ready)
            if old.ages is None:
                old.ages = await self._canary.ages(old.served.scorer)
            ages = await self._canary.ages(served.scorer)
            return _Place(served, folder, ages), self._canary.compare(old.ages, ages)
        except BaseException:
            await asyncio.to_thread(served.scorer.close)
            raise

    def _tell_refused(self, wanted: tuple[Path, ...]) -> None:
        refused = self.versions.refused
        for version, reason in refused.all().items():
            if (self.versions.folder / version) not in wanted:
                logger.warning(
                    "%s is passed over, %s says: %s; swap to it by name or take the line out to "
                    "try it again",
                    *(version, refused.file, reason),
                )

    async def _loaded(self, folder: Path) -> Served:
        self._loads += 1
        bundle = await asyncio.to_thread(read_bundle, folder)
        try:
            return await self._load(bundle)
        except BundleError:
            raise
        except Exception as error:  # whatever a library says of weights that it cannot run
            logger.exception("%s cannot be loaded", folder)
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise BundleError(f"{folder} cannot be loaded: {reason}") from error


async def _retire(place: _Place) -> None:
    """Release a model once it has answered its last photo."""
    place.retired = True
    if place.photos:
        await place.empty.wait()
    await asyncio.to_thread(place.served.scorer.close)
