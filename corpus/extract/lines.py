"""Lines of PDF pages to paragraphs: running heads and page numbers out, hard line ends joined.

Lines join without a space where a Japanese character stands at the cut, else with one; a word cut by a hyphen is made
whole.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

__all__ = ["join_lines", "strip_running"]

_EDGE: Final = 4  # lines at the head and at the foot of a page in which running heads are looked for
_SHARE: Final = 0.6  # of the pages
_MIN_PAGES: Final = 4  # fewer pages show no pattern
_AROUND: Final = 6  # lines before and after that show how wide a column is
_FULL: Final = 0.72  # of the column: from here a line was ended by the margin, not by the writer
_DIGITS: Final = re.compile(r"[0-9０-９]+")
_ROMAN: Final = re.compile(r"(?<![a-z])[ivxlc]{1,7}(?![a-z])")
_END: Final = re.compile("[。．！？!?：:；;」』】]$|[.][\"'”’)]?$")
_NEW: Final = re.compile(
    r"\u3000|[・●○◎■□◆◇▶►•◦‣※▲△★☆]|[-–—*] |[①-⑳]|[（(]\s*(?:[0-9０-９]{1,3}|[ア-ン一二三四五六七八九十a-z])\s*[）)]|"
    r"第\s*[0-9０-９一二三四五六七八九十百]+\s*[章節条部編款]|\d+(?:\.\d+)+\.?\s|\d{1,2}[.)]\s|[A-Z]\.\s|[（(]出典|資料[:：]|図表|注[:：]"
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_CJK: Final = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\u2e80-\u2fdf]")


def strip_running(pages: list[list[str]]) -> list[list[str]]:
    """The pages without the lines that stand, digits aside, at the head or foot of at least 60 % of them."""
    filled = [lines for lines in pages if lines]
    if len(filled) < _MIN_PAGES:
        return pages
    seen: Counter[str] = Counter()
    for lines in filled:
        seen.update({_mask(line) for line in _edges(lines)})
    running = {line for line, count in seen.items() if count >= _SHARE * len(filled)}
    return [_without(lines, running) for lines in pages]


def _edges(lines: list[str]) -> list[str]:
    return lines[:_EDGE] + lines[-_EDGE:]


def _mask(line: str) -> str:
    masked = _DIGITS.sub("#", "".join(line.split()).lower())
    return _ROMAN.sub("#", masked) if len(masked) < 12 else masked


def _without(lines: list[str], running: set[str]) -> list[str]:
    last = len(lines) - _EDGE
    return [line for place, line in enumerate(lines) if _EDGE <= place < last or _mask(line) not in running]


def join_lines(pages: list[list[str]]) -> list[tuple[int, str]]:
    """(page, paragraph) in order; a paragraph belongs to the page where it begins."""
    out: list[tuple[int, str]] = []
    current, start, previous = "", 0, ""
    for number, lines in enumerate(pages):
        for place, line in enumerate(lines):
            around = lines[max(0, place - _AROUND) : place + _AROUND]
            if current and _continues(previous, line, _FULL * _usual(around)):
                current = _joined(current, line)
            else:
                if current:
                    out.append((start, current))
                current, start = line.lstrip("\u3000"), number
            previous = line
    if current:
        out.append((start, current))
    return out


def _usual(lines: list[str]) -> float:
    """The length that the longer ones of some neighbouring lines reach: the width of their column."""
    lengths = sorted(len(line) for line in lines)
    return float(lengths[int(len(lengths) * 0.6)]) if lengths else 0.0


def _continues(previous: str, line: str, full: float) -> bool:
    if _NEW.match(line) or not (_LETTER.search(line) and _LETTER.search(previous)):
        return False  # a new item, or the numbers of a chart
    if _hyphenated(previous, line):
        return True
    if len(previous) < full:
        return not _END.search(previous) and line[:1].islower()
    if _END.search(previous) and not _CJK.search(previous[-1:]):
        return len(previous) >= full
    return True


def _hyphenated(previous: str, line: str) -> bool:
    return len(previous) > 2 and previous[-1] in "-‐\u00ad" and previous[-2].isalpha() and line[:1].islower()


def _joined(text: str, line: str) -> str:
    if _hyphenated(text, line):
        return text[:-1] + line
    japanese = _CJK.match(text[-1:]) or _CJK.match(line[:1])
    return text + line if japanese else f"{text} {line}"
