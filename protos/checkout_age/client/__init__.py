"""Speaks to an age server: one photo in, an age out, with deadlines, retries, TLS and a token."""

from checkout_age.client.access import Access, AccessError
from checkout_age.client.asynchronous import AsyncAgeClient
from checkout_age.client.blocking import AgeClient
from checkout_age.client.errors import (
    AwayError,
    BusyError,
    CallError,
    LateError,
    NotAllowedError,
    PhotoRefusedError,
)

__all__ = [
    "Access",
    "AccessError",
    "AgeClient",
    "AsyncAgeClient",
    "AwayError",
    "BusyError",
    "CallError",
    "LateError",
    "NotAllowedError",
    "PhotoRefusedError",
]
