"""Normalisation: one spelling for one character, and nothing else changed.

What is changed
    line ends (CR, CR LF, VT, FF, NEL, LS, PS)       to LF
    tabs, no-break, thin and ideographic spaces      to a space; runs of them to one; none at the ends of a line
    more than one empty line                         to one; none at the ends of the text
    controls, zero-width and bidi marks, soft hyphen, byte order mark, variation selectors, tags, noncharacters,
    lone surrogates                                  removed: they show nothing, and can hide text
    full-width letters and digits                    to ASCII; so are ． and ， between digits
    half-width kana and its punctuation              to full width, voicing marks composed
    Kangxi and CJK radicals used for ideographs      to the unified ideograph (PDF fonts map to them)
    Latin ligatures (ﬁ)                              to letters
    squared words (㎎ ㍑ ㍻)                         to the letters they abbreviate
    everything else                                  to NFC, which also unifies compatibility ideographs
What is kept
    full-width punctuation （）、！？：％            it is the punctuation of Japanese
    Roman numerals Ⅱ, circled ①, ㈱, ℃, ², ½, ™      their form carries meaning
    ～ and 〜, － and −                              fold() makes them equal for comparison
    old and variant ideographs 髙 﨑 where NFC keeps them
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["normalise"]

# Radicals beyond the Kangxi block that stand for a whole ideograph (EquivalentUnifiedIdeograph.txt, Unicode).
_RADICALS: Final = {
    "⺠": "民", "⺩": "王", "⻁": "虎", "⻄": "西", "⻆": "角", "⻑": "長", "⻘": "青", "⻝": "食",
    "⻤": "鬼", "⻨": "麦", "⻩": "黄", "⻫": "斉", "⻭": "歯", "⻯": "竜", "⻲": "亀",
}  # fmt: skip
_SPACES: Final = "\t\u00a0\u2000-\u200a\u202f\u205f\u3000"
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS: Final = re.compile(f"[ {_SPACES}]+")
_EDGES: Final = re.compile(" ?\n ?")
_EMPTY_LINES: Final = re.compile("\n{3,}")
_HALF_KANA: Final = re.compile("[\uff61-\uff9f]+")
_NUMBER_MARKS: Final = re.compile("(?<=[0-9])[．，](?=[0-9])")
_REMOVED: Final = (
    (0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x034F, 0x034F), (0x061C, 0x061C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xD800, 0xDFFF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF),
)  # fmt: skip
_EXPANDED: Final = ((0x2F00, 0x2FDF), (0x2E9F, 0x2E9F), (0x2EF3, 0x2EF3), (0x32CC, 0x32CF), (0x32FF, 0x32FF),
                    (0x3300, 0x3357), (0x3371, 0x33DF), (0x33FF, 0x33FF), (0xFB00, 0xFB06))  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> dict[int, str | None]:
    """What a single code point becomes, where that does not depend on its neighbours."""
    table: dict[int, str | None] = {ord(radical): ideograph for radical, ideograph in _RADICALS.items()}
    for first, last in _REMOVED:
        table.update(dict.fromkeys(range(first, last + 1)))
    for first, last in _EXPANDED:
        for code in range(first, last + 1):
            table[code] = unicodedata.normalize("NFKC", chr(code))
    for offset in (*range(0x10, 0x1A), *range(0x21, 0x3B), *range(0x41, 0x5B)):  # ０-９ Ａ-Ｚ ａ-ｚ
        table[0xFF00 + offset] = chr(0x20 + offset)
    return table


def normalise(text: str) -> str:
    """The normalised text; see the module for what that means. Idempotent; never raises.

    >>> normalise("ＡＢＣ　１．５㎎　ｶﾞｲﾄﾞ")
    'ABC 1.5mg ガイド'
    """
    text = _LINE_END.sub("\n", text).translate(_table())
    text = _HALF_KANA.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = unicodedata.normalize("NFC", text)
    text = _NUMBER_MARKS.sub(lambda match: "." if match[0] == "．" else ",", text)
    text = _EDGES.sub("\n", _BLANKS.sub(" ", text))
    return _EMPTY_LINES.sub("\n\n", text).strip(" \n")
