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
from corpus.extract.html_layout import unwrap_tables
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "mod_html"
VERSION: Final = "3"
_NAVIGATION: Final = {
    *("header", "footer", "nav", "navi", "navigation", "gnav", "menu", "sidebar", "turn", "pagetop", "toc"),
    *("pager", "pagination", "prevnext", "page-top", "globalnav", "localnav", "side", "print", "skip", "search", "sns"),
}
_CRUMBS: Final = {"breadcrumb", "breadcrumbs", "topicpath", "topic-path", "pankuzu", "crumb"}
_CRUMB_TEXT: Final = re.compile("防衛白書(?:トップ|TOP)?\\s*[>＞]|.{1,40}[>＞].{1,60}[>＞]")
_CRUMB_GAP: Final = re.compile(r"\s*[>＞]\s*")
_BLANKS: Final = re.compile(r"[ \t\r\n\xa0]+")
_NOTE: Final = re.compile(r"[（(]注\s*[0-9０-９]*[）)]")
_MARK: Final = re.compile(
    r"[（(\[［]?\s*(?P<sign>注|※|＊|\*|†)?\s*(?:[0-9０-９]{1,3}(?:\s*[,，、・･~～〜–-]\s*[0-9０-９]{1,3})*)?\s*[）)\]］]?"
)
# Small letters are units; so are KM and the like, and CO is what stands in formulas.
_MARKED: Final = re.compile(
    r"(?:[ぁ-んァ-ヶー一-龥」』）]|(?<![A-Za-z0-9])(?!(?:[CKM]M|CO|NO|SO|NH|CH|PO|OH)$)[A-Z]{2,})\s*$"
)
_WORD: Final = re.compile(r"\w")
_LINKS: Final = 0.8  # share of linked characters from which a block is navigation


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One page; "empty" where it holds nothing but navigation, as index pages and framesets do."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page", EXTRACTOR, VERSION)
    unwrap_tables(root)
    crumbs = _crumbs(root)
    blocks = to_blocks(root, drop=_dropped, kind_of=_kind)
    blocks = [block for block in blocks if block.kind != "body" or not _is_navigation(block)]
    if crumbs is None and blocks and _CRUMB_TEXT.match(blocks[0].text):
        crumbs = _CRUMB_GAP.split(blocks.pop(0).text)
    builder, title = _build(blocks, crumbs or [])
    title = title or page_title(root).split("｜")[-1]
    if not any(section.kind in ("body", "table") for section in builder.sections):
        return failure("empty", "nothing but headings and navigation", EXTRACTOR, VERSION, title=title)
    shown = visible(visible_text(root))
    return finish(builder, title=title, source_chars=shown, extractor=EXTRACTOR, version=VERSION)


def _is_navigation(block: Block) -> bool:
    """Whether nearly all words of a block are links, whatever bars and arrows stand between them."""
    return block.link_share > 0 and block.link_share * len(block.text) >= _LINKS * len(_WORD.findall(block.text))


def _crumbs(root: etree._Element) -> list[str] | None:
    for element in root.iter():
        if isinstance(element.tag, str) and classes(element) & _CRUMBS:
            items = list(element.iter("li"))  # the arrows between them may be drawn by the style sheet
            texts = [_line(part) for part in (items if len(items) > 1 else [element])]
            return [part for text in texts for part in _CRUMB_GAP.split(text) if part]
    return None


def _line(element: etree._Element) -> str:
    """Its text on one line, wide blanks kept as headings have them."""
    return _BLANKS.sub(" ", "".join(element.itertext())).strip(" \u3000")


def _dropped(element: etree._Element) -> bool:
    names = classes(element)
    if element.tag in ("nav", "header", "footer") or names & (_NAVIGATION | _CRUMBS):
        return True
    if names & {"contents", "content"}:  # on some pages the list of contents, on others the page itself
        return not any(True for _ in element.iter("h1", "h2", "h3"))
    return element.tag == "sup" and _is_mark(element)


def _is_mark(element: etree._Element) -> bool:
    """A footnote mark: a superscript with a sign of notes, or numbers that link to a note or follow a word.

    A word is Japanese or an acronym: the numbers of m² and 10³ are no marks.
    """
    mark = _MARK.fullmatch("".join(element.itertext()).strip())
    if mark is None:
        return False
    if mark["sign"] or classes(element) & {"note", "ref"}:
        return True
    if any("#" in (link.get("href") or "") for link in element.iter("a")):
        return True
    sibling = element.getprevious()
    if sibling is None:
        return _MARKED.search(element.getparent().text or "") is not None
    return _MARKED.search(sibling.tail or "".join(sibling.itertext())) is not None


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
