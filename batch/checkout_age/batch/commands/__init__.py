"""The verbs of checkout-age-batch: one module each, listed here in the order that --help shows.

A verb's module has `add(commands)`, which adds its parser and sets its `carry_out`.
"""

from checkout_age.batch.commands import (
    delete_photos,
    regroup,
    report,
    rescore,
    run,
    schedule,
    sql,
    status,
)

VERBS = (run, schedule, status, rescore, regroup, delete_photos, report, sql)
