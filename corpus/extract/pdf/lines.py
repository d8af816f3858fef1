"""Glyphs to lines: by where they stand, in the order in which they are drawn.

A new piece begins where the next glyph stands on another level, or too far away to belong to the same words. Glyphs
that stand one below the other are vertical writing: on a page that consists of it, everything is turned so that its
columns become lines; on other pages such a piece is a line of its own (`kind` "vertical"): a tab, the label of a cell.
Readings (ruby) are told by their size and place above their base, and dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corpus.extract.pdf.glyphs import Glyphs, Line
from corpus.text.scripts import code_points

__all__ = ["TooManyPiecesError", "page_lines"]

MAX_PIECES: Final = 20_000  # of a page
MAX_LINES: Final = 4000  # of a page: a dense table of small numbers has half as many
_WIDE: Final = 1.2  # of the font size: from here a gap parts two pieces
_BACK: Final = 0.2  # the same, for a step back of the left edges: punctuation may be set tight
_KANA: Final = re.compile(r"[\u3041-\u30ff\uff66-\uff9f\s・]+")
_KANJI: Final = re.compile(r"[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WESTERN_END: Final = re.compile(r"[!-~\u00a1-\u024f\u2010-\u203a]$")
_WESTERN: Final = re.compile(r"[!-~\u00a1-\u024f\u2010-\u203a]")
_VERTICAL_BLANK: Final = re.compile(r"(?<![!-~]) +| +(?![!-~])")  # but for those between Latin words
_BREAKS: Final = re.compile(r"[\r\n\u2028\u2029]+")
_SMALL: Final = 0.66  # of the base: readings are half as large
_LABEL: Final = 8  # characters that a number or mark before its text may have
_ALIGNED: Final = 5  # pieces on one left edge that make a column
_VERTICAL_PAGE: Final = 0.5  # share of the glyphs


class TooManyPiecesError(Exception):
    """A page of so many pieces that no reader could put them in order."""


def page_lines(page: Glyphs) -> tuple[list[Line], int, float]:
    """(lines in the order drawn, visible characters dropped as readings, height of the page as the lines stand on it).

    Raises TooManyPiecesError.
    """
    pieces, upright = _pieces(page)
    if len(pieces) > MAX_PIECES:
        raise TooManyPiecesError(f"{len(pieces)} pieces of text on one page")
    height = page.height
    if not pieces:
        return [], 0, height
    glyphs = sum(len(piece.text) for piece in pieces)
    if glyphs - upright > _VERTICAL_PAGE * glyphs:
        pieces, height = [_turned(piece, page.height) for piece in pieces], page.width
    pieces, dropped = _without_ruby(pieces)
    lines = _merged(pieces)
    if len(lines) > MAX_LINES:
        raise TooManyPiecesError(f"{len(lines)} lines on one page")
    return lines, dropped, height


def _pieces(page: Glyphs) -> tuple[list[Line], int]:
    """(pieces in the order drawn, characters of those that run to the right)."""
    codes = code_points(page.text)
    shown = np.flatnonzero(
        (((codes > 0x20) & (codes != 0xA0) & (codes != 0x3000)) | (codes == 0))
        & ~((codes >= 0x2000) & (codes < 0x2010))
    )
    if not len(shown):
        return [], 0
    box = page.box[shown]
    x0, y0, x1, y1 = box.T
    down = _downward(codes[shown], box, page.vertical[shown])
    cuts = _cuts(shown, box, down)
    starts = np.concatenate(([0], cuts))
    ends = np.concatenate((cuts, [len(shown)]))
    left, bottom = np.minimum.reduceat(x0, starts).tolist(), np.minimum.reduceat(y0, starts).tolist()
    right, top = np.maximum.reduceat(x1, starts).tolist(), np.maximum.reduceat(y1, starts).tolist()
    height = y1 - y0
    span = ends - starts - 1
    one, two, three = (height[starts + span * quarter // 4] for quarter in (1, 2, 3))
    sizes = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))  # the middle one of the three:
    sizes = sizes.tolist()  # a mark in small type must not decide
    first, last = shown[starts].tolist(), shown[ends - 1].tolist()
    falls = (down[np.minimum(starts, len(down) - 1)] if len(down) else np.zeros(len(starts), np.bool_)) & (
        ends - starts > 1
    )
    alone = page.vertical[shown][starts]
    pieces, upright = list[Line](), 0
    for number, (begin, end) in enumerate(zip(first, last, strict=True)):
        text = page.text[begin : end + 1]
        vertical = bool(falls[number] or alone[number])
        if "\n" in text or "\r" in text or vertical:
            text = _VERTICAL_BLANK.sub("", _BREAKS.sub("", text)) if vertical else _unbroken(text)
        upright += 0 if vertical else len(text)
        pieces.append(
            Line(
                text,
                left[number],
                bottom[number],
                right[number],
                top[number],
                sizes[number],
                number,
                "vertical" if vertical else "",
            )
        )
    return pieces, upright


def _downward(codes: NDArray[np.uint32], box: NDArray[np.float32], vertical: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each glyph but the last: whether the next one stands right below it, as in vertical writing."""
    if len(codes) < 2:
        return np.zeros(max(0, len(codes) - 1), np.bool_)
    x0, y0, x1, y1 = box.T
    size = np.maximum(y1[:-1] - y0[:-1], y1[1:] - y0[1:])
    middle = np.abs((x0 + x1)[:-1] - (x0 + x1)[1:]) / 2
    step = y0[:-1] - y1[1:]
    alike = np.minimum(y1[:-1] - y0[:-1], y1[1:] - y0[1:]) > 0.7 * size
    both = vertical[:-1] & vertical[1:]
    fonts = both & (middle < 0.6 * size) & (step > -1.2 * size) & (step < 1.6 * size)
    japanese = codes >= 0x2E80
    below = (middle < 0.35 * size) & (step > -0.3 * size) & (step < 0.9 * size) & alike
    below &= japanese[:-1] | japanese[1:]
    edges = np.diff(np.concatenate(([0], below.astype(np.int8), [0])))
    for begin, end in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        if end - begin < 2:  # two glyphs one below the other are chance
            below[begin:end] = False
    result: NDArray[np.bool_] = fonts | below
    return result


