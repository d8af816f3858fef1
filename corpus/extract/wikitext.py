"""Wikitext of one page to the text a reader sees, by mwparserfromhell and our rules for templates.

Gone: references, tables, infoboxes and other templates, files, categories, interlanguage links, sections of references
and links. Kept: sentences whole, with the words and numbers that templates stand for (corpus.extract.templates).
"""

from __future__ import annotations

import re
from importlib.metadata import version as library_version
from typing import Any, Final

from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.templates import expand, template_name
from corpus.extract.wikirules import MIN_ARTICLE, is_list_title, is_other_namespace, is_tail
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract_wikitext", "is_article"]

EXTRACTOR: Final = "wikitext"
VERSION: Final = f"1+mwparserfromhell-{library_version('mwparserfromhell')}"
MAX_CHARS: Final = 4 * 2**20

_REDIRECT: Final = re.compile(r"\s*#\s*(?:redirect|転送|リダイレクト)\s*:?\s*\[\[\s*([^\]|#]*)", re.IGNORECASE)
_DISAMBIGUATION: Final = re.compile(
    r"\{\{\s*(?:aimai|disambig\w*|dab|hndis|geodis|(?:人名の|地名の|同名の\S{1,8})?曖昧さ回避|人名|地名|四字熟語の曖昧さ回避)\s*(?:\||\}\})",
    re.IGNORECASE,
)
_DROPPED_LINK: Final = re.compile(
    r"\s*(?:file|image|category|media|ファイル|画像|カテゴリ|simple|[a-z]{2,3}(?:-[a-z-]{2,12})?)\s*:(?!\s)",
    re.IGNORECASE,
)
_DROPPED_TAGS: Final = {
    *("ref", "references", "gallery", "math", "timeline", "table", "source", "syntaxhighlight", "score", "imagemap"),
    *("templatestyles", "mapframe", "maplink", "rt", "rp", "graph", "hiero", "indicator", "style", "script"),
    *("chem", "ce"),
}
_MAGIC: Final = re.compile(r"__[A-Z]{3,20}__|__\w{2,12}__")
_BLOCK_TAGS: Final = {"br", "p", "div", "li", "dd", "dt", "blockquote", "poem", "center", "hr"}
_LEFT: Final = re.compile(r"\{\{[^{}]*\}\}|\{\||\|\}|\[\[|\]\]|\{\{|\}\}|'{2,5}")
_DEBRIS: Final = re.compile(r"[|!{}][^。]*$")
# What a lost template or link leaves in brackets and between marks.
_EMPTY_BRACKETS: Final = re.compile(r"[（(][\s、,，;；:：・/]*[）)]|\[\s*\]|「\s*」")
_BRACKET_START: Final = re.compile(r"(?<=[（(])[\s、,，;；]+")
_BRACKET_END: Final = re.compile(r"(?<![\s、,，;；])[\s、,，;；]++(?=[）)])")
_DOUBLE: Final = re.compile(r"、{2,}")
_BEFORE_MARK: Final = re.compile(r"(?<! ) ++(?=[,.;:)](?:\s|$))")
_BULLET: Final = re.compile(r"^[*#:;]+\s*")
_REFERENCE: Final = re.compile(r"<ref\b[^<>]*/>|<ref\b[^<>]*>|<!--", re.IGNORECASE)
_REFERENCE_END: Final = re.compile(r"</ref\s*>", re.IGNORECASE)
_COMMENT_END: Final = re.compile("-->")


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
    try:
        builder = _build(_flatten(wikitext), title, lang)
    except Exception as error:  # noqa: BLE001  the parser's own errors on hostile markup are of many classes
        return failure("unsupported", f"{title}: {type(error).__name__}: {error}", EXTRACTOR, VERSION, title=title)
    body = sum(section.end - section.start for section in builder.sections if section.kind == "body")
    if body < MIN_ARTICLE:
        return failure("stub", f"{title}: {body} characters of text", EXTRACTOR, VERSION, title=title)
    return finish(builder, title=title, source_chars=visible(wikitext), extractor=EXTRACTOR, version=VERSION)


