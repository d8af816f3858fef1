"""Any other HTML: the part that its host's rule names (sites.toml), else what two extractors and our blocks agree on.

A page whose main text is nothing but an error message is an error page, whatever its status.
"""

from __future__ import annotations

import re
from importlib.metadata import version as library_version
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block, declared_language, page_title, parse_html, to_blocks, visible_text
from corpus.extract.encoding import decode
from corpus.extract.html_errors import error_message
from corpus.extract.html_layout import unwrap_tables
from corpus.extract.html_main import main_blocks
from corpus.extract.html_navigation import is_navigation
from corpus.extract.html_sites import rule_for
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.language import language
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "html"
VERSION: Final = f"5+trafilatura-{library_version('trafilatura')}+resiliparse-{library_version('resiliparse')}"
_TITLE_END: Final = re.compile(r"\s*[|｜:：»«]\s*[^|｜]{1,40}$|\s+[-–—]\s+[^-–—]{1,40}$")


def extract(data: bytes, content_type: str = "", url: str = "") -> Extracted:
    """The main text of a page."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page", EXTRACTOR, VERSION)
    title, shown = page_title(root), visible_text(root)
    rule = rule_for(url)
    part = rule.part(root) if rule is not None else None
    if rule is not None and part is not None:
        blocks, how = to_blocks(part, drop=rule.drops), f"rule of {rule.host}"
    else:
        lang = language(shown[:20_000]) or ""
        if unwrap_tables(root):
            text = etree.tostring(root, encoding="unicode", method="html")
        main = main_blocks(text, visible_text(root), to_blocks(root, drop=is_navigation), lang)
        blocks, how = main.blocks, main.how
    if not blocks and _frames(root):
        return failure("empty", f"a frameset of {', '.join(_frames(root))}", EXTRACTOR, VERSION, title=title)
    if message := error_message(title, blocks):
        return failure("error_page", f"an error page with status 200: {message}", EXTRACTOR, VERSION, title=title)
    return finish(
        _build(blocks, title),
        title=title,
        source_chars=visible(shown),
        extractor=EXTRACTOR,
        version=VERSION,
        declared_lang=declared_language(root),
        facts={"found_by": how},
    )


def _frames(root: etree._Element) -> list[str]:
    return [frame.get("src", "") for frame in root.iter("frame")][:20]


def _build(blocks: list[Block], title: str) -> TextBuilder:
    """Headings give the path; the one that is the title of the page is a title, others are part of the article."""
    builder = TextBuilder()
    headings: list[tuple[int, str]] = []
    short = _TITLE_END.sub("", title).strip()
    for block in blocks:
        if not block.level:
            builder.add(block.kind, block.text, [text for _, text in headings])
            continue
        headings = [(level, text) for level, text in headings if level < block.level]
        own = not any(kind == "title" for kind, *_ in builder.spans) and (
            block.level == 1 or block.text in (title, short)
        )
        builder.add("title" if own else "body", block.text, [text for _, text in headings])
        headings.append((block.level, block.text))
    return builder
