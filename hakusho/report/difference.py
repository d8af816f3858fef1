"""What two near copies do not have in common, as a person reads it: sentence by sentence, a bounded number of them."""

from __future__ import annotations

import difflib
import re
from typing import Final

__all__ = ["difference"]

_SENTENCE: Final = re.compile(r"[^。．!?！？\n]*[。．!?！？]+|[^。．!?！？\n]+")
_SENTENCES: Final = 2_000  # of each text: what lies behind them is not compared
_WIDTH: Final = 160  # characters of a sentence that are shown


def difference(left: str, right: str, most: int = 40) -> list[str]:
    """Return the sentences of two texts that differ: "- " of the first alone, "+ " of the second alone, in their order.

    At most `most` of them, then a line that says how many more; the first 2,000 sentences of each are compared.

    >>> difference("一条。二条。", "一条。三条。")
    ['- 二条。', '+ 三条。']
    """
    ours, theirs = _sentences(left), _sentences(right)
    lines = list(difflib.unified_diff(ours[:_SENTENCES], theirs[:_SENTENCES], n=0, lineterm=""))[2:]
    found = [f"{line[0]} {_clip(line[1:])}" for line in lines if line[0] in "+-"]
    behind = max(len(ours), len(theirs)) - _SENTENCES
    more = [f"… {len(found) - most} more"] if len(found) > most else []
    if behind > 0:
        more.append(f"… and {behind} sentences behind these were not compared")
    return found[:most] + more


def _sentences(text: str) -> list[str]:
    return [one.strip() for one in _SENTENCE.findall(text) if one.strip()]


def _clip(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
