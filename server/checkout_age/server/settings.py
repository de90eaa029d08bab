"""Settings: the values of a table of options, each with the place that it came from."""

import os
import tomllib
from argparse import ArgumentParser, BooleanOptionalAction, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from checkout_age.server.options import PREFIX, Option, Options, table_of

FILE_FLAG, FILE_VARIABLE = "--config", PREFIX + "CONFIG"
PRECEDENCE = f"""\
Each setting can be given as a flag, as a variable of the environment, or as a key of a TOML file
that {FILE_FLAG} or {FILE_VARIABLE} names. A flag wins over the environment, that over the
file, that over the default. Paths in the file start from its folder."""

Table = TypeVar("Table", bound=Options)
Told: TypeAlias = dict[str, tuple[str, str]]
"""By an option's name: where it was given, and the text."""


@dataclass(frozen=True)
class Settings(Generic[Table]):
    """What is set, and where."""

    options: Table
    sources: Mapping[str, str]
    """For each option that was given: the flag, the variable, or the file and key."""

    def in_toml(self) -> str:
        """All settings as a TOML file that sets the same; comments tell the other spellings."""
        lines = [f"# read by {FILE_FLAG} FILE or {FILE_VARIABLE}=FILE"]
        part = ""
        for row in table_of(type(self.options)):
            if row.part != part:
                part = row.part
                lines += ["", f"## {part}"]
            value = getattr(self.options, row.name)
            source = self.sources.get(row.name, "the default")
            lines += [
                "",
                f"# {row.what}",
                f"# {row.flag} or {row.variable}; set by {source}",
                f"# {row.key} is unset: {row.unset}"
                if value is None
                else f"{row.key} = {row.in_toml(value)}",
            ]
        return "\n".join(lines) + "\n"


def add_options(parser: ArgumentParser, table: type[Options]) -> None:
    """Add the flags of a table, and the one that names the file; the help shows all spellings."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = "\n\n".join(filter(None, (PRECEDENCE, parser.epilog)))
    parser.add_argument(
        FILE_FLAG, type=Path, metavar="FILE", help=f"TOML file of settings [env: {FILE_VARIABLE}]"
    )
    groups: dict[str, Any] = {}
    for row in table_of(table):
        group = groups.setdefault(row.part, None) or parser.add_argument_group(row.part)
        groups[row.part] = group
        told = f"{row.what} ({row.told_default}) [env: {row.variable}, file: {row.key}]".replace(
            "%", "%%"
        )
        if row.kind is bool:
            group.add_argument(row.flag, action=BooleanOptionalAction, default=None, help=told)
        else:
            group.add_argument(row.flag, metavar=row.metavar, help=told)


def settings_of(
    table: type[Table], given: Namespace, parser: ArgumentParser, *, whole: type[Options]
) -> Settings[Table]:
    """Gather the values of a table; a wrong one ends the process with status 2 and says which.

    Args:
        table: what is wanted.
        given: the flags, as `parser` read them.
        parser: tells the error.
        whole: all that the environment and the file may set; what is not in `table` is left out.
    """
    rows = {row.name: row for row in table_of(table)}
    try:
        told = _of_environment(table_of(whole))
        named = os.environ.get(FILE_VARIABLE) if given.config is None else given.config
        if named == "":
            raise ValueError(f"{FILE_VARIABLE} must be a path, got ''; unset it to read no file")
        if named is not None:
            told = _of_file(Path(named), table_of(whole)) | told
        told |= _of_flags(given, rows.values())
        wanted = {name: each for name, each in told.items() if name in rows}
        values = {name: _value(rows[name], *each) for name, each in wanted.items()}
        return Settings(table(**values), {name: source for name, (source, _) in wanted.items()})
    except ValueError as error:
        parser.error(str(error))


def _value(row: Option, source: str, text: str) -> Any:
    try:
        value = row.value_of(text)
        row.check(value)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return value


def _of_flags(given: Namespace, rows: Iterable[Option]) -> Told:
    found = {row.name: (row.flag, getattr(given, row.name)) for row in rows}
    return {name: (flag, str(text)) for name, (flag, text) in found.items() if text is not None}


def _of_environment(rows: Iterable[Option]) -> Told:
    known = {row.variable: row.name for row in rows}
    given = {each: text for each, text in os.environ.items() if each.startswith(PREFIX)}
    given.pop(FILE_VARIABLE, None)
    for variable in given:
        _require_known("the environment", variable, known)
    return {known[variable]: (variable, text) for variable, text in given.items()}


def _of_file(file: Path, rows: Iterable[Option]) -> Told:
    try:
        keys = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    known = {row.key: row for row in rows}
    for key in keys:
        _require_known(str(file), key, known)
    return {
        known[key].name: (f"{file}: {key}", _text(known[key], value, file))
        for key, value in keys.items()
    }


def _require_known(place: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"is it {near[0]}?" if near else "--help lists them"
        raise ValueError(f"{place}: there is no setting {name}; {hint}")


def _text(row: Option, value: Any, file: Path) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if row.kind is Path and str(value).strip():
        return str(file.parent / str(value))
    return str(value)
