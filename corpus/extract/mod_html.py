"""White-paper pages of the Ministry of Defence: the HTML edition, and the hand-made pages of the old years.

The breadcrumb becomes the section path; navigation goes; footnote marks go and footnotes are notes; captions of
figures are captions. A reading that the text itself has in brackets stays; one in ruby markup goes, as in the law XML.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block, classes, page_title, parse_html, to_blocks, visible_text
from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "mod_html"
VERSION: Final = "1"
_NAVIGATION: Final = {
    *("header", "footer", "nav", "navi", "navigation", "gnav", "menu", "sidebar", "turn", "pagetop", "toc"),
    *("pager", "pagination", "prevnext", "page-top", "globalnav", "localnav", "side", "print", "skip", "search", "sns"),
}
_CRUMBS: Final = {"breadcrumb", "breadcrumbs", "topicpath", "topic-path", "pankuzu", "crumb"}
_CRUMB_TEXT: Final = re.compile("防衛白書(?:トップ|TOP)?\\s*[>＞]|.{1,40}[>＞].{1,60}[>＞]")
_CRUMB_GAP: Final = re.compile(r"\s*[>＞]\s*")
_NOTE: Final = re.compile(r"[（(]注\s*[0-9０-９]*[）)]")
_MARK: Final = re.compile(r"[（(\[［]?\s*(?:注|※|＊|\*|†)?\s*[0-9０-９]{0,3}\s*[）)\]］]?")
_LINKS: Final = 0.8  # share of linked characters from which a block is navigation


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One page; "empty" where it holds nothing but navigation, as index pages and framesets do."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page", EXTRACTOR, VERSION)
    crumbs = _crumbs(root)
    blocks = to_blocks(root, drop=_dropped, kind_of=_kind)
    blocks = [block for block in blocks if block.kind != "body" or block.link_share < _LINKS]
    if crumbs is None and blocks and _CRUMB_TEXT.match(blocks[0].text):
        crumbs = _CRUMB_GAP.split(blocks.pop(0).text)
    builder, title = _build(blocks, crumbs or [])
    title = title or page_title(root).split("｜")[-1]
    if not any(section.kind in ("body", "table") for section in builder.sections):
        return failure("empty", "nothing but headings and navigation", EXTRACTOR, VERSION, title=title)
    shown = visible(visible_text(root))
    return finish(builder, title=title, source_chars=shown, extractor=EXTRACTOR, version=VERSION)


def _crumbs(root: etree._Element) -> list[str] | None:
    for element in root.iter():
        if isinstance(element.tag, str) and classes(element) & _CRUMBS:
            text = " ".join("".join(element.itertext()).split())
            return [part for part in _CRUMB_GAP.split(text) if part]
    return None


def _dropped(element: etree._Element) -> bool:
    names = classes(element)
    if element.tag in ("nav", "header", "footer") or names & (_NAVIGATION | _CRUMBS):
        return True
    if names & {"contents", "content"}:  # on some pages the list of contents, on others the page itself
        return not any(True for _ in element.iter("h1", "h2", "h3"))
    return element.tag == "sup" and _is_mark(element)


def _is_mark(element: etree._Element) -> bool:
    """A footnote mark: a superscript number that links to a note, or follows a Japanese character (no m² or 10³)."""
    text = "".join(element.itertext()).strip()
    if not _MARK.fullmatch(text):
        return False
    if classes(element) & {"note", "ref"} or any("#" in (link.get("href") or "") for link in element.iter("a")):
        return True
    before = (element.getprevious().tail if element.getprevious() is not None else element.getparent().text) or ""
    return bool(re.search("[ぁ-んァ-ヶー一-龥」』）]\\s*$", before))


def _kind(element: etree._Element) -> str | None:
    names = classes(element)
    if names & {"footnote", "footnotes", "note", "notes", "cyuki", "chuki"}:
        return "note"
    if element.tag in ("font", "small") and _NOTE.match("".join(element.itertext()).strip()):
        return "note"  # the old pages set footnotes in small type; a paragraph may begin with a mark, too
    if names & {"figure", "fig", "caption", "zuhyo", "photo"}:
        return "caption"
    return None


def _build(blocks: list[Block], crumbs: list[str]) -> tuple[TextBuilder, str]:
    """The text, and the title: the heading that the breadcrumb ends in, else the last before the first paragraph."""
    builder, title = TextBuilder(), ""
    base = [crumb for crumb in crumbs[1:] if not crumb.isdigit()]
    named = next((block.text for block in blocks if block.level and base and block.text == base[-1]), "")
    headings: list[tuple[int, str]] = []
    started = False
    for block in blocks:
        if block.level:
            headings = [(level, text) for level, text in headings if level < block.level]
            above = [text for _, text in headings if text not in base]
            outer = base[: base.index(block.text)] if block.text in base else base
            builder.add("title", block.text, [*outer, *above])
            headings.append((block.level, block.text))
            title = title if started else block.text
            continue
        started = True
        builder.add(block.kind, block.text, [*base, *(text for _, text in headings if text not in base)])
    return builder, named or title
