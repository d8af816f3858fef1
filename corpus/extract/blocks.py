"""An HTML page as a list of blocks: headings, paragraphs, table rows, captions, in reading order.

Shared by the readers of HTML, which say what to drop and what a special element is. The walk is a loop, not a
recursion: nesting of any depth is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

__all__ = ["Block", "classes", "declared_language", "page_title", "parse_html", "to_blocks", "visible_text"]

MAX_BYTES: Final = 32 * 2**20
_UNSEEN: Final = {
    *("script", "style", "noscript", "template", "head", "title", "meta", "link", "iframe", "object", "svg", "canvas"),
    *("button", "select", "textarea", "rt", "rp", "noframes", "audio", "video", "annotation", "datalist", "option"),
}
_BLOCKS: Final = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt"),
    *("form", "legend", "fieldset", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
    *("hr", "li", "main"),
    *("nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "br"),
}
_CLOSED_ROOT: Final = re.compile(r"<(html|head|body)\b([^<>]*)/>", re.IGNORECASE)  # where the parser would stop
_ITEMS: Final = ("li", "dt", "dd")
_HEADING: Final = re.compile("h([1-6])")
# A line break in the source between two Japanese characters is no space.
_CJK: Final = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_SOFT_BREAK: Final = re.compile(f"(?<=[{_CJK}])[ \t]*\n[ \t\r\n]*(?=[{_CJK}])")


@dataclass(frozen=True)
class Block:
    """One block: `kind` of a section, its text, heading level (0: none), share of it that links elsewhere.

    `item`: whether it is an item of a list; `inside`: share of it that links to a place on the same page.
    """

    kind: str
    text: str
    level: int
    link_share: float
    item: bool = False
    inside: float = 0.0


def parse_html(text: str) -> etree._Element | None:
    """The root of a page, or None where nothing can be made of it."""
    text = _CLOSED_ROOT.sub(r"<\1\2>", text[:8000]) + text[8000:]
    try:
        return lxml_html.document_fromstring(text.replace("\0", "").encode("utf-8", "replace"), parser=_parser())
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _parser() -> etree.HTMLParser:
    return lxml_html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )


def classes(element: etree._Element) -> set[str]:
    """The class names and the id of an element, in lower case."""
    return set(f"{element.get('class', '')} {element.get('id', '')}".lower().split())


def page_title(root: etree._Element) -> str:
    """The text of <title>, on one line."""
    title = next(iter(root.iter("title")), None)
    return " ".join("".join(title.itertext()).split()) if title is not None else ""


def declared_language(root: etree._Element) -> str:
    """The language that a page declares: lang of its root element, or the Content-Language that a meta stands for."""
    own = (root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip()
    metas = (meta for meta in root.iter("meta") if (meta.get("http-equiv") or "").lower() == "content-language")
    return own[:20] or next((meta.get("content") or "" for meta in metas), "").strip()[:20]


def visible_text(root: etree._Element) -> str:
    """All text that a page shows: without scripts, forms and readings, navigation included."""
    return "\n".join(block.text for block in to_blocks(root))


def to_blocks(
    root: etree._Element,
    *,
    drop: Callable[[etree._Element], bool] = lambda _: False,
    kind_of: Callable[[etree._Element], str | None] = lambda _: None,
    replace: Callable[[etree._Element], str | None] = lambda _: None,
) -> list[Block]:
    """Blocks of a page in reading order; see the module.

    `drop` tells which elements go with all they hold; `kind_of` gives the section kind of an element and what it
    holds; `replace` gives a text to stand in place of an element.
    """
    collector = _Collector()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "end":
            collector.end(element, tag)
            if element is not root:
                collector.write(element.tail)
            continue
        instead = replace(element)
        if instead is not None or not tag or tag in _UNSEEN or _hidden(element) or drop(element):
            collector.write(instead)
            collector.skipped.add(element)
            walk.skip_subtree()
            continue
        collector.start(element, tag, kind_of(element))
        collector.write(element.text)
    collector.flush()
    return collector.blocks


def _hidden(element: etree._Element) -> bool:
    return "display:none" in element.get("style", "").replace(" ", "").lower() or element.get("hidden") is not None


def _leads_away(element: etree._Element) -> bool:
    """Whether an element is a link to another page; anchors and links within the page are no navigation."""
    return element.tag == "a" and not (element.get("href") or "#").lstrip().startswith("#")


def _leads_down(element: etree._Element) -> bool:
    """Whether an element is a link to a place on its own page."""
    return element.tag == "a" and len(href := (element.get("href") or "").strip()) > 1 and href.startswith("#")


class _Collector:
    """The block being built, and the kinds of the elements it stands in."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.skipped: set[etree._Element] = set()
        self.line: list[str] = []
        self.linked = self.links = self.level = self.pre = self.items = 0
        self.inside = self.anchors = 0
        self.kinds: list[tuple[etree._Element, str]] = []

    def write(self, text: str | None) -> None:
        if not text:
            return
        first, *more = text.split("\n") if self.pre else [text]
        self.line.append(first)
        self.linked += len(text.strip()) if self.links else 0
        self.inside += len(text.strip()) if self.anchors else 0
        for part in more:
            self.flush()
            self.line.append(part)

    def start(self, element: etree._Element, tag: str, kind: str | None) -> None:
        if tag in _BLOCKS or kind:
            self.flush()
        heading = _HEADING.fullmatch(tag)
        if heading:
            self.level = int(heading[1])
        elif tag in ("td", "th") and any(part.strip() for part in self.line):
            self.line.append("\u3000")
        self.links += _leads_away(element)
        self.anchors += _leads_down(element)
        self.pre += tag == "pre"
        self.items += tag in _ITEMS
        natural = {"table": "table", "caption": "caption", "figcaption": "caption"}.get(tag)
        if kind or natural:
            self.kinds.append((element, kind or natural or ""))

    def end(self, element: etree._Element, tag: str) -> None:
        if element in self.skipped:
            return
        if tag in _BLOCKS:
            self.flush()
        if _HEADING.fullmatch(tag):
            self.level = 0
        self.links -= _leads_away(element)
        self.anchors -= _leads_down(element)
        self.pre -= tag == "pre"
        self.items -= tag in _ITEMS
        if self.kinds and self.kinds[-1][0] is element:
            self.flush()
            self.kinds.pop()

    def flush(self) -> None:
        text = _SOFT_BREAK.sub("", "".join(self.line))
        text = " ".join(part for part in re.split("[ \t\r\n\f\v]+", text) if part).strip(" \u3000")
        if text:
            kind = "title" if self.level else self.kinds[-1][1] if self.kinds else "body"
            share, inside = (min(1.0, part / len(text)) for part in (self.linked, self.inside))
            self.blocks.append(Block(kind, text, self.level, share, self.items > 0, inside))
        self.line, self.linked, self.inside = [], 0, 0
