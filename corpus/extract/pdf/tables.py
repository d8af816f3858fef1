"""Lines on one level to rows: cells of a table, a number and its heading, a mark and its note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from corpus.extract.pdf.formulas import is_equation
from corpus.extract.pdf.glyphs import Line

__all__ = ["CELL", "rows"]

CELL: Final = "\u3000"  # between the cells of a row, as in every reader of this project
_LABEL: Final = re.compile(
    r"(?:[0-9０-９]{1,3}|[（(\[]?[0-9０-９a-zA-Zア-ンⅠ-Ⅻ一二三四五六七八九十]{1,4}[)）\].．]|第.{1,6}[部章節項条款]|[A-Za-z]?[0-9]+(?:[.．‐－-][0-9]+)*[.．]?|"
    r"[・●○◎■□◆◇▶►•◦‣※*†‡–—-]|注[0-9０-９]*[)）]?|[図表][0-9０-９.．‐－-]*|(?:Figure|Fig\.|Table)\s*[0-9A-Z.-]+)"
)


def rows(lines: Sequence[Line]) -> list[Line]:
    """Lines in reading order, those that follow each other on one level as one line; rows of a table have that kind."""
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _beside(groups[-1][-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    made: list[Line] = []
    for place, group in enumerate(groups):
        cells = len(group)
        if cells == 1:
            made.append(group[0])
            continue
        if is_equation(group):
            made.append(_row(group, "equation"))
            continue
        labelled = cells == 2 and _LABEL.fullmatch(group[0].text.strip()) is not None
        table = not labelled and any(
            _aligned(group, other) for other in groups[max(0, place - 3) : place + 4] if other is not group
        )
        made.append(_row(group, "table" if table else group[0].kind))
    return made


def _beside(one: Line, two: Line) -> bool:
    """Whether the second line goes on at the right of the first."""
    if two.x0 <= one.x1 - 0.5 * one.size or one.kind or two.kind:
        return False
    return min(one.y1, two.y1) - max(one.y0, two.y0) > 0.5 * min(one.size, two.size)


def _aligned(one: Sequence[Line], two: Sequence[Line]) -> bool:
    """Whether two rows have cells in the same places: at least two, and as many as the shorter one but one."""
    if len(two) < 2:
        return False
    same = sum(any(_same_place(cell, other) for other in two) for cell in one)
    return same >= max(2, min(len(one), len(two)) - 1)


def _same_place(one: Line, two: Line) -> bool:
    near = one.size
    middle = abs((one.x0 + one.x1) - (two.x0 + two.x1)) / 2
    return abs(one.x0 - two.x0) < near or abs(one.x1 - two.x1) < near or middle < near


def _row(cells: Sequence[Line], kind: str) -> Line:
    return Line(
        CELL.join(cell.text.strip(" \u3000") for cell in cells),
        cells[0].x0,
        min(cell.y0 for cell in cells),
        max(cell.x1 for cell in cells),
        max(cell.y1 for cell in cells),
        max(cells, key=lambda cell: len(cell.text)).size,
        cells[0].seq,
        kind,
    )
