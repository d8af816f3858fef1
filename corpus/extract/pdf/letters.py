"""Characters that fonts put in place of others: ligatures, radicals, hyphens; and those that are none."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["clean_letters", "controls", "lost_letters", "without_controls"]

# CJK Radicals Supplement, by EquivalentUnifiedIdeograph.txt of Unicode: fonts of office programs map 民 to ⺠.
_RADICALS: Final = (
    "⺟母⺠民⺬示⺭礻⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇角⻉贝⻋车⻌辶⻍辶⻑長⻒镸⻓长"
    "⻔门⻗雨⻘青⻝食⻞飠⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻫斉⻭歯⻯竜⻱亀⻲亀⻳龟"
)
_TABLE: Final[dict[int, str]] = {
    **{ord(a): b for a, b in zip(_RADICALS[::2], _RADICALS[1::2], strict=True)},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)},
    0xFB05: "st",
}
_FORMS: Final = re.compile(f"[{''.join(map(chr, _TABLE))}]")


def clean_letters(text: str) -> str:
    """A text with ligatures taken apart and radicals written as the ideographs they stand for.

    >>> clean_letters("eﬃcient ⽇本国⺠")
    'efficient 日本国民'
    """
    return text.translate(_TABLE) if _FORMS.search(text) else text  # a table looks at every letter, ten times as long


_ODD: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_NEWER: Final = 0x1F000  # from here on, characters of later versions of Unicode are pictures and kanji


def without_controls(text: str, *, odd: bool) -> str:
    r"""A text without controls, noncharacters and unassigned code points; `odd` says that it may hold such.

    A soft hyphen is one that a page shows: those that it does not show are not drawn.

    >>> without_controls("com\x08mittee of 1\xad12\ufdd0", odd=True)
    'committee of 1-12'
    """
    if not odd and not _ODD.search(text):
        return text
    return text.translate({ord(character): _shown(character) for character in set(text)})


def _shown(character: str) -> str:
    code = ord(character)
    if character == "\xad":
        return "-"
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    none = _ODD.match(character) or code & 0xFFFE == 0xFFFE
    return "" if none or (code < _NEWER and unicodedata.category(character) == "Cn") else character


_CONTROLS: Final = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f]")


def controls(text: str) -> int:
    """How many characters are controls."""
    return len(_CONTROLS.findall(text))


_HOLE: Final = "[\ufffd\0\ud800-\udfff]"
_HOLES: Final = re.compile(_HOLE)
_LOST: Final = re.compile(rf"{_HOLE}{{2,}}|(?<=[^\W\d_]){_HOLE}|{_HOLE}(?=[^\W\d_])")


def lost_letters(text: str) -> int:
    r"""How many letters a font has no Unicode for: one that stands by itself may have been a bullet or a sign.

    >>> lost_letters("th\ufffd r\ufffdport \ufffd item 1\ufffd2")
    2
    """
    return sum(map(len, _LOST.findall(text))) if _HOLES.search(text) else 0