def _cuts(shown: NDArray[np.intp], box: NDArray[np.float32], down: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices, among the visible glyphs, at which a new piece begins."""
    x0, y0, x1, y1 = box.T
    height = y1 - y0
    small, size = np.minimum(height[:-1], height[1:]), np.maximum(height[:-1], height[1:])
    shared = np.minimum(y1[:-1], y1[1:]) - np.maximum(y0[:-1], y0[1:])
    gap = x0[1:] - x1[:-1]
    blanks = np.minimum(np.diff(shown) - 1, 2)  # an ideographic space is as wide as a glyph
    same = (np.abs(x0[1:] - x0[:-1]) < 0.01) & (np.abs(y0[1:] - y0[:-1]) < 0.01)  # the letters of a ligature
    new = (shared < 0.35 * small) | (gap > (_WIDE + 0.4 * blanks) * size) | (x0[1:] - x0[:-1] < -_BACK * size)
    before = np.concatenate(([False], down[:-1]))
    new = np.where(down | before, ~down, new & ~same)  # a piece that runs downwards stands alone
    return np.flatnonzero(new) + 1


def _unbroken(text: str) -> str:
    """A line without the breaks that an engine put in: a blank between Latin words, nothing in Japanese."""
    parts = [part.strip(" ") for part in _BREAKS.split(text)]
    whole = parts[0]
    for part in parts[1:]:
        whole = _glued(whole, part, blank=True)
    return whole


def _glued(text: str, more: str, *, blank: bool) -> str:
    space = blank and _WESTERN_END.search(text) and _WESTERN.match(more)
    return f"{text} {more}" if space else text + more


def _turned(piece: Line, height: float) -> Line:
    """A piece of a vertical page in the system in which its columns are lines, the rightmost on top."""
    size = piece.size if piece.kind else min(piece.x1 - piece.x0, piece.size)
    return Line(piece.text, height - piece.y1, piece.x0, height - piece.y0, piece.x1, size, piece.seq, "")


def _without_ruby(pieces: list[Line]) -> tuple[list[Line], int]:
    """(pieces that are no readings of others, characters dropped)."""
    largest = max(piece.size for piece in pieces)
    kept, dropped = [], 0
    for place, piece in enumerate(pieces):
        small = piece.size < _SMALL * largest and _KANA.fullmatch(piece.text)
        if small and any(_reads(piece, base) for base in pieces[max(0, place - 60) : place + 60]):
            dropped += len(piece.text)
        else:
            kept.append(piece)
    return kept, dropped


def _reads(piece: Line, base: Line) -> bool:
    """Whether a piece in kana stands right above a larger one that has kanji."""
    if piece.size > _SMALL * base.size or piece.size < 0.3 * base.size:
        return False
    above = -0.35 * base.size < piece.y0 - base.y1 < 0.5 * base.size
    over = min(piece.x1, base.x1) - max(piece.x0, base.x0) > 0.5 * (piece.x1 - piece.x0)
    return above and over and _KANJI.search(base.text) is not None


def _merged(pieces: list[Line]) -> list[Line]:
    """Pieces of one row that touch each other as one line, at the place of the first."""
    rows = sorted(range(len(pieces)), key=lambda n: (-pieces[n].middle, pieces[n].x0))
    edges = Counter(round(piece.x0) for piece in pieces)
    merged: dict[int, int] = {}  # a piece -> the one it was merged into
    for place, number in enumerate(rows):
        one = pieces[number]
        for other in rows[place + 1 : place + 12]:
            two = pieces[other]
            lower = one.middle - two.middle
            if lower > 0.6 * one.size and lower > 0.6 * two.size:
                break
            left, right = (number, other) if one.x0 <= two.x0 else (other, number)
            apart = abs(left - right)
            if other not in merged and _touch(pieces[left], pieces[right], apart=apart, column=edges):
                merged[other] = number
    if not merged:
        return pieces
    groups: dict[int, list[int]] = {}
    for number in range(len(pieces)):
        root = number
        while root in merged:
            root = merged[root]
        groups.setdefault(root, []).append(number)
    lines = [_joined([pieces[n] for n in sorted(group, key=lambda n: pieces[n].x0)]) for group in groups.values()]
    return sorted(lines, key=lambda line: line.seq)


def _touch(left: Line, right: Line, *, apart: int, column: Mapping[int, int]) -> bool:
    """Whether two pieces are words of one line, and none begins a column: an edge that others stand on as well."""
    if left.kind or right.kind:
        return False
    small, size = min(left.size, right.size), max(left.size, right.size)
    shared = min(left.y1, right.y1) - max(left.y0, right.y0)
    gap = right.x0 - left.x1
    wide = 1.0 if apart <= 2 else 0.6
    if gap > 0.35 * size and len(left.text) > _LABEL and column[round(right.x0)] > _ALIGNED:
        return False
    return shared > 0.5 * small and -0.3 * size < gap < wide * size


def _joined(pieces: list[Line]) -> Line:
    """Pieces from left to right as one line."""
    first = pieces[0]
    if len(pieces) == 1:
        return first
    text, end = first.text, first.x1
    for piece in pieces[1:]:
        text = _glued(text, piece.text, blank=piece.x0 - end > 0.15 * max(first.size, piece.size))
        end = piece.x1
    longest = max(pieces, key=lambda piece: len(piece.text))
    return Line(
        text,
        first.x0,
        min(piece.y0 for piece in pieces),
        max(piece.x1 for piece in pieces),
        max(piece.y1 for piece in pieces),
        longest.size,
        min(piece.seq for piece in pieces),
    )
