"""Tables for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = ["cells", "table"]


def cells(text: str) -> int:
    """Columns that a text takes on a terminal: a kanji or full-width letter takes two, a combining mark none.

    >>> cells("白書"), cells("abc")
    (4, 3)
    """
    return sum(map(_columns, text))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, most: int = 60) -> str:
    """Rows under their column names, numbers to the right; a cell of more than `most` columns ends in an ellipsis."""
    lines = [[_cut(_show(value), most) for value in row] for row in rows]
    numeric = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    widths = [max([cells(name), *(cells(line[place]) for line in lines)]) for place, name in enumerate(columns)]
    out = [_line(columns, widths, numeric), "  ".join("-" * width for width in widths)]
    return "\n".join([*out, *(_line(line, widths, numeric) for line in lines)])


def _line(values: Sequence[str], widths: list[int], numeric: list[bool]) -> str:
    padded = []
    for value, width, right in zip(values, widths, numeric, strict=True):
        blank = " " * (width - cells(value))
        padded.append(blank + value if right else value + blank)
    return "  ".join(padded).rstrip()


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _show(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")


def _cut(text: str, most: int) -> str:
    width = end = 0  # of what is looked at; of what leaves room for the ellipsis
    for place, character in enumerate(text, 1):
        width += _columns(character)
        if width > most:
            return text[:end] + "…"
        end = place if width < most else end
    return text
