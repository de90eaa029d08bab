"""Regroup: a night's rows drawn into other age groups from what they store; no photo, no server."""

from collections import Counter
from dataclasses import replace
from datetime import date

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.lake import Lake
from checkout_age.batch.night import held_night
from checkout_age.batch.run_record import RunRecord

VERB = "regroup"


def regroup_night(day: date, lake: Lake, groups: AgeGroups) -> RunRecord:
    """Draw a night into groups, replacing it at once; later runs draw new rows into them too.

    Raises:
        NightTakenError: another run works on this night.
        OSError: the rows cannot be written; the night is as it was.
    """
    with held_night(lake, day, VERB) as night:
        if night.facts.age_groups == str(groups):
            night.nothing_to_do()
            return night.record
        facts = replace(night.facts, revision=night.facts.revision + 1, age_groups=str(groups))
        statuses: Counter[str] = Counter()
        with night.record.stage("write"), lake.writing(day, facts) as writer:
            for rows in lake.groups(day):
                writer.write(groups.redrawn(rows))
                statuses.update(rows["status"].to_pylist())
            night.require_lock()
        night.record.rows_by_status, night.record.rows_new = statuses, writer.rows
        night.record.purchases = writer.rows
        night.record.result = "done"
        return night.record
