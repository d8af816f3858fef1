"""The text as the rules for personal data see it: one spelling of digits, marks and dashes, with the way back.

Every full-width or mathematical letter, digit and mark becomes its ASCII form, one code point for one, every dash "-",
every blank but a line break a space; a long-vowel mark between digits is a dash too. Characters that show nothing are
left out. Case is kept, since secrets have one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_DASHES: Final = "‐‑‒–—―−－﹣─━"
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_LONG_VOWEL: Final = re.compile(r"(?<=[0-9])[ーｰ](?=[0-9])")


@dataclass(frozen=True)
class View:
    """`text` to search in; `span` leads from offsets in it to offsets in the original, end exclusive."""

    text: str
    offsets: tuple[int, ...] | None  # place in the original of each character; None where nothing was left out

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original for a span of the view that is not empty."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    """One code point to one, for the blocks that hold ASCII in another dress."""
    table = {ord(dash): "-" for dash in _DASHES}
    for point in (*range(0xFF01, 0xFF5F), *range(0x1D400, 0x1D800)):
        plain = unicodedata.normalize("NFKC", chr(point))
        if len(plain) == 1 and plain.isascii():
            table.setdefault(point, plain)
    table.update(dict.fromkeys((0x00A0, *range(0x2000, 0x200B), 0x202F, 0x3000, 0x09), " "))
    return table


def view(text: str) -> View:
    """Return the view of a text.

    >>> view("ＴＥＬ　０３‐１２３４").text
    'TEL 03-1234'
    """
    offsets: tuple[int, ...] | None = None
    if _INVISIBLE.search(text):
        offsets = tuple(place for place, character in enumerate(text) if not _INVISIBLE.match(character))
        text = _INVISIBLE.sub("", text)
    if not text.isascii() or "\t" in text:
        text = _LONG_VOWEL.sub("-", text.translate(_table()))
    return View(text, offsets)
