"""Wikipedia pages as /wiki/ serves them.

Kept: paragraphs, lists, headings, content tables, captions; formulas as TeX. Gone: infobox, navigation boxes, sidebars,
hatnotes, reference marks and lists, edit links, and the sections that hold references and links alone.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block, classes, declared_language, page_title, parse_html, to_blocks
from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.wikirules import MAX_HEADING, MIN_ARTICLE, is_list_title, is_other_namespace, is_tail
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "wiki_html"
VERSION: Final = "5"
_DROPPED: Final = {
    *("infobox", "navbox", "vertical-navbox", "sidebar", "navbox-styles", "reflist", "references"),
    *("mw-references-wrap", "mw-kartographer-container"),
    *("mw-editsection", "reference", "hatnote", "dablink", "toc", "mw-empty-elt", "metadata", "ambox", "noprint"),
    *("mw-jump-link", "catlinks", "printfooter", "mw-cite-backlink", "sistersitebox", "portalbox", "portal-bar"),
    *("shortdescription", "authority-control", "mbox-small", "stub", "gallery", "refbegin", "succession-box"),
    *("mw-authority-control", "infobox_v2", "infobox_v3", "side-box", "tmbox", "cmbox", "ombox", "coordinates"),
    *("template-fact", "inline-template", "mw-indicators", "timeline-wrapper", "rellink"),
    # the form of coordinates that the style sheet hides, the button that plays a sound, the notice of a stub
    *("geo-nondefault", "geo-multi-punct", "ext-phonos", "asbox"),
}
_TEX: Final = re.compile(r"^\{\\(?:displaystyle|textstyle)\s*+(.*)\}$", re.DOTALL)
_MARK: Final = re.compile(r"\[(?:\d+|[a-z]|注 ?\d*|注釈 ?\d+|note \d+|nb \d+|要出典|citation needed)\]")
_NOTE: Final = re.compile(r"\[[^\[\]]{1,40}\]")  # by groups: [1], [注 1], [Note 1], [α]
# As the skin's script and metadata say them, and as the head of a page of Parsoid does.
_REVISION: Final = re.compile(
    r'"wgRevisionId":\s?(\d{1,18})|<html\b[^<>]{0,500}\babout="[^"<>]{0,500}/revision/(\d{1,18})"'
)
_CHANGED: Final = re.compile(
    r'"dateModified":\s?"([0-9T:Z+-]{10,30})"|<meta property="dc:modified" content="([0-9T:Z.+-]{10,30})"'
)
_SUFFIX: Final = re.compile(r"(?<!\s)\s*+[-–—]\s*(?:Wikipedia|ウィキペディア).*$")


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One page: "ok" for an article, else disambiguation, list, stub, or "unsupported" for another namespace."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    content = _content(root) if root is not None else None
    if root is None or content is None:
        return failure("empty", "no article in the page", EXTRACTOR, VERSION)
    title = _title(root)
    if is_other_namespace(title):
        return failure("unsupported", f"{title}: not an article", EXTRACTOR, VERSION, title=title)
    if _is_disambiguation(root, title):
        return failure("disambiguation", f"{title}: a list of pages of one name", EXTRACTOR, VERSION, title=title)
    if is_list_title(title):
        return failure("list", f"{title}: a list of pages", EXTRACTOR, VERSION, title=title)
    shown = visible("\n".join(block.text for block in to_blocks(content)))
    builder = _build(to_blocks(content, drop=_dropped, kind_of=_kind, replace=_formula), title)
    body = sum(section.end - section.start for section in builder.sections if section.kind == "body")
    if body < MIN_ARTICLE:
        return failure("stub", f"{title}: {body} characters of text", EXTRACTOR, VERSION, title=title)
    return finish(
        builder,
        title=title,
        source_chars=shown,
        extractor=EXTRACTOR,
        version=VERSION,
        declared_lang=declared_language(root) or (content.get("lang") or "").strip()[:20],
        facts=_revision(text),
    )


def _revision(page: str) -> dict[str, str]:
    """Revision id and time of the last change, as the page itself states them, for attribution."""
    found = {"revision_id": _REVISION.search(page), "timestamp": _CHANGED.search(page)}
    said = {name: match[1] or match[2] for name, match in found.items() if match is not None}
    return {name: value for name, value in said.items() if value != "0"}


def _content(root: etree._Element) -> etree._Element | None:
    for element in root.iter("div", "body"):  # Parsoid's pages have nothing around the body
        if "mw-parser-output" in classes(element):
            return element
    return next((element for element in root.iter("div") if element.get("id") == "mw-content-text"), None)


def _title(root: etree._Element) -> str:
    for element in root.iter("h1"):
        if classes(element) & {"firstheading", "mw-first-heading"}:
            return " ".join("".join(element.itertext()).split())
    return _SUFFIX.sub("", page_title(root))


def _is_disambiguation(root: etree._Element, title: str) -> bool:
    if title.endswith(("(曖昧さ回避)", "(disambiguation)", "（曖昧さ回避）")):
        return True
    return any(classes(element) & {"disambigbox", "dmbox", "disambig"} for element in root.iter("div", "table"))


def _dropped(element: etree._Element) -> bool:
    names = classes(element)
    if names & _DROPPED or element.get("role") == "navigation":
        return True
    if element.tag == "a" and "#cite_" in (element.get("href") or ""):
        return bool(_NOTE.fullmatch("".join(element.itertext()).strip()))
    return element.tag == "sup" and bool(_MARK.fullmatch("".join(element.itertext()).strip()))


def _kind(element: etree._Element) -> str | None:
    return "caption" if classes(element) & {"thumb", "thumbcaption", "thumbinner"} or element.tag == "figure" else None


def _formula(element: etree._Element) -> str | None:
    """TeX in place of a formula, which the page holds three times over (MathML, TeX, image)."""
    if "mwe-math-element" not in classes(element):
        return None
    math = next(iter(element.iter("math")), None)
    tex = (math.get("alttext") or "").strip() if math is not None else ""
    if not tex:
        tex = next((image.get("alt") or "" for image in element.iter("img")), "").strip()
    match = _TEX.match(tex)
    return (match[1] if match else tex).strip()


def _build(blocks: list[Block], title: str) -> TextBuilder:
    builder = TextBuilder()
    builder.add("title", title)
    headings: list[tuple[int, str]] = []
    tail = 0  # level of the tail section that is being left out
    for block in blocks:
        if block.level:
            tail = 0 if tail and block.level <= tail else tail
            if not tail and is_tail(block.text):
                tail = block.level
        if tail:
            continue
        if block.level:
            headings = [(level, text) for level, text in headings if level < block.level]
            builder.add("title", block.text, [text for _, text in headings])
            headings.append((block.level, block.text[:MAX_HEADING]))
            continue
        builder.add(block.kind, block.text, [text for _, text in headings])
    return builder
