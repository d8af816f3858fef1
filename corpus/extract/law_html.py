"""Statutes as law.e-gov.go.jp served them until 2017: Shift_JIS pages of DIV.arttitle, DIV.item and long anchor names.

Generic extraction drops captions of articles and joins nothing, so these pages have a reader of their own, which keeps
every line. The list of contents is a note; supplementary provisions of amending laws, kept because the page shows
nothing else of them, are appendices like the tables at the end.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block, classes, page_title, parse_html, to_blocks
from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract", "is_law_page"]

EXTRACTOR: Final = "law_html"
VERSION: Final = "1"
_ANCHOR: Final = re.compile(rb"""<a\s+(?:name|href)\s*=\s*["']?#?[0-9]{60,}""", re.IGNORECASE)
_DIV: Final = re.compile(rb"""<div\s+class\s*=\s*["']?(?:arttitle|item|number|para[0-9]+)["'\s>]""", re.IGNORECASE)
_STYLE: Final = re.compile(rb"DIV\.arttitle\s*\{.{0,200}DIV\.item\s*\{.{0,200}DIV\.number\s*\{", re.DOTALL)
_NUM: Final = "[0-9０-９一二三四五六七八九十百千]+"
_HEADING: Final = re.compile(f"第{_NUM}([編章節款目])(?:の{_NUM})*(?:[\u3000 ]|$)")
_DEPTHS: Final = {"編": 1, "章": 2, "節": 3, "款": 4, "目": 5}
_SUPPLEMENT: Final = re.compile(r"附[\s\u3000]*則(?=[\s\u3000（(]|$)")
_AMENDING: Final = re.compile(r"附[\s\u3000]*則[\s\u3000]*[（(].{3,}(?:第.+号|日)")
_APPENDIX: Final = re.compile(
    f"(?:別表|別記|別図|様式|付録|附録)(?:第?{_NUM}.{{0,24}}|[\u3000 （(].{{0,24}}|様式.{{0,24}}|)$"
)
_ARTICLE: Final = re.compile(f"第{_NUM}条(?:の{_NUM})*")
_WIDE: Final = re.compile("\u3000{2,}")
_ABOUT: Final = re.compile(r"[（(](?:明治|大正|昭和|平成|令和).{4,60}号.{0,12}[）)]|.{0,2}最終改正[：:].*")


def is_law_page(data: bytes) -> bool:
    """Whether a page is a statute of the old site, saved anywhere: by its style sheet, or anchors and classes."""
    if _STYLE.search(data, 0, 8000) is not None:
        return True  # short ones, and those of before 1900, have no articles
    return len(_DIV.findall(data, 0, 400_000)) >= 1 and _ANCHOR.search(data) is not None


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One statute, whole."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page", EXTRACTOR, VERSION)
    blocks = to_blocks(root, kind_of=_kind, replace=_label)
    title = page_title(root) or (blocks[0].text if blocks else "")
    builder = _build(blocks, title)
    return finish(
        builder,
        title=title,
        source_chars=visible("\n".join(block.text for block in blocks)),
        extractor=EXTRACTOR,
        version=VERSION,
        declared_lang="ja",
    )


def _kind(element: etree._Element) -> str | None:
    """Captions of articles are blocks that a heading could not be; links into the page are the list of contents."""
    if element.tag == "a" and (element.get("href") or "").startswith("#") and element.get("target") == "data":
        return "note"
    return "caption" if "arttitle" in classes(element) else None


def _label(element: etree._Element) -> str | None:
    """A bold number or name of an article, an item, a paragraph: what follows it goes on in its line."""
    if element.tag != "b" or element.getparent() is None:
        return None
    if not classes(element.getparent()) & {"item", "number", *(f"para{n}" for n in range(1, 11))}:
        return None
    text = "".join(element.itertext()).strip()
    return f"{text}\u3000" if text else None


def _build(blocks: list[Block], title: str) -> TextBuilder:
    builder = TextBuilder()
    headings: list[tuple[int, str]] = []
    kind, article, started = "body", "", False
    for place, block in enumerate(blocks):
        text = _WIDE.sub("\u3000", block.text)
        path = [heading for _, heading in headings]
        if block.kind == "note":
            builder.add("note", text, ["目次"])
            continue
        if not started and (text == title or _ABOUT.fullmatch(text)):
            builder.add("title" if text == title and not builder.parts else "note", text)
            continue
        started = True
        depth = _depth(text)
        if depth and block.kind != "table":
            headings = [(level, heading) for level, heading in headings if level < depth]
            amending = depth == 1 and _AMENDING.match(text) is not None
            kind = "appendix" if amending or _APPENDIX.match(text) else "body" if depth == 1 else kind
            builder.add("appendix" if kind == "appendix" else "title", text, [heading for _, heading in headings])
            headings.append((depth, text))
            article = ""
            continue
        following = blocks[place + 1].text if block.kind == "caption" and place + 1 < len(blocks) else ""
        named = _ARTICLE.match(following or text)  # a caption stands before the article it belongs to
        article = named[0] if named else "" if following else article
        part = "table" if block.kind == "table" and kind == "body" else kind
        builder.add(part, text, [*path, article])
    return builder


def _depth(text: str) -> int:
    """The depth of a heading, 0 for a line that is none. Supplements and appendices stand beside the first level."""
    if len(text) > 120:
        return 0
    match = _HEADING.match(text)
    if match and not text.endswith(("。", "、")):
        return _DEPTHS[match[1]]
    if (_SUPPLEMENT.match(text) or _APPENDIX.match(text)) and not text.endswith("。"):
        return 1
    return 0