def _flatten(wikitext: str) -> str:
    """Wikitext without markup but headings, which become lines of NUL, level, NUL, text."""
    import mwparserfromhell

    out: list[str] = []
    _nodes(mwparserfromhell.parse(_without_references(wikitext), skip_style_tags=True).nodes, out)
    return "".join(out)


def _without_references(wikitext: str) -> str:
    """Wikitext without references and comments, in one pass: an opening without an end costs itself alone."""
    out: list[str] = []
    at = 0
    unclosed: set[re.Pattern[str]] = set()  # ends that do not come any more
    while (opening := _REFERENCE.search(wikitext, at)) is not None:
        out.append(wikitext[at : opening.start()])
        at = opening.end()
        ending = _COMMENT_END if opening[0] == "<!--" else _REFERENCE_END
        if opening[0].endswith("/>") or ending in unclosed:
            continue
        end = ending.search(wikitext, at)
        if end is None:
            unclosed.add(ending)
        else:
            at = end.end()
    return "".join(out) + wikitext[at:]


def _text(code: Any) -> str:
    out: list[str] = []
    if code is not None:
        _nodes(code.nodes, out)
    return "".join(out)


def _nodes(nodes: list[Any], out: list[str]) -> None:
    """Append what each node shows. The parser bounds nesting at 40, so recursion is safe."""
    for node in nodes:
        kind = type(node).__name__
        if kind == "Text":
            out.append(str(node))
        elif kind == "Wikilink":
            _link(node, out)
        elif kind == "Template":
            out.append(_template(node))
        elif kind == "Tag":
            _tag(node, out)
        elif kind == "Heading":
            out.append(f"\n\0{node.level}\0{_text(node.title).strip()}\n")
        elif kind == "ExternalLink":
            out.append(_text(node.title) if node.brackets else str(node.url))
        elif kind == "HTMLEntity":
            out.append(str(node.normalize()))
        elif kind == "Argument":
            out.append(_text(node.default))


def _link(node: Any, out: list[str]) -> None:
    target = str(node.title)
    if _DROPPED_LINK.match(target) and not target.lstrip().startswith(":"):
        return
    out.append(_text(node.text) if node.text is not None else target.lstrip(": ").split("#")[0] or target)


def _template(node: Any) -> str:
    name = template_name(str(node.name))
    positional: list[str] = []
    named: dict[str, str] = {}
    for parameter in node.params:
        key = str(parameter.name).strip()
        value = _text(parameter.value)
        if not parameter.showkey or key.isdigit():
            positional.append(value.strip())
        else:
            named[key] = value.strip()
    return expand(name, positional, named)


def _tag(node: Any, out: list[str]) -> None:
    tag = str(node.tag).strip().lower()
    if tag in _DROPPED_TAGS:
        return
    if node.wiki_markup in ("*", "#", ":", ";"):
        return
    if tag in _BLOCK_TAGS:
        out.append("\n")
    if node.contents is not None and not node.self_closing:
        _nodes(node.contents.nodes, out)


def _build(flat: str, title: str, lang: str) -> TextBuilder:
    builder = TextBuilder()
    builder.add("title", title)
    headings: list[tuple[int, str]] = []
    tail = 0
    for line in flat.split("\n"):
        if line.startswith("\0"):
            level, heading = int(line[1]), _clean(line[3:], lang)
            tail = 0 if tail and level <= tail else tail
            if not tail and is_tail(heading):
                tail = level
            if not tail:
                headings = [(depth, text) for depth, text in headings if depth < level]
                builder.add("title", heading, [text for _, text in headings])
                headings.append((level, heading))
            continue
        if not tail:
            builder.add("body", _clean(line, lang), [text for _, text in headings])
    return builder


def _clean(line: str, lang: str) -> str:
    """One line without leftovers of markup; "" for debris of an unclosed table or template."""
    line = _MAGIC.sub("", _BULLET.sub("", line.replace("\0", "").strip()))
    if _DEBRIS.match(line):
        return ""
    line = _LEFT.sub("", line)
    for pattern in (_EMPTY_BRACKETS, _BRACKET_START, _BRACKET_END):
        line = pattern.sub("", line)
    line = _DOUBLE.sub("、", line)
    return _BEFORE_MARK.sub("", line) if lang != "ja" else line
