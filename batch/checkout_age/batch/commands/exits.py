"""Exit statuses, and which error leads to which."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from checkout_age.batch.connection import NoServerError
from checkout_age.batch.photos import PhotoRootError
from checkout_age.batch.purchases import PurchasesError
from checkout_age.batch.scoring import ServerGoneError

BAD_INPUT, NO_SERVER, NOT_WRITTEN, INTERRUPTED = 1, 3, 4, 130
EXITS = """\
exit status: 0 done; 1 the purchases or photos cannot be used; 2 wrong arguments;
3 no server answered to the end; 4 the rows could not be written;
130 interrupted. After 3, 4 and 130 the same command can be run again: nothing was half written.
"""


@contextmanager
def telling_failures(out: str) -> Iterator[None]:
    """End the process with the status of the block's error and one line that says why."""
    try:
        yield
    except (PurchasesError, PhotoRootError) as error:
        _fail(BAD_INPUT, error)
    except (NoServerError, ServerGoneError) as error:
        _fail(NO_SERVER, error)
    except OSError as error:
        _fail(NOT_WRITTEN, f"the night could not be written to {out}: {error}")
    except KeyboardInterrupt:
        _fail(INTERRUPTED, "interrupted; nothing was written, the night can be run again")


def _fail(status: int, error: object) -> None:
    print(f"checkout-age-batch: {error}", file=sys.stderr)
    sys.exit(status)
