"""Folding: what two spellings of the same words have in common, for comparison only, with the way back.

NFKC and casefold make ＡＢＣ, ABC and abc equal, ｶﾞ and ガ, ㎎ and mg, Ⅱ and ii. Dashes, minus signs and the long-vowel
mark become "-", wave dashes "~", every run of blanks one space. The folded text is never shown or stored: `original`
leads from a place in it back to the place in the text it was made from.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Folded", "fold"]

_DASHES: Final = frozenset("‐‑‒–—―−－─━ーｰ﹣﹘⁃")
_WAVES: Final = frozenset("〜～∼∿")
# A character with the marks that combine with it: folded together, since ｶﾞ is one letter in two characters.
_CLUSTER: Final = re.compile("\\s+|[^\\s][\u0300-\u036f\u3099\u309a\uff9e\uff9f]*")


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
def _fold_cluster(cluster: str) -> str:
    if cluster.isspace():
        return " "
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
    return "".join("-" if c in _DASHES else "~" if c in _WAVES else c for c in folded)


def fold(text: str) -> Folded:
    """Fold a text, keeping where each folded character came from.

    >>> fold("ＡＢＣ　ｶﾞｽ").text
    'abc ガス'
    """
    if text.isascii() and "  " not in text and not any(c in text for c in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"):
        places = np.arange(len(text), dtype=np.int32)
        return Folded(text.lower(), places, places + np.int32(1))
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTER.finditer(text):
        folded = _fold_cluster(match[0])
        parts.append(folded)
        starts += [match.start()] * len(folded)
        ends += [match.end()] * len(folded)
    return Folded("".join(parts), np.array(starts, np.int32), np.array(ends, np.int32))
