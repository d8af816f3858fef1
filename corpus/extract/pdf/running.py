"""Running heads and feet, page numbers and chapter tabs: told by what repeats from page to page, and taken out.

A line is furniture where it stands at the edge of the page and the same line, digits aside, stands at the same place on
most pages, on most left or most right ones, or on the pages next to it (heads change with the chapter). A number at the
edge is a page number where numbers there count the pages. What stands once is text, and stays.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from corpus.extract.pdf.glyphs import Line

__all__ = ["without_furniture"]

_EDGE: Final = 3  # lines from the top and from the bottom that may be furniture
_SHARE: Final = 0.6  # of all pages, or of the left or right ones
_NEAR: Final = 3  # pages that must agree where the whole does not
_SAME: Final = 3.0  # points by which a place may differ
_DIGITS: Final = re.compile(r"[0-9０-９]+")
_ROMAN: Final = re.compile(r"(?<![a-z])[ivxlc]{1,7}(?![a-z])")
_NUMBER: Final = re.compile(
    r"(?:page|p\.|頁|ページ)?\s*[-–—−‐〔\[(（<＜・]*\s*"
    r"(?:(?:[A-ZＡ-Ｚ]{1,2}|[0-9０-９]{1,2})\s*[-–—−‐・.]\s*)?([0-9０-９]{1,4}|[ivxlcIVXLC]{1,7})\s*"
    r"(?:(?:/|／|of)\s*[0-9０-９]{1,4})?\s*[-–—−‐〕\])）>＞・]*\s*(?:頁|ページ)?",
    re.IGNORECASE,
)
_WIDE_DIGITS: Final = str.maketrans("０１２３４５６７８９", "0123456789")
_TAB_CHARS: Final = 24  # longest tab at a side


def without_furniture(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """The pages without what is furniture."""
    edges = [_edges(lines) for lines in pages]
    gone: list[set[int]] = [set() for _ in pages]
    _repeated(pages, edges, gone)
    _numbers(pages, edges, gone)
    _tabs(pages, gone)
    return [[line for line in lines if line.seq not in out] for lines, out in zip(pages, gone, strict=True)]


def _edges(lines: Sequence[Line]) -> list[Line]:
    """The lines nearest to the top and to the bottom, and those beside the text."""
    if not lines:
        return []
    rows = sorted(lines, key=lambda line: -line.middle)
    found = {line.seq: line for line in _rows(rows) + _rows(rows[::-1])}
    left = min(line.x0 for line in lines)
    right = max(line.x1 for line in lines)
    for line in lines:  # vertical labels, and single letters at a side
        if line.kind == "vertical" or (len(line.text) <= 2 and (line.x0 - left < 40 or right - line.x1 < 40)):
            found[line.seq] = line
    return list(found.values())


def _rows(lines: Sequence[Line]) -> list[Line]:
    """The lines of the first rows; lines on one level are one row."""
    taken: list[Line] = []
    rows, last = 0, None
    for line in lines:
        if last is None or abs(line.middle - last) > 0.5 * line.size:
            rows += 1
            last = line.middle
        if rows > _EDGE:
            break
        taken.append(line)
    return taken


def _mask(text: str) -> str:
    masked = _DIGITS.sub("#", "".join(text.split()).lower())
    return _ROMAN.sub("#", masked) if len(masked) < 12 else masked


def _repeated(pages: Sequence[list[Line]], edges: Sequence[list[Line]], gone: list[set[int]]) -> None:
    """Lines that repeat at one place: on most pages, on most of one side, or on neighbours."""
    filled = [number for number, lines in enumerate(pages) if lines]
    seen: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    for number in filled:
        for line in edges[number]:
            seen[_mask(line.text)].append((number, line))
    sides = Counter(number % 2 for number in filled)
    for mask, places in seen.items():
        for group in _by_level(places):
            on = sorted({number for number, _ in group})
            if len(on) < 2 or not mask.strip("#-–.p/()・ "):
                continue
            enough = (
                len(on) >= _SHARE * len(filled)
                if len(filled) > _NEAR
                else len(on) == len(filled) and all(_apart(line, pages[number]) for number, line in group)
            )
            parity = Counter(number % 2 for number in on)
            side = any(count >= max(_NEAR, _SHARE * sides[odd]) for odd, count in parity.items())
            near = _chains(on) if len(mask) > 1 else set()
            for number, line in group:
                if enough or side or number in near:
                    gone[number].add(line.seq)


def _by_level(places: Sequence[tuple[int, Line]]) -> Iterable[list[tuple[int, Line]]]:
    """Groups of lines that stand at the same height."""
    group: list[tuple[int, Line]] = []
    for number, line in sorted(places, key=lambda place: place[1].middle):
        if group and line.middle - group[-1][1].middle > _SAME:
            yield group
            group = []
        group.append((number, line))
    if group:
        yield group


def _chains(on: Sequence[int]) -> set[int]:
    """Pages that, with at most one page between each two, make a chain long enough to show a pattern."""
    found: set[int] = set()
    chain: list[int] = []
    for number in on:
        if chain and number - chain[-1] > 2:
            found.update(chain if len(chain) >= _NEAR else ())
            chain = []
        chain.append(number)
    found.update(chain if len(chain) >= _NEAR else ())
    return found


def _numbers(pages: Sequence[list[Line]], edges: Sequence[list[Line]], gone: list[set[int]]) -> None:
    """Numbers at the edges that count the pages; and the others in the places where such numbers stand."""
    found: list[tuple[int, Line, int | None]] = []
    for number, lines in enumerate(edges):
        ends = _outermost(pages[number])
        for line in lines:
            match = _NUMBER.fullmatch(line.text.strip()) if len(line.text) <= 24 else None
            if match and line.seq in ends:
                value = match[1].translate(_WIDE_DIGITS)
                found.append((number, line, int(value) if value.isdecimal() else None))
    shifts = Counter(value - number for number, _, value in found if value is not None)
    counted = {shift for shift, count in shifts.items() if count >= 2}
    levels = [line.middle for number, line, value in found if value is not None and value - number in counted]
    for number, line, value in found:
        known = value is not None and value - number in counted
        there = any(abs(line.middle - level) < _SAME for level in levels)
        marked = len(line.text.strip()) > 2 and not line.text.strip()[0].isalnum() and len(pages[number]) > 3
        if known or there or marked or (len(pages) == 1 and _apart(line, pages[number])):
            gone[number].add(line.seq)


def _outermost(lines: Sequence[Line]) -> set[int]:
    """The lines of the two first and two last rows, where a page number may stand, and those beside the text."""
    rows = sorted(lines, key=lambda line: -line.middle)
    ends: set[int] = set()
    for side in (rows, rows[::-1]):
        count, last = 0, None
        for line in side:
            if last is None or abs(line.middle - last) > 0.5 * line.size:
                count += 1
                last = line.middle
            if count > 2:
                break
            ends.add(line.seq)
    return ends


def _apart(line: Line, lines: Sequence[Line]) -> bool:
    """Whether a line stands alone at the head or foot of its page, well away from all others."""
    others = [other for other in lines if abs(other.middle - line.middle) > 0.5 * line.size]
    if not others:
        return False
    below = min(other.y0 for other in others) - line.y1
    above = line.y0 - max(other.y1 for other in others)
    return max(below, above) > 1.2 * line.size


def _tabs(pages: Sequence[list[Line]], gone: list[set[int]]) -> None:
    """Labels beside the text that run downwards: the tabs by which a reader finds a chapter."""
    for number, lines in enumerate(pages):
        flat = [line for line in lines if line.kind != "vertical" and line.seq not in gone[number]]
        if not flat:
            continue
        left, right = min(line.x0 for line in flat), max(line.x1 for line in flat)
        for line in lines:
            beside = line.x1 <= left + 1 or line.x0 >= right - 1
            if line.kind == "vertical" and beside and len(line.text) <= _TAB_CHARS:
                gone[number].add(line.seq)
