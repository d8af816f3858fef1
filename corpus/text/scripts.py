"""Script classes of characters, counted fast, and the garble alarm.

Every code point has one class; a text is counted by one table look-up over its UTF-32 code points (numpy), which takes
about 5 ms a megabyte of characters. Ranges follow the Unicode blocks (Blocks.txt, Unicode 15).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CLASSES",
    "GARBLED",
    "class_of",
    "code_points",
    "count_classes",
    "garbled_share",
    "visible",
    "visible_and_garbled",
]

CLASSES: Final = (
    "other",  # anything that Japanese and English text does not hold: other scripts, IPA, Latin beyond Latin-1
    "space",
    "digit",  # ASCII and full-width
    "latin",  # ASCII, full-width and Latin-1 letters
    "punctuation",  # ASCII, Latin-1, general and CJK punctuation and symbols
    "hiragana",
    "katakana",  # with the long-vowel mark and half-width forms
    "kanji",
    "greek_cyrillic",  # letters of JIS X 0208: mathematics and units, seldom words
    "combining",
    "broken",  # controls, private use, surrogates, noncharacters, U+FFFD
)
GARBLED: Final = 0.2  # share from which a text counts as garbled: good ones stay below 0.05, broken ones begin at 0.25

_RANGES: Final = (
    ("punctuation", ((0x21, 0x7E), (0xA1, 0xBF), (0xD7, 0xD7), (0xF7, 0xF7), (0x2010, 0x2027), (0x2030, 0x205E))),
    ("punctuation", ((0x2070, 0x209F), (0x20A0, 0x20CF), (0x2100, 0x2BFF), (0x2E80, 0x2FDF), (0x3001, 0x3004))),
    ("punctuation", ((0x3008, 0x3020), (0x302A, 0x303F), (0x3099, 0x309C), (0x30A0, 0x30A0), (0x30FB, 0x30FB))),
    ("punctuation", ((0x3200, 0x33FF), (0x1D62, 0x1D6A), (0x2C7C, 0x2C7C))),
    ("punctuation", ((0xFB00, 0xFB06), (0xFE30, 0xFE6F), (0xFF01, 0xFFEE), (0x1F000, 0x1FAFF), (0x1D400, 0x1D7FF))),
    ("space", ((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x2000, 0x200A), (0x2028, 0x2029))),
    ("space", ((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000))),
    ("digit", ((0x30, 0x39), (0xFF10, 0xFF19))),
    ("latin", ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0xFF), (0xAA, 0xAA), (0xBA, 0xBA))),
    ("latin", ((0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x152, 0x153))),
    ("hiragana", ((0x3041, 0x3096), (0x309D, 0x309F), (0x1B001, 0x1B11F), (0x1B150, 0x1B152))),
    ("katakana", ((0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))),
    ("kanji", ((0x3005, 0x3007), (0x3021, 0x3029), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))),
    ("kanji", ((0x20000, 0x3FFFD),)),
    ("greek_cyrillic", ((0x391, 0x3C9), (0x401, 0x401), (0x410, 0x451))),
    ("combining", ((0x300, 0x36F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))),
    ("broken", ((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xD800, 0xF8FF), (0xFFFD, 0xFFFF))),
    ("broken", ((0xF0000, 0x10FFFF),)),
)
_SILENT: Final = ((0xAD, 0xAD), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF))
# Letters and marks of Latin-1 that Japanese and English hold now and then; ° ± ² ³ µ · × ÷ and the like are units.
_ACCENTED: Final = (
    (0xA1, 0xA6),
    (0xA8, 0xAA),
    (0xAC, 0xAF),
    (0xB4, 0xB4),
    (0xB8, 0xBA),
    (0xBC, 0xD6),
    (0xD8, 0xF6),
    (0xF8, 0xFF),
)
_MANY: Final = 0.25  # share of visible characters from which they are no names but UTF-8 or shifted codes, misread
_LINE: Final = re.compile(r"([\xb3-\xda])\1{2,}")  # a line drawn with DOS box characters, read as Latin-1, is no word
_CID: Final = re.compile(r"\(cid:\d+\)")


_SPACE, _OTHER, _BROKEN = (CLASSES.index(name) for name in ("space", "other", "broken"))
_ACCENT: Final = 16  # added to the class of an accented letter in the table


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    table = np.zeros(0x110000, np.uint8)
    for name, ranges in _RANGES:
        for first, last in ranges:
            table[first : last + 1] = CLASSES.index(name)
    for first, last in _SILENT:  # they show nothing: neither garbage nor text
        table[first : last + 1] = CLASSES.index("space")
    for first, last in _ACCENTED:
        table[first : last + 1] += _ACCENT
    return table


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, shape (len(text),); lone surrogates pass as they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _counted(text: str) -> NDArray[np.intp]:
    """Characters a class, shape (2, 16): those without and those with an accent."""
    return np.bincount(_table().take(code_points(text)), minlength=2 * _ACCENT).reshape(2, _ACCENT)


def count_classes(text: str) -> dict[str, int]:
    """Characters a class, for every class of CLASSES; the counts add up to len(text).

    >>> count_classes("第1条 ABC")["kanji"]
    2
    """
    return dict(zip(CLASSES, _counted(text).sum(axis=0).tolist(), strict=False))


def class_of(character: str) -> str:
    """The class of one character."""
    return CLASSES[int(_table()[ord(character)]) % _ACCENT]


def visible(text: str) -> int:
    """Characters that show something: all but spaces and invisible marks."""
    return len(text) - int(_counted(text)[:, _SPACE].sum())


def garbled_share(text: str) -> float:
    """Share of visible characters that stand in no Japanese or English text, 0 to 1 (0 for an empty text).

    Counts other scripts, private use, controls, U+FFFD, whole "(cid:123)" marks of PDF tools, and accented Latin
    letters where they are more than a quarter (UTF-8 read as Latin-1). Japanese, English, mathematics, units and
    chemical names stay near 0; fonts read with the wrong code table give 0.25 to 1.
    """
    return visible_and_garbled(text)[1]


def visible_and_garbled(text: str) -> tuple[int, float]:
    """(what `visible` gives, what `garbled_share` gives), from one count."""
    counted = _counted(text)
    shown = len(text) - int(counted[:, _SPACE].sum())
    without = _CID.sub("", text) if "(cid:" in text else text
    marks = len(text) - len(without)
    counted = _counted(without) if marks else counted
    whole = len(without) - int(counted[:, _SPACE].sum()) + marks
    if not whole:
        return shown, 0.0
    bad = int(counted[0, _OTHER] + counted[0, _BROKEN]) + marks
    accented = int(counted[1].sum())
    if accented > _MANY * whole:  # drawn lines can only lower it
        accented = int(_counted(_LINE.sub(r"\1", without))[1].sum())
        bad += accented if accented > _MANY * whole else 0
    return shown, bad / whole
