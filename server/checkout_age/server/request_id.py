"""The request id: one name for a call in logs, traces and answers."""

import random
import re
from contextvars import ContextVar

KEY = "x-request-id"
"""The metadata that carries it, both ways."""
WELL_FORMED = re.compile(r"[\w.:-]{1,64}", re.ASCII)

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the call that is being answered; empty outside of one."""


def request_id(given: str | None) -> str:
    """The caller's own id where it has one that is fit for a log, else a new one."""
    if given is not None and WELL_FORMED.fullmatch(given):
        return given
    return f"{random.getrandbits(64):016x}"  # a name, no secret
