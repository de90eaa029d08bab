"""A run: the purchases of a day in, one row for each in the lake."""

from dataclasses import replace
from datetime import date

from checkout_age.batch import late
from checkout_age.batch.corrected import carried, corrections
from checkout_age.batch.lake import Lake
from checkout_age.batch.night import Night, held_night, purchases_in
from checkout_age.batch.photos import PhotoRoot, photo_root
from checkout_age.batch.plan import RowIn
from checkout_age.batch.progress import Watch, watching
from checkout_age.batch.purchases import purchases_of
from checkout_age.batch.run_record import RunRecord
from checkout_age.batch.scoring import Scoring
from checkout_age.batch.sources import Sources

KIND = "run"
CLAIMED = ["store_id", "purchased_at", "purchase_id", "photo", "status", "photo_sha256"]


def run_night(day: date, sources: Sources, watch: Watch | None = None) -> RunRecord:
    """Score what has yet to be scored of a day; a day without purchases writes nothing.

    Takes up what a broken run left, purchases that came late, and photos that came late or were
    sent again; a night in which nothing changed stays as it is, and no server is asked.

    Raises:
        PurchasesError, PhotoRootError, PlaceError: the inputs cannot be used.
        NoServerError, ServerGoneError: no server answered to the end; what was scored is kept.
        NightTakenError: another run works on this night.
        OSError: the rows cannot be written, or the photos' storage does not answer.
    """
    if watch is None:
        with watching() as shown:
            return run_night(day, sources, shown)
    with held_night(Lake(sources.out), day, KIND) as night:
        _read(night, sources, watch)
        photos = photo_root(sources.photos)
        if night.record.purchases or night.facts.revision:
            _bring_up_to_date(night, photos, sources, watch)
        else:
            night.nothing_to_do()
        return night.record


def _read(night: Night, sources: Sources, watch: Watch) -> None:
    watch.say(f"reading the purchases of {night.day}")
    with night.record.stage("read"):
        for purchases in purchases_of(sources.shop(), night.day, night.record.left_out):
            night.plan.add(purchases)
    night.record.purchases = night.plan.count()
    night.record.repeated_rows = night.plan.table_rows() - night.record.purchases
    if night.record.repeated_rows:
        night.record.repeated_ids = night.plan.repeated()


def _bring_up_to_date(night: Night, photos: PhotoRoot, sources: Sources, watch: Watch) -> None:
    with night.record.stage("resume"):
        night.resume(KIND)
        _claim(night, photos, sources.scorer.readers)
    open_, table_rows = night.plan.count_in(RowIn.NOWHERE), night.plan.table_rows()
    if not open_ and not night.pieces and table_rows <= night.facts.table_rows:
        night.forget(KIND)
        night.nothing_to_do()
        return
    if open_:
        scorer = sources.scorer
        with scorer.reached(watch) as server:
            scoring = Scoring(server, scorer.patience, scorer.readers, say=watch.say)
            night.learn(scoring.model())
            night.score(KIND, scoring, photos, watch)
    watch.say(f"writing {night.day}")
    night.publish(
        replace(
            night.facts,
            revision=night.facts.revision + 1,
            table_rows=max(table_rows, night.facts.table_rows),
        )
    )


def _claim(night: Night, photos: PhotoRoot, readers: int) -> None:
    """Find the rows that the night has, and reopen those whose photo came or changed since."""
    if not night.facts.revision:
        return
    for number, rows in enumerate(night.lake.groups(night.day, CLAIMED)):
        claimed = night.plan.claim(purchases_in(rows), RowIn.NIGHT)
        night.plan.doubt(late.doubtful(rows))
        found = corrections(night.plan, rows, claimed, photos, readers)
        if found:
            night.carry(KIND, carried(night.lake.group(night.day, number), found))
    late.reopen(night.plan, photos, readers)
