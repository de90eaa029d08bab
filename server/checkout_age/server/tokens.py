"""Tokens: who may call, kept as digests in a file that is read again when it changes."""

import hmac
import logging
import os
import secrets
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from checkout_age.server.reread import Reread

logger = logging.getLogger(__name__)

FIELDS = 3
KIND = "sha256:"
EXAMPLE = "till-1 till sha256:…"


class Role(StrEnum):
    """What a caller is there for; what each may call is in guard.py."""

    TILL = "till"
    """Asks about one photo at a time."""
    NIGHT = "night"
    """Streams the photos of a day, too."""
    ADMIN = "admin"
    """May call everything."""


@dataclass(frozen=True)
class Caller:
    """Who calls."""

    name: str
    role: Role


class TokensError(ValueError):
    """The file of tokens cannot be used; the message names the line."""


class Tokens:
    """Tells callers by their tokens; the file is looked at again at most once a second."""

    def __init__(self, file: Path) -> None:
        """Read the file. Raises TokensError."""
        self._file = Reread(file, read=_callers)
        self._key = secrets.token_bytes(32)
        self._callers: dict[bytes, tuple[bytes, Caller]] = {}
        self._indexed: dict[bytes, Caller] | None = None

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None for nobody's.

        No comparison's time depends on how much of a token was right: tokens are looked up by a
        keyed digest, whose key nobody outside the process knows, and compared whole.
        """
        known = self._file.value()
        if known is not self._indexed:
            self._callers = {self._place(digest): (digest, who) for digest, who in known.items()}
            self._indexed = known
        digest = sha256(token.encode(errors="replace")).digest()
        expected, caller = self._callers.get(self._place(digest), (bytes(len(digest)), None))
        return caller if hmac.compare_digest(expected, digest) else None

    def _place(self, digest: bytes) -> bytes:
        return hmac.digest(self._key, digest, "sha256")


def _callers(file: Path) -> dict[bytes, Caller]:
    callers = read_tokens(file)
    if not callers:
        logger.warning("%s names no caller: nobody is let in until a line is added to it", file)
    return callers


def read_tokens(file: Path) -> dict[bytes, Caller]:
    """The callers by the SHA-256 digests of their tokens.

    A line is NAME ROLE sha256:HEX; empty lines and those that begin with # are passed over.

    Raises:
        TokensError: the file cannot be read, or a line of it.
    """
    callers: dict[bytes, Caller] = {}
    try:
        lines = file.read_text("utf-8-sig").splitlines()  # with the mark of Windows or without
    except (OSError, UnicodeDecodeError) as error:
        raise TokensError(f"the tokens cannot be read from {file}: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                digest, caller = _parsed(line.split())
            except ValueError as error:
                raise TokensError(f"{file}, line {number}: {error}") from None
            callers[digest] = caller
    return callers


def _parsed(words: list[str]) -> tuple[bytes, Caller]:
    """Never repeat a word of the line that could be a token written there by mistake."""
    if len(words) != FIELDS or not words[2].startswith(KIND):
        raise ValueError(f"name, role and digest are expected, as in {EXAMPLE}")
    name, role, digest = words
    if role not in set(Role):
        raise ValueError(f"the role must be one of {', '.join(Role)}")
    try:
        raw = bytes.fromhex(digest.removeprefix(KIND))
    except ValueError:
        raw = b""
    if len(raw) != sha256().digest_size:
        raise ValueError("the digest must be 64 hexadecimal digits")
    return raw, Caller(name, Role(role))


def add_token(file: Path, caller: Caller) -> str:
    """Make a new token for a caller, write its digest to the file and give the token.

    Raises:
        TokensError: the file cannot be read or written, or the name is taken or no word.
    """
    name = caller.name
    if not name.isprintable() or name.startswith("#") or len(name.split()) != 1:
        raise TokensError(f"a name is one word, got {name!r}")
    if file.exists() and any(name == known.name for known in read_tokens(file).values()):
        raise TokensError(f"{file} has a token for {name} already; take its line out first")
    token = secrets.token_urlsafe(32)
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lines:
            text = lines.read()
            start = "" if not text or text.endswith("\n") else "\n"
            digest = sha256(token.encode()).hexdigest()
            lines.write(f"{start}{name} {caller.role} {KIND}{digest}\n")
    except OSError as error:
        raise TokensError(f"{file} cannot be written: {error.strerror}") from error
    return token


def token(arguments: Sequence[str]) -> None:
    """`checkout-age-server token`: make a token and print it."""
    parser = ArgumentParser(
        prog="checkout-age-server token",
        description="Make a token, add its digest to a file for --tokens, and print the token, "
        "which is kept nowhere else. A running server takes it up by itself.",
    )
    parser.add_argument("name", help="who it is for, as till-1; told in logs")
    parser.add_argument("--role", type=Role, choices=list(Role), required=True)
    parser.add_argument("--tokens", type=Path, required=True, metavar="FILE", help="is added to")
    given = parser.parse_args(arguments)
    try:
        print(add_token(given.tokens, Caller(given.name, given.role)))
    except TokensError as error:
        parser.error(str(error))
