"""Formulas: told by what they hold, so that they are marked and never joined with sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from corpus.extract.pdf.glyphs import Line

__all__ = ["is_debris", "is_equation", "wide"]

_WORDS: Final = re.compile(r"[A-Za-z]{3,}")
_NAMES: Final = re.compile(r"\b(?:sin|cos|tan|sinh|cosh|tanh|log|exp|max|min|lim|det|div|grad|curl|const)\b")
_NUMBER: Final = re.compile(
    r"[\[(（]\s*(?:[A-ZＡ-Ｚ][.\-]?)?[0-9０-９]{1,3}(?:[.\-－][0-9０-９]{1,3})?[a-z]?\s*[)\]）]"
)
_OPERATOR: Final = re.compile(r"[=≡≈≅≃∝<>≤≥≦≧±×÷·∂∇∫∑∏√∞→∈⊂＝＋－＜＞]|\s[+*/–−-]\s")


def wide(text: str) -> int:
    """Japanese characters of a text, nearly: those that UTF-8 writes in three bytes."""
    return 0 if text.isascii() else (len(text.encode("utf-8", "replace")) - len(text)) // 2


def is_debris(text: str) -> bool:
    """Whether a text is a formula, numbers of a chart or other scraps, and no words."""
    shown = "".join(text.split())
    if wide(shown) >= 0.3 * len(shown):
        return False
    return sum(map(len, _WORDS.findall(_NAMES.sub("", text)))) < 0.4 * len(shown)


def is_equation(cells: Sequence[Line]) -> bool:
    """Whether a row of cells is an equation set apart with its number."""
    if len(cells) < 2 or not _NUMBER.fullmatch(cells[-1].text.strip()):
        return False
    text = " ".join(cell.text for cell in cells[:-1])
    return _OPERATOR.search(text) is not None and is_debris(text)
