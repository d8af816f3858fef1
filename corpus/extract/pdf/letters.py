"""Characters that fonts put in place of others: ligatures, radicals, marks of other code pages."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["clean_letters"]

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


def clean_letters(text: str) -> str:
    """A text with ligatures taken apart and radicals written as the ideographs they stand for.

    >>> clean_letters("eﬃcient ⽇本国⺠")
    'efficient 日本国民'
    """
    return text if text.isascii() else text.translate(_TABLE)
