"""Running heads and feet, page numbers and chapter tabs: told by what repeats from page to page, and taken out.

A line is furniture where it stands in the margin of the page, clear of the text or at the very edge, and the same line,
digits aside, stands at the same place on most pages, on most left or most right ones, or on the pages next to it (heads
change with the chapter). A number in the margin is a page number where numbers there count the pages. What stands once
is text, and stays. So does what repeats all over a page: notices and certificates of one wording are no furniture.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final

from corpus.extract.pdf.glyphs import Line

__all__ = ["without_furniture"]

_EDGE: Final = 3  # rows from the top and from the bottom that may be furniture
_BAND: Final = 0.15  # of the page's height: as far in as furniture stands
_FORM_BAND: Final = 0.08  # the same where most of the page repeats
_BRIM: Final = 0.06  # so far out stands no text, however near the next line is
_CLEAR: Final = 1.4  # of the pitch of the lines: a gap that parts the margin from the text
_PITCH: Final = 2.5  # of the size: rows further apart are no neighbours
_MOST: Final = 3  # a page of which more than one part in so many repeats is a form
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
_MARKED: Final = re.compile(  # a number that says it is one of a page; brackets have those of formulas too
    r"[-–—−‐]\s?[0-9０-９]+\s?[-–—−‐]|(?:page|p\.)\s*[0-9].*|[0-9０-９]+\s*(?:頁|ページ|(?:/|／|of)\s*[0-9０-９]+)",
    re.IGNORECASE,
)
_WIDE_DIGITS: Final = str.maketrans("０１２３４５６７８９", "0123456789")
_LONE: Final = 1000  # a year is no number of a page
_DATE: Final = 8  # characters
_TAB_CHARS: Final = 24  # longest tab at a side


@dataclass
class _Page:
    """What may be furniture on a page.

    `rows` are the lines from the top, those on one level together. `depth` has, for a line of the margins, how far in
    it stands, as a share of the height of the page (1 for one beside the text); `clear` are those that a gap parts from
    the text. `gone` has the lines to take out, and whether other pages leave no doubt of it.
    """

    lines: list[Line]
    rows: list[list[Line]]
    depth: dict[int, float]
    clear: set[int]
    gone: dict[int, bool]

    def candidates(self) -> list[Line]:
        """The lines of the margins."""
        return [line for line in self.lines if line.seq in self.depth]


def without_furniture(pages: Sequence[list[Line]], heights: Sequence[float]) -> list[list[Line]]:
    """The pages, whose heights are given as well, without what is furniture."""
    looked = [_looked(lines, height) for lines, height in zip(pages, heights, strict=True)]
    _repeated(looked)
    _numbers(looked)
    _tabs(looked)
    kept = [_rest(page) for page in looked]
    return kept if any(kept) else list(pages)


def _rest(page: _Page) -> list[Line]:
    """The lines that stay; what is in doubt stays where it is much of the page."""
    out = sum(len(line.text) for line in page.lines if line.seq in page.gone)
    doubt = _MOST * out > sum(len(line.text) for line in page.lines)
    return [line for line in page.lines if line.seq not in page.gone or (doubt and not page.gone[line.seq])]


def _looked(lines: list[Line], height: float) -> _Page:
    flat = sorted((line for line in lines if not line.kind), key=attrgetter("middle"), reverse=True)
    rows: list[list[Line]] = []
    for line in flat:
        if rows and rows[-1][0].middle - line.middle <= 0.5 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    page = _Page(lines, rows, {}, set(), {})
    _margins(page, height)
    left = min((line.x0 for line in lines), default=0.0)
    right = max((line.x1 for line in lines), default=0.0)
    for line in lines:  # vertical labels, text turned against the page, and single letters at a side
        if line.kind or (len(line.text) <= 2 and (line.x0 - left < 40 or right - line.x1 < 40)):
            page.depth.setdefault(line.seq, 1.0)
            page.clear.add(line.seq)
    return page


def _margins(page: _Page, height: float) -> None:
    """Note the lines of the first and last rows, how far in they stand, and which of them a gap parts from the text."""
    levels = [row[0].middle for row in page.rows]
    gaps = [above - below for above, below in pairwise(levels)]
    size = sorted(row[0].size for row in page.rows)[len(levels) // 2] if levels else 0.0
    near = sorted(gap for gap in gaps if gap < _PITCH * size)
    pitch = max(near[len(near) // 2] if near else 0.0, 1.1 * size)
    for rows, steps, top in ((page.rows, gaps, True), (page.rows[::-1], gaps[::-1], False)):
        for place, row in enumerate(rows[:_EDGE]):
            depth = (height - row[0].middle if top else row[0].middle) / max(1.0, height)
            if depth > _BAND:
                break
            page.depth.update((line.seq, depth) for line in row)
            if steps[place : place + 1] and steps[place] > _CLEAR * pitch:
                page.clear.update(line.seq for outer in rows[: place + 1] for line in outer)


def _mask(text: str) -> str:
    masked = _DIGITS.sub("#", "".join(text.split()).lower())
    return _ROMAN.sub("#", masked) if len(masked) < 12 else masked


def _repeated(pages: Sequence[_Page]) -> None:
    """Lines that repeat at one place: on most pages, on most of one side, or on neighbours."""
    filled = [number for number, page in enumerate(pages) if page.lines]
    seen: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    for number in filled:
        for line in pages[number].candidates():
            seen[_mask(line.text)].append((number, line))
    sides = Counter(number % 2 for number in filled)
    forms = _forms(pages)
    for mask, places in seen.items():
        for group in _by_level(places):
            on = sorted({number for number, _ in group})
            if len(on) < 2 or not (mask.strip("#-–.p/()・ ") or _dated(group)):
                continue
            some = len(on) >= _SHARE * len(filled) if len(filled) > _NEAR else len(on) == len(filled)
            parity = Counter(number % 2 for number in on)
            side = any(count >= max(_NEAR, _SHARE * sides[odd]) for odd, count in parity.items())
            near = _chains(on) if len(mask) > 1 else set()
            if not (some or side or near):
                continue
            stands, sure = _stands_out(group, pages, forms, every=len(filled) <= _NEAR)
            for number, line in group:
                if stands and (some or side or number in near):
                    pages[number].gone[line.seq] = sure


def _dated(group: Sequence[tuple[int, Line]]) -> bool:
    """Whether lines without letters are one and the same date: numbers that differ may be those of a table."""
    texts = {line.text for _, line in group}
    return len(texts) == 1 and len(texts.pop()) >= _DATE


def _stands_out(
    group: Sequence[tuple[int, Line]], pages: Sequence[_Page], forms: set[int], *, every: bool
) -> tuple[bool, bool]:
    """(whether lines that repeat stand as furniture does, whether pages of other text than theirs leave no doubt)."""
    free = [(number, line) for number, line in group if number not in forms]
    sure = 2 * len(free) >= len(group) or len(free) >= 2 * _NEAR
    shown = free if sure else group
    clear = sum(line.seq in pages[number].clear for number, line in shown)
    deepest = max(pages[number].depth[line.seq] for number, line in shown)
    if every or not sure:
        return clear == len(shown) and (sure or deepest <= _FORM_BAND), sure
    return 2 * clear >= len(shown) or deepest <= _BRIM, len(free) >= _NEAR


def _forms(pages: Sequence[_Page]) -> set[int]:
    """The pages much of which stands on another page too, at the same height."""
    places = [[(round(line.middle), _DIGITS.sub("#", line.text)) for line in page.lines] for page in pages]
    on = Counter(place for page in places for place in set(page))
    return {
        number
        for number, page in enumerate(places)
        if _MOST * sum(len(text) for level, text in page if on[level, text] > 1) > sum(len(text) for _, text in page)
    }


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


def _numbers(pages: Sequence[_Page]) -> None:
    """Numbers at the edges that count the pages; and the others in the places where such numbers stand."""
    found = [(number, *one) for number, page in enumerate(pages) for one in _page_numbers(page)]
    shifts = Counter(value - number for number, _, value, _ in found if value is not None)
    filled = sum(bool(page.rows) for page in pages)
    counting = {shift for shift, count in shifts.items() if count >= max(_NEAR, _SHARE * filled)}
    few = _NEAR if filled > 2 * _NEAR else 2
    levels = [line.middle for number, line, value, _ in found if value is not None and shifts[value - number] >= few]
    for number, line, value, foot in found:
        page = pages[number]
        shift = None if value is None else value - number
        marked = len(page.lines) > _NEAR and _MARKED.fullmatch(line.text.strip()) is not None
        if shift in counting:
            page.gone[line.seq] = True
        elif line.seq in page.depth and page.depth[line.seq] <= _BAND:
            known = shift is not None and shifts[shift] >= (few if line.seq in page.clear else _NEAR)
            there = any(abs(line.middle - level) < _SAME for level in levels)
            edge = foot or page.depth[line.seq] <= _FORM_BAND
            plain = line.text[:1] not in "(（[〔" and value is not None and value < _LONE
            alone = line.seq in page.clear and (marked or (len(pages) == 1 and plain and edge))
            if known or there or alone:
                page.gone[line.seq] = known or there


def _page_numbers(page: _Page) -> Iterable[tuple[Line, int | None, bool]]:
    """(line, its value, whether it is all of the last row) of the numbers in the two first and two last rows.

    There is one in a row; a Roman one has no value.
    """
    for place in {*range(2), *range(len(page.rows) - 2, len(page.rows))} & {*range(len(page.rows))}:
        row = page.rows[place]
        numbers = [(line, match) for line in row if (match := _page_number(line)) and line.seq not in page.gone]
        if len(numbers) == 1:
            value = numbers[0][1][1].translate(_WIDE_DIGITS)
            foot = len(row) == 1 and place == len(page.rows) - 1
            yield numbers[0][0], int(value) if value.isdecimal() else None, foot


def _page_number(line: Line) -> re.Match[str] | None:
    return _NUMBER.fullmatch(line.text.strip()) if len(line.text) <= 24 else None


def _tabs(pages: Sequence[_Page]) -> None:
    """Labels beside the text that run downwards: the tabs by which a reader finds a chapter."""
    for page in pages:
        flat = [line for line in page.lines if line.kind != "vertical" and line.seq not in page.gone]
        if not flat:
            continue
        left, right = min(line.x0 for line in flat), max(line.x1 for line in flat)
        for line in page.lines:
            beside = line.x1 <= left + 1 or line.x0 >= right - 1
            if line.kind == "vertical" and beside and len(line.text) <= _TAB_CHARS:
                page.gone[line.seq] = True
