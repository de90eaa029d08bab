"""The work on one night that `run` and `rescore` share: resume, score, publish."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.lake import Lake, NightFacts
from checkout_age.batch.late import UNFINISHED
from checkout_age.batch.lock import night_lock
from checkout_age.batch.merge import merged, pieces_of_night
from checkout_age.batch.models import keep_model
from checkout_age.batch.outcome import Outcome
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.place import Place
from checkout_age.batch.plan import Plan, RowIn, fresh_plan
from checkout_age.batch.progress import Watch
from checkout_age.batch.progress_store import (
    Piece,
    ProgressStore,
    keep_piece,
    kept_pieces,
    progress_folder,
)
from checkout_age.batch.purchases import Purchase
from checkout_age.batch.run_record import RunRecord, recorded
from checkout_age.batch.scoring import Scoring
from checkout_age.v1 import age_estimation_pb2 as pb

DONE, NOTHING_TO_DO, FAILED = "done", "nothing_to_do", "failed"
PIECE = 8


class LostRowError(AssertionError):
    """The night would have lacked or doubled a row, so it was not replaced; this is a defect."""


class Night:
    """One night that is held by this run and no other."""

    def __init__(
        self, lake: Lake, day: date, plan: Plan, record: RunRecord, require: Callable[[], None]
    ) -> None:
        self.lake = lake
        self.day = day
        self.plan = plan
        self.record = record
        self.facts = lake.facts(day) or NightFacts(revision=0)
        self.pieces: list[Piece] = []
        """Rows that are new to the night."""
        self.require_lock = require
        self._model = pb.GetModelResponse()
        self._known_models: set[str] = set()

    def resume(self, kind: str, model_version: str | None = None) -> None:
        """Take up what a broken run of the same kind of work on the same revision has left.

        With a version, only rows that this model gave. Photos that were missing are looked for
        again: their folder may have been on its way out. What was left for another revision has
        been overtaken and goes.
        """
        folder = self._progress(kind)
        for each in progress_folder(self.lake, self.day).children():
            if each.name != folder.name and not each.name.endswith(f"-{self.facts.revision}"):
                each.delete()
        for piece, keys in kept_pieces(folder):
            counts = self.plan.claim(purchases_in(keys), RowIn.PROGRESS)
            again = pc.is_in(keys["status"], pa.array(sorted(UNFINISHED)))
            if model_version is not None:
                again = pc.or_(again, pc.not_equal(keys["model_version"], model_version))
            counts = self._let_go(keys, counts, again.to_pylist())
            piece.counts = None if all(counts) else counts
            self.record.rows_resumed += sum(counts)
            if any(counts):
                self.pieces.append(piece)

    def carry(self, kind: str, rows: pa.Table) -> None:
        """Have these rows, sorted as a night is, in the place of those with the same ids."""
        self.pieces.append(keep_piece(self._progress(kind), self.lake.staging_of(self.day), rows))
        self.plan.put(rows["purchase_id"].to_pylist(), RowIn.PROGRESS)
        self.record.rows_carried += len(rows)

    def score(
        self,
        kind: str,
        scoring: Scoring,
        photos: PhotoRoot,
        watch: Watch,
        keeps: Callable[[Outcome], bool] = lambda _: False,
    ) -> None:
        """Score what the plan has open; what is scored is durable within seconds.

        Where `keeps` says so, the row that the night has stays instead of the outcome.
        """
        store = ProgressStore(
            self._progress(kind),
            self.lake.staging_of(self.day),
            self._model.version,
            lambda ids: self.plan.put(ids, RowIn.PROGRESS),
        )

        def take(purchase: Purchase, outcome: Outcome) -> None:
            version = outcome.model_version
            if version is not None and version not in self._known_models:
                self._meet(version, scoring)
            if keeps(outcome):
                self.plan.put([purchase.purchase_id], RowIn.NIGHT)
            else:
                store.take(purchase, outcome)
                self.record.rows_new += 1
                self.record.photos_sent += version is not None
            watch.advance()

        to_do = self.plan.count_in(RowIn.NOWHERE)
        watch.begin(self.plan.count(), self.plan.count() - to_do)
        watch.say(f"scoring {self.day}")
        scoring.take = take
        try:
            with self.record.stage("score"):
                scoring.score(self.plan.open_purchases(PIECE), photos, self._model)
                store.finish()
        except BaseException:
            with suppress(OSError):  # it is the first failure that counts
                store.save()
            raise
        finally:
            self.record.retries = scoring.retries
            store.close()
        self.pieces += store.pieces

    def learn(self, model: pb.GetModelResponse) -> None:
        """Note which model scores, and keep what it says of itself."""
        self._model = model
        self.record.model_name, self.record.model_version = model.name, model.version
        self._keep(model)

    def publish(self, facts: NightFacts) -> None:
        """Put the night as it is now in the place of the night as it was, at once.

        Raises:
            OSError: it cannot be written; the night is as it was, and the progress is kept.
            NightTakenError: the lock was lost.
            LostRowError: rows are missing or doubled.
        """
        groups = None if facts.age_groups is None else AgeGroups.of(facts.age_groups)
        with self.record.stage("write"):
            kept = self.kept_rows()
            expected = kept + self.plan.count_in(RowIn.PROGRESS)
            pieces = pieces_of_night(self.lake, self.day, self.plan) + self.pieces
            statuses: Counter[str] = Counter()
            with self.lake.writing(self.day, facts) as writer:
                for rows in merged(pieces):
                    writer.write(rows if groups is None else groups.redrawn(rows))
                    statuses.update(_counted(rows["status"]))
                if writer.rows != expected or self.plan.count_in(RowIn.NOWHERE):
                    raise LostRowError(
                        f"{self.day} would have {writer.rows} rows instead of {expected}"
                    )
                self.require_lock()
            self.record.rows_kept, self.record.rows_by_status = kept, statuses
            progress_folder(self.lake, self.day).delete()
        self.record.result = DONE

    def forget(self, kind: str) -> None:
        """Let go of what a broken run left, where it is not wanted any more."""
        self._progress(kind).delete()

    def nothing_to_do(self) -> None:
        """Leave the night as it is."""
        self.record.result = NOTHING_TO_DO
        if self.facts.revision:
            for rows in self.lake.groups(self.day, ["status"]):
                self.record.rows_kept += len(rows)
                self.record.rows_by_status.update(_counted(rows["status"]))

    def kept_rows(self) -> int:
        """How many rows of the night as it was stay."""
        if not self.lake.has(self.day):
            return 0
        groups = self.lake.groups(self.day, ["purchase_id"])
        return sum(sum(self.plan.stays(rows["purchase_id"].to_pylist())) for rows in groups)

    def _progress(self, kind: str) -> Place:
        return progress_folder(self.lake, self.day) / f"{kind}-{self.facts.revision}"

    def _keep(self, model: pb.GetModelResponse) -> None:
        keep_model(self.lake.folder, model, self.lake.staging_of(self.day))
        self._known_models.add(model.version)

    def _meet(self, version: str, scoring: Scoring) -> None:
        """The served model was swapped: keep what the new one says of itself too."""
        told = scoring.model_now()
        if told is not None:
            self._keep(told)
        self._known_models.add(version)  # asked once

    def _let_go(self, keys: pa.Table, counts: list[bool], again: list[bool]) -> list[bool]:
        """Have the rows scored again that say so; gives those that still count."""
        rows = zip(keys["purchase_id"].to_pylist(), counts, again, strict=True)
        self.plan.put([each for each, claimed, gone in rows if claimed and gone], RowIn.NOWHERE)
        return [claimed and not gone for claimed, gone in zip(counts, again, strict=True)]


@contextmanager
def held_night(lake: Lake, day: date, verb: str) -> Iterator[Night]:
    """A night for one run's work: locked, with an empty plan, and a record that is kept in the end.

    Raises:
        NightTakenError: another run works on it.
        OSError: nothing can be written here.
    """
    with night_lock(lake, day, verb) as require:
        lake.staging_of(day).delete()
        try:
            with recorded(lake, RunRecord(verb, day)) as record, fresh_plan() as plan:
                yield Night(lake, day, plan, record, require)
        finally:
            with suppress(OSError):
                lake.staging_of(day).delete()


def purchases_in(rows: pa.Table) -> list[Purchase]:
    """The purchases that rows are about."""
    times = rows["purchased_at"].cast(pa.int64()).to_pylist()
    columns = (rows[name].to_pylist() for name in ("purchase_id", "photo"))
    return list(map(Purchase, rows["store_id"].to_pylist(), times, *columns))


def _counted(statuses: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in pc.value_counts(statuses).to_pylist()}
