"""Rescore: nights through another model, each replaced at once, without a gap for readers."""

from dataclasses import replace
from datetime import date

from checkout_age.batch.lake import Lake
from checkout_age.batch.night import Night, held_night, purchases_in
from checkout_age.batch.outcome import Outcome, Status
from checkout_age.batch.photos import PhotoRoot
from checkout_age.batch.plan import RowIn
from checkout_age.batch.progress import Watch
from checkout_age.batch.run_record import RunRecord
from checkout_age.batch.scoring import Scoring

VERB = "rescore"
CLAIMED = ["store_id", "purchased_at", "purchase_id", "photo", "model_version"]
PHOTO_GONE = (Status.MISSING_PHOTO, Status.PHOTO_OUTSIDE_ROOT)


def rescore_night(
    day: date, lake: Lake, photos: PhotoRoot, scoring: Scoring, watch: Watch
) -> RunRecord:
    """Have the rows of a night scored by the model that is served now, where another gave them.

    Rows whose photo is gone stay as they are. Takes up what a broken rescore by this model left.

    Raises:
        ServerGoneError, StorageError: what was scored is kept; the night is as it was.
        NightTakenError: another run works on this night.
        OSError: the rows cannot be written.
    """
    with held_night(lake, day, VERB) as night:
        model = scoring.model()
        night.learn(model)
        kind = f"{VERB}@{model.version}"
        with night.record.stage("resume"):
            _read(night, kind, model.version)
        if night.plan.count_in(RowIn.NOWHERE):
            night.score(kind, scoring, photos, watch, _photo_gone)
        if not night.plan.count_in(RowIn.PROGRESS):
            night.nothing_to_do()
            return night.record
        watch.say(f"writing {day}")
        night.publish(replace(night.facts, revision=night.facts.revision + 1))
        return night.record


def _read(night: Night, kind: str, model_version: str) -> None:
    """Plan the night's own rows, and claim those that the model gave already."""
    for rows in night.lake.groups(night.day, CLAIMED):
        night.plan.add(purchases_in(rows))
    night.record.purchases = night.plan.count()
    night.resume(kind, model_version)
    for rows in night.lake.groups(night.day, CLAIMED):
        versions = rows["model_version"].to_pylist()
        by_model = [
            purchase
            for purchase, version in zip(purchases_in(rows), versions, strict=True)
            if version == model_version
        ]
        night.plan.claim(by_model, RowIn.NIGHT)


def _photo_gone(outcome: Outcome) -> bool:
    return outcome.status in PHOTO_GONE
