"""The work of a night: what has yet to be sent, fresh or once more, and what became suspect."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from checkout_age.batch.loader import Loaded, LoadedPhoto, Loader
from checkout_age.batch.outcome import Outcome
from checkout_age.batch.purchases import Purchase

SUSPECT = 2
"""Streams that broke while a photo was under way before it is sent alone, after all others."""


class Work:
    """Hands out photos, one thread at a time; purchases that need no server get their outcome."""

    def __init__(
        self,
        pieces: Iterable[list[Purchase]],
        loader: Loader,
        take: Callable[[Purchase, Outcome], None],
    ) -> None:
        self._loader = loader
        self._take = take
        self._fresh: Iterator[Loaded] = loader.ahead(pieces)
        self._again: deque[Purchase] = deque()
        self._breaks: Counter[str] = Counter()
        self.suspects: deque[Purchase] = deque()

    def draw(self) -> LoadedPhoto | None:
        """The next photo to send; None where there is none but suspects."""
        while True:
            if self._again:
                loaded: Loaded | None = self._loader.load(self._again.popleft())
            else:
                loaded = next(self._fresh, None)
            if loaded is None or isinstance(loaded, LoadedPhoto):
                return loaded
            self._take(loaded.purchase, loaded.outcome)

    def one(self, purchase: Purchase) -> Callable[[], LoadedPhoto | None]:
        """Something to draw that photo alone from, read anew."""
        left = [purchase]

        def draw() -> LoadedPhoto | None:
            if not left:
                return None
            loaded = self._loader.load(left.pop())
            if isinstance(loaded, LoadedPhoto):
                return loaded
            self._take(loaded.purchase, loaded.outcome)
            return None

        return draw

    def give_back(self, unanswered: Iterable[Purchase], *, suspect: bool) -> None:
        """Have these sent again; those under way at several breaks are put aside as suspects."""
        for purchase in unanswered:
            self._breaks[purchase.purchase_id] += suspect
            broke = self._breaks[purchase.purchase_id] >= SUSPECT
            (self.suspects if broke else self._again).append(purchase)

    def close(self) -> None:
        """End reading ahead."""
        close = getattr(self._fresh, "close", None)
        if close is not None:
            close()
