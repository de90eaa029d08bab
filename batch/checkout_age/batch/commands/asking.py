"""Failures of verbs that only read the lake: their statuses and what is said."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from checkout_age.batch.place import PlaceError
from checkout_age.batch.report.asked import ReportError

BAD_INPUT, NOT_WRITTEN = 1, 4


@contextmanager
def telling_what_is_wrong(out: str) -> Iterator[None]:
    """End the process with 1 for what cannot be used, with 4 for what cannot be written."""
    try:
        yield
    except (ReportError, PlaceError) as error:
        _fail(BAD_INPUT, error)
    except OSError as error:
        _fail(NOT_WRITTEN, f"the report could not be written to {out}: {error}")


def _fail(status: int, error: object) -> None:
    print(f"checkout-age-batch: {error}", file=sys.stderr)
    sys.exit(status)
