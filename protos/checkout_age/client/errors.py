"""What can come of a call instead of an answer: whose fault it is, and what would help."""

from typing import Any

import grpc

REQUEST_ID = "x-request-id"
RETRY_AFTER = "grpc-retry-pushback-ms"


class CallError(Exception):
    """The server gave no answer."""

    def __init__(
        self, code: grpc.StatusCode, message: str, request_id: str | None, retry_after: float | None
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        """The server's own words."""
        self.request_id = request_id
        """Names the call in the server's log; None where it was never reached."""
        self.retry_after = retry_after
        """Seconds after which trying again may help; None where the server said nothing."""


class PhotoRefusedError(CallError):
    """The photo's bytes cannot be read; sending them again will not help."""


class NotAllowedError(CallError):
    """The token is missing, unknown or of a role that may not call this."""


class BusyError(CallError):
    """The server is full, or we ask too often; see retry_after."""


class AwayError(CallError):
    """No server that serves was reached, not even by the retries; ask again later."""


class LateError(CallError):
    """No answer came inside the deadline."""


KINDS: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: PhotoRefusedError,
    grpc.StatusCode.UNAUTHENTICATED: NotAllowedError,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
    grpc.StatusCode.UNAVAILABLE: AwayError,
    grpc.StatusCode.DEADLINE_EXCEEDED: LateError,
}


LOST = "Internal error from Core"
"""What grpc.aio says where a stream broke while more was sent and no status came."""


def told_by(error: Any) -> CallError:
    """The error that a failed call of grpc or grpc.aio amounts to."""
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.INTERNAL and details == LOST:
        code = grpc.StatusCode.UNAVAILABLE
        details = "the stream broke while photos were sent, and nothing told why"
    trailing = dict(error.trailing_metadata() or ())
    pause = str(trailing.get(RETRY_AFTER, ""))
    return KINDS.get(code, CallError)(
        code,
        details,
        trailing.get(REQUEST_ID),
        int(pause) / 1000 if pause.isdecimal() else None,
    )


def told_by_waiting(error: Any, seconds: float) -> CallError:
    """The same of a call that waited for the server, of whose end gRPC itself tells no cause."""
    told = told_by(error)
    if not isinstance(told, LateError):
        return told
    words = (
        f"no server that serves was reached within {seconds:g} s; without waiting, calls say why"
    )
    return LateError(told.code, words, told.request_id, told.retry_after)
