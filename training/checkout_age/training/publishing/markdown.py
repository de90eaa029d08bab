"""Markdown: tables and quotations as generated pages need them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would end a cell early is escaped."""
    lines = [_line(head), "|" + "---|" * len(head), *map(_line, rows)]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A block quotation, line by line."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def written(value: Any) -> str:
    """A value as people write it: 0.00005, not 5e-05; nothing for None."""
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def flattened(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Names and values, those of inner mappings after the outer's name."""
    for name, value in values.items():
        words = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from flattened(value, f"{words}: ")
        else:
            yield words, written(value)


def _line(row: Sequence[str]) -> str:
    return (
        "| " + " | ".join(str(each).replace("|", "\\|").replace("\n", " ") for each in row) + " |"
    )
