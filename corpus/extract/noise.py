"""How noisy an OCR text is: the share of its words that no English or Japanese writes.

Without a dictionary, by the marks that recognition leaves: digits among letters (l980, 0f), capitals inside words,
words without a vowel, letters that stand alone, marks inside words, one letter three times over, pairs that no word
begins with (tlle, vvas). Clean prose lies below 0.04, a manual full of commands and tables below 0.1.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["noise_share"]

_WORD: Final = re.compile(r"\S+")
_EDGES: Final = "()[]{}<>.,;:!?'\"“”‘’—–-/*†‡"
_NUMBER: Final = re.compile(r"[-+±$~<>=]*[\d.,:/%°x×()^-]+(?:st|nd|rd|th|s|[a-zA-Zµ°%]{1,3})?")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9./_-]*[a-z]?")  # report numbers, acronyms, names of programs and variables
_WORDLIKE: Final = re.compile(r"[A-Z]?[a-zà-öø-ÿ]+(?:['’][a-z]{1,2})?|[A-Z]{2,}s?")
_VOWEL: Final = re.compile("[aeiouyà-öø-ÿ]", re.IGNORECASE)
_TRIPLE: Final = re.compile(r"([a-z])\1\1", re.IGNORECASE)
_CONSONANTS: Final = re.compile("[bcdfghjklmnpqrstvwxz]{6}", re.IGNORECASE)
_NEVER: Final = re.compile("^(?:vv|tl|rn|ii|nn|hh)|vv$|q[^u]|jj|vw|wv|xj|jx|zx|wx|iii", re.IGNORECASE)
_PARTS: Final = re.compile(r"[-–—/.,@_&]")
_CJK: Final = re.compile("[\u3005-\u30ff\u3400-\u9fff\uff00-\uffef]")
_SINGLE: Final = frozenset("ai")
_ENOUGH: Final = 20  # words from which a share says something


def noise_share(text: str) -> float:
    """Share of the words of a text that look like no language, 0 to 1; 0.0 for fewer than 20 words.

    >>> noise_share("The wing was tested in the tunnel at high speed. " * 9)
    0.0
    >>> noise_share("Th3 w1ng wa$ te5ted 1n tlle tunneI at h!gh spe~d . " * 9) > 0.5
    True
    """
    words = _WORD.findall(text)
    if len(words) < _ENOUGH:
        return 0.0
    return sum(map(_is_noise, words)) / len(words)


def _is_noise(word: str) -> bool:
    if _CJK.search(word):
        return False
    core = word.strip(_EDGES)
    if not any(map(str.isalnum, core)):  # marks alone: a dash is none, two that differ are
        return len(set(word)) > 1
    if _NUMBER.fullmatch(core) or _CODE.fullmatch(core):
        return False
    parts = [part for part in _PARTS.split(core) if part]
    return any(map(_is_scrap, parts)) if len(parts) <= 4 else True


def _is_scrap(part: str) -> bool:
    if part.isdecimal() or _CODE.fullmatch(part):
        return False
    if len(part) == 1:  # a capital may be a variable
        return part not in _SINGLE
    if not _WORDLIKE.fullmatch(part):
        return True
    return len(part) > 3 and (
        not _VOWEL.search(part) or any(sign.search(part) for sign in (_TRIPLE, _CONSONANTS, _NEVER))
    )
