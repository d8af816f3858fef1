"""Folding: what two spellings of the same words have in common, for comparison only, with the way back.

ＡＢＣ, ABC and abc fold alike, and so do ｶﾞ and ガ, ㎎ and mg, ㍿ and 株式会社, Ⅱ and ii, 國 and 国. Dashes, minus
signs and the long-vowel mark become "-", wave dashes "~", every run of blanks one space; characters without a look of
their own (zero-width blanks, soft hyphens, variation selectors) vanish. The folded text is never shown or stored:
`original` leads from a place in it back to the place in the text it was made from.

The rule, in full, so that any implementation can be held to it. Each code point is replaced by `fold_point` of it:
none, one or several code points. Over what comes out, from left to right: a blank after a blank is left out, and a
code point that with the one just before it has a canonical composite (UAX 15, primary composites, Hangul included)
becomes that composite. Marks are joined in the order they stand in; marks out of canonical order are not sorted.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corpus.text.variants import VARIANTS

__all__ = ["UNSEEN", "Folded", "compositions", "fold", "fold_point"]

_DASHES: Final = frozenset("‐‑‒–—―−－─━ーｰ﹣﹘⁃")
_WAVES: Final = frozenset("〜～∼∿")
# Default-ignorable code points (DerivedCoreProperties.txt): nothing is drawn for them, copies differ by them freely.
UNSEEN: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip


@dataclass(frozen=True)
class Folded:
    """A folded text; `starts` and `ends` (int32, one entry a folded character) are offsets into the original."""

    text: str
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that the folded span [start, end) came from; an empty span stays empty."""
        if start >= end:
            at = int(self.starts[start]) if start < len(self.starts) else int(self.ends[-1]) if len(self.ends) else 0
            return at, at
        return int(self.starts[start]), int(self.ends[end - 1])


@lru_cache(maxsize=65536)
def fold_point(character: str) -> str:
    """Return what one code point folds to: "" for one without a look, else 1 to 18 code points that fold to themselves.

    NFKC, full case folding, NFKC again, then dashes, waves, blanks and the common form of a kanji (VARIANTS).
    """
    if any(low <= ord(character) <= high for low, high in UNSEEN):
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    return "".join(_plain(one) for one in folded)


def _plain(one: str) -> str:
    if one.isspace():
        return " "
    return "-" if one in _DASHES else "~" if one in _WAVES else chr(VARIANTS.get(ord(one), ord(one)))


@cache
def compositions() -> dict[tuple[str, str], str]:
    """Return the canonical composites that two folded code points make, where the composite folds to itself."""
    pairs: dict[tuple[str, str], str] = {}
    for point in (*range(0xA0, 0x3400), *range(0xF900, 0x20000)):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.normalize("NFC", chr(point)) == chr(point):
            pairs[chr(int(parts[0], 16)), chr(int(parts[1], 16))] = chr(point)
    for point in range(0xAC00, 0xD7A4):  # Hangul syllables: leading consonant and vowel, then the final consonant
        lead, rest = divmod(point - 0xAC00, 588)
        vowel, tail = divmod(rest, 28)
        first = chr(point - tail) if tail else chr(0x1100 + lead)
        pairs[first, chr(0x11A7 + tail) if tail else chr(0x1161 + vowel)] = chr(point)
    return {pair: made for pair, made in pairs.items() if fold_point(made) == made}


def fold(text: str) -> Folded:
    """Fold a text, keeping where each folded character came from.

    >>> fold("ＡＢＣ　ｶﾞｽ").text
    'abc ガス'
    """
    if text.isascii() and "  " not in text and not any(c in text for c in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"):
        places = np.arange(len(text), dtype=np.int32)
        return Folded(text.lower(), places, places + np.int32(1))
    composed = compositions()
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, character in enumerate(text):
        for one in fold_point(character):
            last = parts[-1] if parts else ""
            made = " " if one == last == " " else composed.get((last, one))
            if made is None:
                parts.append(one)
                starts.append(at)
                ends.append(at + 1)
            else:
                parts[-1] = made
                ends[-1] = at + 1
    return Folded("".join(parts), np.array(starts, np.int32), np.array(ends, np.int32))
