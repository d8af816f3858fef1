"""Any other HTML: trafilatura finds the main text; where it loses too much, all blocks but navigation are taken.

Generic extraction silently drops much of Japanese official pages (statutes lose up to half), so its result is kept
only if it holds at least nine tenths (Japanese) or half (English) of what a plain walk over the page gives.
"""

from __future__ import annotations

import logging
from importlib.metadata import version as library_version
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block, classes, page_title, parse_html, to_blocks, visible_text
from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.language import language
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "html"
VERSION: Final = f"1+trafilatura-{library_version('trafilatura')}"
_LEAST: Final = {"ja": 0.9}  # of the walk's text; English pages carry more that is no main text
_LEAST_ELSE: Final = 0.5
_LINKS: Final = 0.7
_NAVIGATION: Final = {
    *("nav", "navi", "navigation", "menu", "gnav", "header", "footer", "sidebar", "breadcrumb", "breadcrumbs", "pager"),
    *("pagination", "topicpath", "pankuzu", "sns", "search", "cookie", "banner", "skip", "globalnav"),
}


def extract(data: bytes, content_type: str = "") -> Extracted:
    """The main text of a page."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page", EXTRACTOR, VERSION)
    title = page_title(root)
    walked = [block for block in to_blocks(root, drop=_dropped) if block.kind != "body" or block.link_share < _LINKS]
    main = _main_text(text)
    whole = "\n".join(block.text for block in walked)
    enough = visible(whole) * _LEAST.get(language(whole) or "", _LEAST_ELSE)
    builder = _from_lines(main) if main and visible(main) >= enough else _from_blocks(walked)
    return finish(builder, title=title, source_chars=visible(visible_text(root)), extractor=EXTRACTOR, version=VERSION)


def _main_text(text: str) -> str:
    """What trafilatura takes for the main text, "" where it finds none or fails."""
    import trafilatura

    logger = logging.getLogger("trafilatura")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        return trafilatura.extract(text, include_comments=False, include_tables=True, deduplicate=False) or ""
    except Exception:  # noqa: BLE001  it fails on broken pages in many ways; the walk over the blocks does not
        return ""
    finally:
        logger.setLevel(level)


def _dropped(element: etree._Element) -> bool:
    return element.tag in ("nav", "header", "footer", "aside") or bool(classes(element) & _NAVIGATION)


def _from_lines(text: str) -> TextBuilder:
    builder = TextBuilder()
    for line in text.split("\n"):
        builder.add("table" if line.startswith("|") else "body", line)
    return builder


def _from_blocks(blocks: list[Block]) -> TextBuilder:
    builder = TextBuilder()
    headings: list[tuple[int, str]] = []
    for block in blocks:
        if block.level:
            headings = [(level, text) for level, text in headings if level < block.level]
        builder.add(block.kind, block.text, [text for _, text in headings])
        if block.level:
            headings.append((block.level, block.text))
    return builder
