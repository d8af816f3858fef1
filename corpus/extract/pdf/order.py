"""Reading order: the order drawn, unless it jumps back and forth; then by columns, found by the gutters between."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from corpus.extract.pdf.glyphs import Line

__all__ = ["reading_order"]

_BAD_SHARE: Final = 0.12  # of the steps from line to line: from here the order drawn is not trusted
_BAD_ALONE: Final = 0.4  # the same, where there are no columns: rows are no better than what was drawn
_MIN_COLUMN: Final = 7.0  # of the font size: narrower ones are cells of a table
_MIN_LINES: Final = 4  # lines on both sides of a gutter
_WIDE: Final = 0.62  # of the width of the text: a line that is wider stands over columns


def reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page as a reader takes them."""
    drawn = list(lines)
    text = [line for line in drawn if line.x1 - line.x0 >= _MIN_COLUMN * line.size]
    if len(text) < _MIN_LINES:  # labels and short lines alone say little about columns
        steps = list(pairwise(drawn))
        return _by_rows(drawn) if steps and 2 * sum(_bad(*step) for step in steps) > len(steps) else drawn
    gutters = _gutters(text)
    steps = list(pairwise(text))
    wrong = [(one, two) for one, two in steps if _bad(one, two)]
    bad = len(wrong)
    crossed = sum(_crosses(one, two, gutter) for gutter in gutters for one, two in steps)
    back = any(two.x1 <= gutter <= one.x0 for one, two in wrong for gutter in gutters)
    if back or crossed > max(3, 0.1 * len(steps)):  # a column left of one that was drawn before it, or rows
        return _by_columns(drawn, gutters)
    if bad <= max(1, (_BAD_SHARE if gutters else _BAD_ALONE) * len(steps)):
        return _settled(drawn)
    return _by_columns(drawn, gutters)


def _bad(one: Line, two: Line) -> bool:
    """Whether no reader goes from one line to the other: up again in the same column, or up and to the left."""
    if two.middle <= one.middle:
        return False
    size = max(one.size, two.size)
    return two.middle > one.middle + 0.6 * size and two.x0 < one.x1 - size


def _settled(drawn: Sequence[Line]) -> list[Line]:
    """The order drawn, but what was drawn later than the text below it (boxes, headings) stands where it belongs."""
    runs: list[list[Line]] = []
    for line in drawn:
        if runs and not _bad(runs[-1][-1], line):
            runs[-1].append(line)
        else:
            runs.append([line])
    ordered = runs[0]
    for run in runs[1:]:
        rest = run
        while rest:
            place = next((at for at, line in enumerate(ordered) if _below(line, rest[0])), None)
            if place is None:
                ordered += rest
                break
            above = next((at for at, line in enumerate(rest) if _below(line, ordered[place])), len(rest))
            ordered[place:place] = rest[:above]
            rest = rest[above:]
    return ordered


def _below(one: Line, two: Line) -> bool:
    """Whether a line stands below the other in the same column."""
    if two.middle <= one.middle or one.x0 >= two.x1 or two.x0 >= one.x1:
        return False
    shared = min(one.x1, two.x1) - max(one.x0, two.x0)
    return two.middle > one.middle + 0.6 * max(one.size, two.size) and shared > 0 and not (one.kind or two.kind)


def _crosses(one: Line, two: Line, gutter: float) -> bool:
    """Whether a step leads over a gutter to a line on the same level: rows drawn across columns."""
    return one.x1 <= gutter <= two.x0 and abs(one.middle - two.middle) < 0.5 * max(one.size, two.size)


def _gutters(text: Sequence[Line]) -> list[float]:
    """The middles of the gaps that part columns of text, from left to right; lines over several columns aside."""
    left, right = min(line.x0 for line in text), max(line.x1 for line in text)
    lines = [line for line in text if line.x1 - line.x0 < _WIDE * (right - left)]
    if len(lines) < 2 * _MIN_LINES:
        return []
    width = int(right - left) + 2
    if width < 40 or width > 20_000:
        return []
    covered = np.zeros(width + 1)
    for line in lines:
        covered[int(line.x0 - left) + 1] += 1
        covered[int(line.x1 - left) + 1] -= 1
    covered = np.cumsum(covered)[:width]
    free = np.concatenate(([False], covered <= 0.15 * covered.max(), [False]))
    edges = np.flatnonzero(free[1:] != free[:-1])
    gaps = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    found = [left + (start + end) / 2 for start, end in gaps if start > 0 and end < width and end - start >= 4]
    return [gutter for gutter in found if _parts_text(lines, gutter)]


def _parts_text(lines: Sequence[Line], gutter: float) -> bool:
    """Whether running text stands on both sides of a gutter: lines as wide as their column, no cells of a table."""
    for side in (
        [line for line in lines if line.x1 <= gutter + 1],
        [line for line in lines if line.x0 >= gutter - 1],
    ):
        if len(side) < _MIN_LINES:
            return False
        widths = sorted(line.x1 - line.x0 for line in side)
        place, share = divmod(0.8 * (len(widths) - 1), 1)
        low, high = widths[int(place)], widths[min(int(place) + 1, len(widths) - 1)]
        widest = low + share * (high - low)
        wide = len(widths) - bisect_right(widths, 0.75 * widest)
        if widest < _MIN_COLUMN * median(line.size for line in side) or wide < 0.4 * len(side):
            return False
    return True


def _by_columns(lines: Sequence[Line], gutters: Sequence[float]) -> list[Line]:
    """Zone by zone between the lines that reach over a gutter, in each from column to column."""
    rows = sorted(lines, key=lambda line: -line.middle)
    ordered: list[Line] = []
    zone: list[Line] = []
    for line in rows:
        if any(line.x0 < gutter - 1 and line.x1 > gutter + 1 for gutter in gutters):
            ordered += _zone(zone, gutters)
            zone = []
            ordered.append(line)
        else:
            zone.append(line)
    return ordered + _zone(zone, gutters)


def _zone(lines: Sequence[Line], gutters: Sequence[float]) -> list[Line]:
    columns: dict[int, list[Line]] = {}
    for line in lines:
        columns.setdefault(sum(line.x0 >= gutter - 1 for gutter in gutters), []).append(line)
    return [line for column in sorted(columns) for line in _by_rows(columns[column])]


def _by_rows(lines: Sequence[Line]) -> list[Line]:
    """From top to bottom; lines on one level from left to right."""
    ordered: list[Line] = []
    row: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.middle):
        if row and row[0].middle - line.middle > 0.5 * min(row[0].size, line.size):
            ordered += sorted(row, key=lambda one: one.x0)
            row = []
        row.append(line)
    return ordered + sorted(row, key=lambda one: one.x0)
