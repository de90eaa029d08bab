"""Failures: which error leads to which exit status, and the words for the operator."""

from checkout_age.batch.connection import NoServerError
from checkout_age.batch.lock import NightTakenError
from checkout_age.batch.photos import PhotoRootError
from checkout_age.batch.place import PlaceError
from checkout_age.batch.purchases import PurchasesError
from checkout_age.batch.scoring import ServerGoneError
from checkout_age.client import AccessError

BAD_INPUT, NO_SERVER, STORAGE, TAKEN, INTERRUPTED = 1, 3, 4, 5, 130
EXITS = """\
exit status: 0 done; 1 the purchases, the photos' folder or the access to the server cannot be used,
or rows of the purchases belong to no night, after all others were scored;
2 wrong arguments; 3 no server answered to the end; 4 the storage failed: rows could not be written
or photos not be read; 5 another run works on this night; 130 interrupted, by SIGTERM too.
After 3, 4, 5 and 130 the same command goes on where this one stopped: nothing was half written.
"""


def status_of(error: BaseException) -> int | None:
    """The exit status that an error leads to; None for a defect."""
    for status, kinds in (
        (BAD_INPUT, (PurchasesError, PhotoRootError, PlaceError, AccessError)),
        (NO_SERVER, (NoServerError, ServerGoneError)),
        (TAKEN, (NightTakenError,)),
        (STORAGE, (OSError,)),
        (INTERRUPTED, (KeyboardInterrupt,)),
    ):
        if isinstance(error, kinds):
            return status
    return None


def words_of(error: BaseException, out: str) -> str:
    """One line for the operator."""
    status = status_of(error)
    if status == INTERRUPTED:
        return "interrupted; what was scored is kept, the same command goes on from there"
    if status == STORAGE:
        return (
            f"the storage failed, {out} could not be written or photos not be read: {error}; "
            "what was scored is kept"
        )
    return str(error)
