"""A small shop for the tests: its table, its photos, its lake, and runs against a stand-in."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from checkout_age.batch.lake import Lake
from checkout_age.batch.progress import Watch
from checkout_age.batch.run import run_night
from checkout_age.batch.run_record import RunRecord
from checkout_age.batch.scoring import Patience
from checkout_age.batch.sources import Scorer, Sources

DAY = date(2026, 11, 21)
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
SILENT = Watch(lambda *_: None, 1e9)
QUICK = Patience(deadline=60.0, away=1.0)


@dataclass
class SmallShop:
    """Purchases of one or more days in CSV, photos in a folder."""

    folder: Path
    zone: ZoneInfo = UTC_ZONE

    def __post_init__(self) -> None:
        self.table = self.folder / "purchases.csv"
        self.photos = self.folder / "photos"
        self.lake = Lake(self.folder / "lake")
        self.photos.mkdir()
        self.table.write_text("purchase_id,store_id,purchased_at,photo\n")

    def sells(self, ids: Iterable[str], day: date = DAY, *, photos: bool = True) -> None:
        """Add purchases with photos of their own, in two stores, one a second from nine."""
        with self.table.open("a") as table:
            for number, name in enumerate(ids):
                store = "north" if number % 2 else "south"
                at = f"{day}T09:{number // 60 % 60:02}:{number % 60:02}"
                table.write(f"{name},{store},{at},{name}.jpg\n")
                if photos:
                    self.takes_photo(name)

    def takes_photo(self, name: str, content: bytes | None = None) -> None:
        """Add the photo of a purchase."""
        (self.photos / f"{name}.jpg").write_bytes(
            content if content is not None else f"photo of {name}".encode()
        )

    def sources(self, server: str = "127.0.0.1:1", **changes: Any) -> Sources:
        """What a run is given."""
        scorer = Scorer(server, patience=QUICK, readers=2)
        plain = Sources(self.table, self.photos, self.folder / "lake", self.zone, scorer)
        return replace(plain, **changes)

    def impatient(self, server: str) -> Scorer:
        """A scorer that gives a silent server half a second."""
        return Scorer(server, patience=Patience(deadline=0.2, away=0.3), readers=2)

    def runs(self, server: str = "127.0.0.1:1", day: date = DAY, **changes: Any) -> RunRecord:
        """Run the night of a day."""
        return run_night(day, self.sources(server, **changes), SILENT)

    def rows(self, day: date = DAY) -> list[dict[str, Any]]:
        """The rows of a night."""
        return list(self.lake.read(day).to_pylist())

    def statuses(self, day: date = DAY) -> dict[str, str]:
        """The status of each purchase."""
        return {row["purchase_id"]: row["status"] for row in self.rows(day)}

    def night_digest(self, day: date = DAY) -> str:
        """Of the bytes of a night's file."""
        path = self.lake.file(day).local
        assert path is not None
        return hashlib.sha256(path.read_bytes()).hexdigest()
