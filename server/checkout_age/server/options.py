"""Options: one table of settings, read from flags, the environment and a TOML file.

A table is a frozen dataclass whose fields are made by `option`; its class docstring heads its
part of the help. A field's name gives all three spellings: `max_photo_bytes` is the flag
`--max-photo-bytes`, the variable `CHECKOUT_AGE_SERVER_MAX_PHOTO_BYTES` and the key
`max-photo-bytes`. A flag wins over the environment, that over the file, that over the default.
"""

import json
import types
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import Enum
from inspect import get_annotations
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

PREFIX = "CHECKOUT_AGE_SERVER_"
"""How the name of each environment variable begins."""
YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """One row of the table."""

    name: str
    """As the dataclass has it: `max_photo_bytes`."""
    part: str
    """The heading that it stands under."""
    what: str
    default: Any
    kind: type
    """What its text is read as, unless `read` does that."""
    read: Callable[[str], Any] | None
    show: Callable[[Any], str]
    """The text that `read` reads the value from."""
    at_least: float | None
    at_most: float | None
    unset: str
    """What an option without a value stands for."""

    @property
    def key(self) -> str:
        """Its name in a TOML file."""
        return self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return f"--{self.key}"

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name.upper()

    @property
    def choices(self) -> tuple[str, ...]:
        """All values there are, for an option that has only a few."""
        return tuple(str(each.value) for each in self.kind) if issubclass(self.kind, Enum) else ()

    @property
    def told_default(self) -> str:
        """Its default in words."""
        if self.kind is bool:
            return "yes" if self.default else "no"
        return self.unset if self.default is None else self.show(self.default)

    @property
    def metavar(self) -> str:
        """What stands for its value in the help."""
        if self.choices:
            return "{" + ",".join(self.choices) + "}"
        return {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(self.kind, "TEXT")

    def value_of(self, text: str) -> Any:
        """What the text says.

        Raises:
            ValueError: it is no value of this option; the message names it.
        """
        if self.read is not None:
            return self.read(text)
        if self.kind is Path and not text.strip():  # Path("") is the working directory
            raise ValueError(
                f"{self.name} must be a path, got {text!r}; "
                f"unset it to have the default: {self.told_default}"
            )
        try:
            if self.kind is bool:
                return YES_NO[text.lower()]
            return self.kind(text)
        except (ValueError, KeyError):
            raise ValueError(f"{self.name} must be {self._expected()}, got {text!r}") from None

    def check(self, value: Any) -> None:
        """Raise ValueError where a number is out of bounds; not-a-number always is."""
        low, high = self.at_least, self.at_most
        if value is None or (low is None and high is None):
            return
        if not ((low is None or value >= low) and (high is None or value <= high)):
            bounds = f"at least {low}" if high is None else f"{low}..{high}"
            raise ValueError(f"{self.name} must be {bounds}, got {value}")

    def in_toml(self, value: Any) -> str:
        """The value as a TOML file would give it."""
        if isinstance(value, bool | int | float):
            return str(value).lower()
        return json.dumps(self.show(value), ensure_ascii=False)

    def _expected(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        return {bool: "true or false", int: "a whole number", float: "a number"}.get(
            self.kind, "a value"
        )


def option(
    default: T,
    what: str,
    *,
    read: Callable[[str], T] | None = None,
    show: Callable[[Any], str] = str,
    at_least: float | None = None,
    at_most: float | None = None,
    unset: str = "",
) -> T:
    """A field of a table of options.

    Args:
        default: the value where nobody gives one.
        what: what it sets, in words that follow its name in a list.
        read: turns text into a value, raising ValueError; by default the field's type does.
        show: turns a value into the text that `read` would read it from.
        at_least: the least number allowed.
        at_most: the greatest number allowed.
        unset: what None stands for, such as "the model's own".
    """
    metadata = {
        "what": what,
        "read": read,
        "show": show,
        "at_least": at_least,
        "at_most": at_most,
        "unset": unset,
    }
    row: T = field(default=default, metadata=metadata)
    return row


@dataclass(frozen=True, kw_only=True)
class Options:
    """The base of every table; checks each value against its bounds."""

    def __post_init__(self) -> None:
        for row in table_of(type(self)):
            row.check(getattr(self, row.name))


def table_of(options: type[Options]) -> tuple[Option, ...]:
    """The rows of a table, the parts in the order in which its class names them."""
    hints = get_type_hints(options)
    rows = {each.name: each for each in fields(options)}
    return tuple(
        Option(
            name=name,
            part=(part.__doc__ or "").partition("\n")[0],
            default=rows[name].default,
            kind=_without_none(hints[name]),
            **rows[name].metadata,
        )
        for part in options.__mro__
        for name in get_annotations(part)
        if name in rows
    )


def _without_none(hint: Any) -> type:
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    assert isinstance(hint, type), hint
    return hint
