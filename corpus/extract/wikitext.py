"""Wikitext of one page to the text a reader sees (corpus.extract.wikiscan) and our rules for templates.

Gone: references, infoboxes and other templates, formulas, files, categories, interlanguage links, sections of
references and links. Kept: sentences whole, with the words and numbers that templates stand for
(corpus.extract.templates), and data tables as rows.
"""

from __future__ import annotations

import re
from typing import Final

from corpus.extract.model import Extracted, TextBuilder, failure, finish, tidy, tidy_lines
from corpus.extract.wikirules import MAX_HEADING, MIN_ARTICLE, is_list_title, is_other_namespace, is_tail
from corpus.extract.wikiscan import TABLE_ROW, flatten

__all__ = ["EXTRACTOR", "VERSION", "extract_wikitext", "is_article"]

EXTRACTOR: Final = "wikitext"
VERSION: Final = "4"
MAX_CHARS: Final = 4 * 2**20
_STRIPPED: Final = f"{TABLE_ROW} \u3000"

_REDIRECT: Final = re.compile(r"\s*#\s*(?:redirect|転送|リダイレクト)\s*:?\s*\[\[\s*([^\]|#]*)", re.IGNORECASE)
_DISAMBIGUATION: Final = re.compile(
    r"\{\{\s*+(?:aimai|[a-z _-]{0,60}?disamb(?:ig[a-z]*)?|dab|hndis|geodis|"
    r"(?:人名の?|地名の?|四字熟語の|同名の\S{1,8})?曖昧さ回避|人名|地名)\s*+(?:\||\}\})",
    re.IGNORECASE,
)
_HEADING: Final = re.compile(r"(={1,6})(.+?)(={1,6})\s*")
_MAGIC: Final = re.compile(r"__(?:[A-Z]{3,20}|[^\W\da-z_]{2,12})__")
_LEFT: Final = re.compile(r"\{\{[^{}\n]*\}\}|\{\||\|\}|\[\[|\]\]|\{\{|\}\}")
_DEBRIS: Final = re.compile(r"[|!{}][^。]*")
# What a lost template or link leaves in brackets and between marks.
_GAPS: Final = " \t\u3000、,，;；"
_EMPTY_BRACKETS: Final = re.compile(f"[（(「\\[][{_GAPS}:：・/]*[）)」\\]]")
_PAIRS: Final = frozenset(("（）", "()", "（)", "(）", "「」", "[]"))
_BRACKET_START: Final = re.compile(f"[（(][{_GAPS}]+")
_BRACKET_END: Final = re.compile(f"[）)](?<=[{_GAPS}].)")  # looks at brackets alone: the gaps are many
_DOUBLE: Final = re.compile(r"、{2,}")
_BEFORE_MARK: Final = re.compile(r" (?=[,.;:)](?:\s|$))")
_RUNS: Final = re.compile(" {2,}")  # where a bracket went
_MARKS: Final = "*#:;"


def is_article(wikitext: str, title: str) -> str:
    """What a page is: "redirect", "disambiguation", "list", "unsupported" (another namespace), or "" for an article."""
    if _REDIRECT.match(wikitext):
        return "redirect"
    if is_other_namespace(title):
        return "unsupported"
    if _DISAMBIGUATION.search(wikitext) or title.endswith(("(曖昧さ回避)", "(disambiguation)", "（曖昧さ回避）")):
        return "disambiguation"
    return "list" if is_list_title(title) else ""


def extract_wikitext(wikitext: str, *, title: str, lang: str) -> Extracted:
    """The article of a page's wikitext; outcomes redirect, disambiguation, list and stub.

    `lang` is the language of the wiki; the text's own language is told by its characters.
    """
    kind = is_article(wikitext, title)
    if kind:
        target = _REDIRECT.match(wikitext)
        reason = f"{title}: {kind}" + (f" to {target[1].strip()}" if target else "")
        return failure(kind, reason, EXTRACTOR, VERSION, title=title)
    if len(wikitext) > MAX_CHARS:
        return failure("unsupported", f"{len(wikitext)} characters of wikitext", EXTRACTOR, VERSION, title=title)
    builder = _build(_polish(flatten(wikitext, title, lang), lang), title)
    body = sum(section.end - section.start for section in builder.sections if section.kind == "body")
    if body < MIN_ARTICLE:
        return failure("stub", f"{title}: {body} characters of text", EXTRACTOR, VERSION, title=title)
    return finish(
        builder,
        title=title,
        source_chars=len(wikitext) - wikitext.count(" ") - wikitext.count("\n"),
        extractor=EXTRACTOR,
        version=VERSION,
    )


def _build(lines: str, title: str) -> TextBuilder:
    builder = TextBuilder()
    builder.add("title", title)
    headings: list[tuple[int, str]] = []
    where, level, tail = "", 0, 0
    for line in lines.split("\n"):
        if not line:
            continue
        heading = _HEADING.fullmatch(line) if line[0] == "=" else None
        if heading is None:
            if not tail:
                kind = "table" if line[0] == TABLE_ROW else "body"
                builder.append_tidy(kind, _line(line), where, level)
            continue
        depth, name = min(len(heading[1]), len(heading[3])), tidy(heading[2])
        tail = 0 if tail and depth <= tail else tail
        if not tail and is_tail(name):
            tail = depth
        if not tail and name:
            headings = [(deep, text) for deep, text in headings if deep < depth]
            builder.add("title", name, [text for _, text in headings])
            headings.append((depth, name[:MAX_HEADING]))
            where, level = " > ".join(text for _, text in headings), len(headings)
    return builder


def _line(line: str) -> str:
    """One line without its bullet and the marks of rows; "" for debris of an unclosed table or template."""
    line = line.strip(_STRIPPED)
    if line and line[0] in _MARKS:
        line = line.lstrip(_MARKS).lstrip(_STRIPPED)
    return "" if line and line[0] in "|!{}" and _DEBRIS.fullmatch(line) else line


def _polish(flat: str, lang: str) -> str:
    """Lines without leftovers of markup, all at once: a pass over the text costs less than a look at each line."""
    flat = tidy_lines(flat)
    if "__" in flat:
        flat = _MAGIC.sub("", flat)
    if "{" in flat or "}" in flat or "[[" in flat or "]]" in flat:
        flat = "\n".join(_LEFT.sub("", line) if not _DEBRIS.fullmatch(line) else "" for line in flat.split("\n"))
    flat = _EMPTY_BRACKETS.sub(_emptied, flat)
    flat = _BRACKET_START.sub(lambda match: match[0][0], flat)
    flat = _closed_up(flat)
    if "  " in flat:
        flat = _RUNS.sub(" ", flat)
    if lang == "ja":
        return _DOUBLE.sub("、", flat) if "、、" in flat else flat
    return _BEFORE_MARK.sub("", flat)


def _emptied(match: re.Match[str]) -> str:
    found = match[0]
    blank = found[0] in "（(" or not found[1:-1].strip()
    return "" if blank and found[0] + found[-1] in _PAIRS else found


def _closed_up(flat: str) -> str:
    """The text without the gaps before closing brackets."""
    out: list[str] = []
    at = 0
    for match in _BRACKET_END.finditer(flat):
        out.append(flat[at : match.start()].rstrip(" \t\u3000、,，;；"))
        at = match.start()
    return "".join(out) + flat[at:] if out else flat
