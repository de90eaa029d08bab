"""The alarm: a command and a webhook that are told when a run fails."""

import json
import logging
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

TAKES_AT_MOST = 60.0
"""Seconds for the command."""
ANSWERS_WITHIN = 10.0
"""Seconds for the webhook, at each of its tries."""
TRIES = 3
PAUSE = 2.0
"""Seconds between two tries."""


@dataclass(frozen=True)
class Alarm:
    """Whom to tell. An alarm that fails itself is logged and changes nothing."""

    verb: str
    command: str | None = None
    """Run by the shell; the message is JSON on its standard input."""
    url: str | None = None
    """Posted the same JSON; http or https."""

    def __post_init__(self) -> None:
        if self.url is not None and urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"a webhook is an http or https URL, got {self.url!r}")

    def tell(self, words: str, status: int, day: date | None = None) -> bool:
        """Tell that a run failed: why, and the exit status that it leads to.

        Gives whether everybody was told who is to be.
        """
        message = {
            "program": "checkout-age-batch",
            "verb": self.verb,
            "purchase_date": None if day is None else day.isoformat(),
            "exit_status": status,
            "error": words,
            "host": socket.gethostname(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        body = json.dumps(message).encode()
        ran = self.command is None or self._run(self.command, body)
        posted = self.url is None or self._post(self.url, body)
        return ran and posted

    def _run(self, command: str, body: bytes) -> bool:
        try:
            done = subprocess.run(  # noqa: S602  # the operator's own command
                command, input=body, shell=True, timeout=TAKES_AT_MOST, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.warning("the command on failure failed: %s", error)
            return False
        if done.returncode:
            logger.warning("the command on failure ended with status %d", done.returncode)
        return done.returncode == 0

    def _post(self, url: str, body: bytes) -> bool:
        request = urllib.request.Request(  # noqa: S310  # http or https, as checked above
            url, body, {"Content-Type": "application/json"}, method="POST"
        )
        failure: Exception | None = None
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE)
            try:
                with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN):  # noqa: S310
                    return True
            except (OSError, urllib.error.URLError) as error:
                failure = error
        logger.warning("the webhook on failure could not be reached: %s", failure)
        return False
