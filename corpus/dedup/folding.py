"""The folded text that signatures see: `corpus.text.fold.fold(text).text`, as text and as tables for compiled code.

`folded` gives it without the way back, some twenty times faster; `tables` packs the same rule into arrays. Tests hold
both to corpus.text.fold, code point by code point and on whole texts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from corpus.text.fold import UNSEEN, compositions, fold_point
from corpus.text.variants import VARIANTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLANK", "MARK", "OTHER", "FoldTables", "folded", "tables"]

# What stands in `FoldTables.points` beside the 21 bits of a code point.
BLANK: Final = 1 << 31  # a blank: left out after another blank
MARK: Final = 1 << 30  # may make a composite with the code point before it
OTHER: Final = 1 << 29  # none or several code points: the low bits are a place in `expansions`
_FLAT: Final = 0x30000  # code points from here on fold to themselves, or to nothing (0xE0000 to 0xE0FFF)


class FoldTables(NamedTuple):
    """The folding rule as arrays.

    `points` uint32 (0x30000,): what a code point folds to, with BLANK, MARK or OTHER. `expansions` uint32: a length,
    then so many entries in the form of `points`, and so on. `pairs` uint64 and `composites` uint32, of one length
    that is a power of two: a hash table with linear probing of (first << 21 | second) from place `slot_of_pair`;
    an empty place holds 0.
    """

    points: NDArray[np.uint32]
    expansions: NDArray[np.uint32]
    pairs: NDArray[np.uint64]
    composites: NDArray[np.uint32]


def slot_of_pair(pair: int, size: int) -> int:
    """Return where in a table of `size` places (a power of two) the search for a pair begins."""
    return (pair * 0x9E3779B97F4A7C15 >> 40) & (size - 1)


@lru_cache(maxsize=1)
def tables() -> FoldTables:
    """Return the tables, made once a process in some 0.2 s."""
    marks = {second for _, second in compositions()}
    points = np.arange(_FLAT, dtype=np.uint32)
    expansions: list[int] = []
    for point in _uncertain(marks):
        made = [_entry(one, marks) for one in fold_point(chr(point))]
        if len(made) == 1:
            points[point] = made[0]
        else:
            points[point] = OTHER | len(expansions)
            expansions += [len(made), *made]
    size = 1 << 15
    pairs, composites = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint32)
    for (first, second), made_one in compositions().items():
        pair = ord(first) << 21 | ord(second)
        slot = slot_of_pair(pair, size)
        while pairs[slot]:
            slot = (slot + 1) & (size - 1)
        pairs[slot], composites[slot] = pair, ord(made_one)
    return FoldTables(points, np.array(expansions, dtype=np.uint32), pairs, composites)


def _entry(one: str, marks: set[str]) -> int:
    return ord(one) | (BLANK if one == " " else MARK if one in marks else 0)


def _uncertain(marks: set[str]) -> list[int]:
    """Code points below _FLAT that may not fold to themselves; rows of 64 that surely do are passed over."""
    special = {ord(mark) for mark in marks}
    special.update(point for low, high in UNSEEN for point in range(low, high + 1))
    found = sorted(VARIANTS)
    for start in range(0, _FLAT, 64):
        if 0x3400 <= start < 0xA000 or 0xAC00 <= start < 0xF900:  # kanji, Hangul, surrogates, private use
            continue
        row = "".join(map(chr, range(start, start + 64)))
        stable = unicodedata.normalize("NFKC", row) == row == row.casefold()
        if start < 0x3400 or not stable or not special.isdisjoint(range(start, start + 64)):
            found += range(start, start + 64)
    return found


class _Table(dict[int, str]):
    """Folded form of single characters, learnt as they occur (at most one entry a code point)."""

    def __missing__(self, point: int) -> str:
        made = self[point] = fold_point(chr(point))
        return made


_TABLE: Final = _Table()
_BLANKS: Final = re.compile("  +")


@lru_cache(maxsize=1)
def _composing() -> re.Pattern[str]:
    """A character with the marks behind it."""
    marks = "".join(sorted({second for _, second in compositions()}))
    return re.compile(f"[^{marks}][{marks}]+")


def _compose(match: re.Match[str]) -> str:
    done = ""
    for one in match[0]:
        made = compositions().get((done[-1:], one))
        done = done + one if made is None else done[:-1] + made
    return done


def folded(text: str) -> str:
    """Return `fold(text).text` of corpus.text.fold, which says how; for comparison only."""
    plain = _BLANKS.sub(" ", text.translate(_TABLE))
    return plain if plain.isascii() else _composing().sub(_compose, plain)
