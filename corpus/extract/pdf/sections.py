"""Paragraphs to sections: headings by font size and numbering, captions, notes, entries of a table of contents.

Formulas and the labels of figures come out of a PDF as debris. They are kept, since nothing is lost in silence, and
marked: a section of kind "note".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from corpus.extract.model import TextBuilder
from corpus.extract.pdf.formulas import is_debris, wide
from corpus.extract.pdf.paragraphs import Paragraph

__all__ = ["add_sections"]

_LEADER: Final = re.compile(
    r"\s*(?:[.．・…‥·•－‐―─_]\s?){4,}\s*[-–—(（\s]*[0-9０-９ivxlcIVXLC]{0,5}"
    r"(?:\s*[-–－‐]\s*[0-9０-９]+)?[-–—)）\s]*$"
)
_DOTS: Final = " .．・…‥·•－‐―─_"
_TAIL: Final = 160  # characters
_CAPTION: Final = re.compile(
    r"[■□◆◇●○]?\s*(?:[【〔（(]?(?:第?\s*[0-9０-９ⅠⅡⅢⅣⅤⅥ]+(?:[-－‐.．][0-9０-９]+)*\s*(?:図表?|表|写真)|"
    r"(?:図表?|表|写真|資料)\s*[0-9０-９ⅠⅡⅢⅣⅤⅥ]+)|(?:Figure|Fig\.|FIGURE|Table|TABLE)\s*[A-Z]?[-.]?[0-9IVX]+)"
)
_NOTE: Final = re.compile(r"[（(]?(?:出典|資料|注[0-9０-９]*|備考)\s*[:：／/)）]|※|＊|[*†‡]\s")
_CHAPTER: Final = re.compile(r"第\s*[0-9０-９一二三四五六七八九十百]+\s*[部章節編款][\s\u3000]*\S")
_NUMBERED: Final = re.compile(
    r"(?:[0-9]{1,2}(?:\.[0-9]{1,2}){1,4}\.?|[0-9]{1,2}\.)\s+[A-Z][^.]{2,80}$|"
    r"(?:[IVX]{1,5}|[A-Z])\.\s+[A-Z][^.]{2,80}$"
)
_NAMED: Final = re.compile(
    r"(?:abstract|summary|introduction|conclusions?|concluding remarks|references|acknowledge?ments?|nomenclature|"
    r"はじめに|おわりに|参考文献|概要|要旨|目次)",
    re.IGNORECASE,
)
_CONTENTS: Final = re.compile(r"目\s*次|(?:table of )?contents", re.IGNORECASE)  # no chapter stands below it
_APPENDIX: Final = re.compile(r"(?:appendix\b|付録|附録|巻末)", re.IGNORECASE)
_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_WORDS: Final = re.compile(r"[A-Za-z]{3,}")
_LARGER: Final = 1.12  # of the size of the body: a heading
_SMALLER: Final = 0.86  # of the size of the body: a note
_MAX_HEADING: Final = {True: 60, False: 140}  # characters, Japanese or not


def add_sections(builder: TextBuilder, paragraphs: Sequence[Paragraph]) -> list[int]:
    """Add a document's paragraphs; for each page that begins one, the offset at which it does (-1: none does)."""
    body = _body_size(paragraphs)
    ranks = _ranks(paragraphs, body)
    path: list[tuple[int, str]] = []
    starts: dict[int, int] = {}
    appendix = False
    for paragraph in paragraphs:
        text = _without_leader(paragraph.text)
        contents = text != paragraph.text
        starts.setdefault(paragraph.page, builder.length + (1 if builder.parts else 0))
        level = 0 if contents else _level(paragraph, body, ranks)
        if level:
            while path and (path[-1][0] >= level or _CONTENTS.fullmatch(path[-1][1])):
                path.pop()
            path.append((level, text))
            appendix = bool(_APPENDIX.match(path[0][1]))
        kind = "note" if contents else "title" if level else _kind(paragraph, body)
        kind = "appendix" if appendix and kind == "body" else kind
        builder.add(kind, text, [heading for _, heading in path])
    count = max(starts, default=-1) + 1
    return [starts.get(page, -1) for page in range(count)]


def _without_leader(text: str) -> str:
    """An entry of a table of contents without the dots to its page number; only a text's end is looked at."""
    begin = max(0, len(text) - _TAIL)
    tail, found = _LEADER.subn("", text[begin:])
    return (text[:begin] + tail).rstrip(_DOTS) if found else text


def _body_size(paragraphs: Sequence[Paragraph]) -> float:
    """The font size in which the largest area of the text is set."""
    sizes: Counter[float] = Counter()
    for paragraph in paragraphs:
        if paragraph.kind != "table":
            text = paragraph.text
            sizes[round(2 * paragraph.size) / 2] += len(text) + wide(text)
    return max(sizes, key=lambda size: (sizes[size] * size * size, size), default=10.0)


def _ranks(paragraphs: Sequence[Paragraph], body: float) -> list[float]:
    """The sizes of headings, largest first."""
    sizes = {round(2 * p.size) / 2 for p in paragraphs if p.size > _LARGER * body and _short(p)}
    return sorted(sizes, reverse=True)[:5]


def _short(paragraph: Paragraph) -> bool:
    text = paragraph.text
    most = _MAX_HEADING[_CJK.search(text) is not None]
    return not paragraph.kind and 1 < len(text) <= most and paragraph.lines <= 4 and text[-1] not in "。．、,;"


def _level(paragraph: Paragraph, body: float, ranks: Sequence[float]) -> int:
    """The depth of a heading, 0 for what is none."""
    text = paragraph.text
    if not _short(paragraph) or _CAPTION.match(text) or not (_CJK.search(text) or _WORDS.search(text)):
        return 0
    size = round(2 * paragraph.size) / 2
    if paragraph.size > _LARGER * body:
        return 1 + next((rank for rank, other in enumerate(ranks) if other <= size), len(ranks))
    if paragraph.lines > 2 or paragraph.size < 0.95 * body:
        return 0
    if _CHAPTER.match(text) or _NUMBERED.match(text) or _NAMED.fullmatch(text.strip(" .．:：")):
        return len(ranks) + 1
    return 0


def _kind(paragraph: Paragraph, body: float) -> str:
    """The kind of what is no heading."""
    text = paragraph.text
    if paragraph.kind == "table":
        return "table"
    if _CAPTION.match(text) and len(text) < 300 and paragraph.lines <= 4:
        return "caption"
    if (
        paragraph.kind in ("aside", "equation")
        or paragraph.size < _SMALLER * body
        or _NOTE.match(text)
        or is_debris(text)
    ):
        return "note"
    return "body"
