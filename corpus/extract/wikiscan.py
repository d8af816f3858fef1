"""Wikitext to lines without markup, by a few passes of regular expressions: many times faster than a parse tree.

First what hides its content goes (comments, references, formulas, galleries), then templates and links are replaced
from the inside out, each by its words, then tables become rows, then tags and quotes go. Every pass costs time in
proportion to the text, whatever is unclosed.
"""

from __future__ import annotations

import html
import re
from typing import Final

from corpus.extract.templates import BAR, EQUALS, expand, template_name, words_of

__all__ = ["TABLE_ROW", "flatten"]

TABLE_ROW: Final = "\x01"  # begins a line that is a row of a table

_PASSES: Final = 40  # of nesting; MediaWiki itself stops at 40
_HIDING: Final = (
    *("ref", "gallery", "math", "timeline", "source", "syntaxhighlight", "score", "imagemap", "mapframe", "maplink"),
    *("graph", "hiero", "indicator", "style", "script", "chem", "ce", "rt", "rp", "table", "references"),
    *("templatestyles", "noinclude"),
)
_HIDDEN: Final = re.compile(rf"<({'|'.join(_HIDING)})\b[^<>]*>|<!--", re.IGNORECASE)
_ENDS: Final = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _HIDING} | {"!--": re.compile("-->")}
_CONTROLS: Final = re.compile("[\x00-\x08]+")  # some of them serve as marks here
# Possessive, so that an opening without its end is passed over as far as it was read.
_NOWIKI: Final = re.compile(
    r"<nowiki>((?:[^<]++|<(?!/?nowiki>))*+)</nowiki>|<nowiki\s*/>|<(?:pre|code|tt)\b[^<>]*>(?=<nowiki>)", re.I
)
_ESCAPES: Final = {ord(mark): chr(0xE000 + n) for n, mark in enumerate("{}[]|='<>&*#:;!_")}
_UNESCAPES: Final = {ord(escaped): mark for mark, escaped in _ESCAPES.items()}
_SIMPLE_LINK: Final = re.compile(r"\[\[(?:[^\[\]{}|\n:]*\|)?([^\[\]{}|\n:#]+)\]\]")
_EXTERNAL: Final = re.compile(
    r"\[(?:(?:https?|ftps?|irc|gopher)://|//|mailto:|news:)[^\s\[\]|{}<>]*+[ \t]*+([^\[\]\n]*+)\]", re.I
)
_BODY: Final = r"(?:[^{}\[\]]++|\[(?!\[)|\](?!\])|\{(?!\{)|\}(?!\}))*+"
_INNERMOST: Final = re.compile(rf"\{{\{{({_BODY})\}}\}}|\[\[({_BODY})\]\]")
_PARAMETER: Final = re.compile(r"\{\{\{[^{}|]*(?:\|([^{}]*))?\}\}\}")
_DROPPED_LINK: Final = re.compile(
    r"\s*(?:(?i:file|image|category|media|special|template|ファイル|画像|カテゴリ|メディア)|simple|zh-[a-z-]{2,12}|[a-z]{2,3})\s*:(?!\s)"
)
_TABLE_MARK: Final = re.compile(r"^[ \t:*#;]*(?:(\{\|)|(\|\}))", re.MULTILINE)
_BLOCK: Final = re.compile(r"</?(?:br|p|div|li|dd|dt|ul|ol|dl|blockquote|poem|center|hr|tr)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>")
_QUOTES: Final = re.compile("'{2,}")
_ATTRIBUTES: Final = re.compile(r"[^=\[\]{}]*+(?:=|(?<=\bnowrap)\s*+$|(?<=\bnowrap )$)")
# Attributes whose bar went with a template; names that no formula or code of a cell is likely to have.
_LEFT_ATTRIBUTES: Final = re.compile(
    r"""(?:(?:(?:row|col)span\s*+=\s*+["']?\d++["']?"""
    r"""|(?:bgcolor|align|valign|scope|style|data-sort-value)\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'|]++)"""
    r"""|(?:class|width|height)\s*+=\s*+"[^"]*+")\s*+)++""",
    re.IGNORECASE,
)
_PIPE_TRICK: Final = re.compile(r"(?<!\s)\s*+[(（,].*")
_HUGE_NUMBER: Final = re.compile(r"&#\d{8,};?")  # no character has it, and to read it costs time or an error
_LAYOUT: Final = re.compile(
    r"infobox|navbox|sidebar|toccolours|metadata|mbox|vertical-navbox|succession|float\s*:|display\s*:\s*none",
    re.IGNORECASE,
)


def flatten(wikitext: str, title: str = "", lang: str = "ja") -> str:
    """The lines that a reader sees, headings still between their "=" and rows of tables behind TABLE_ROW.

    `title` stands for {{PAGENAME}}; `lang` is the language of the wiki.
    """
    text = _without_hidden(_literal(_CONTROLS.sub("", wikitext)))
    if "{{{" in text:
        text = _PARAMETER.sub(_first, text)
    text = _SIMPLE_LINK.sub(_first, text)
    if "//" in text or "mailto:" in text:
        text = _EXTERNAL.sub(_first, text)
    for _ in range(_PASSES):
        text, count = _INNERMOST.subn(lambda match: _replaced(match, title, lang), text)
        if not count:
            break
    if BAR in text or EQUALS in text:
        text = text.replace(BAR, "|").replace(EQUALS, "=")
    if "{|" in text:
        text = _tables(text)
    if "''" in text:
        text = _QUOTES.sub("", text)
    if "<" in text:
        text = _TAG.sub("", _BLOCK.sub("\n", text))
    if "&" in text:
        text = _unescaped(_unescaped(text) if "&amp;" in text else text)
    return text.translate(_UNESCAPES) if _has_nowiki(wikitext) else text


def _unescaped(text: str) -> str:
    return html.unescape(_HUGE_NUMBER.sub("", text) if "&#" in text else text)


def _first(match: re.Match[str]) -> str:
    return match[1] or ""  # a function is faster than a template, which the engine reads anew at every match


def _has_nowiki(text: str) -> bool:
    return "<nowiki" in text or "<NOWIKI" in text or "<Nowiki" in text


def _literal(text: str) -> str:
    """What stands in <nowiki> is no markup: its marks are put aside as private characters until the end."""
    if not _has_nowiki(text):
        return text
    return _NOWIKI.sub(lambda match: (match[1] or "").translate(_ESCAPES), text)


def _without_hidden(text: str) -> str:
    """Text without elements that hide what they hold, in one pass: an opening without an end costs itself alone."""
    out: list[str] = []
    at = 0
    unclosed: set[str] = set()  # ends that do not come any more
    while (opening := _HIDDEN.search(text, at)) is not None:
        out.append(text[at : opening.start()])
        at = opening.end()
        name = (opening[1] or "!--").lower()
        if opening[0].endswith("/>") or name in unclosed:
            continue
        end = _ENDS[name].search(text, at)
        if end is None:
            unclosed.add(name)
        else:
            at = end.end()
    return "".join(out) + text[at:] if out else text


def _replaced(match: re.Match[str], title: str, lang: str) -> str:
    template, link = match[1], match[2]
    if template is None:
        return _link(link)
    name, _, rest = template.partition("|")
    known = words_of(name)
    if not known:
        return title if template_name(name) in ("pagename", "subpagename", "fullpagename") else ""
    return _template(known, rest.split("|") if rest or "|" in template else [], lang)


def _template(name: str, arguments: list[str], lang: str) -> str:
    positional: list[str] = []
    named: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        key = key.strip()
        if not equals or "<" in key:
            positional.append(argument.strip())
        elif key.isdecimal() and len(key) < 3:
            place = int(key) - 1
            positional += [""] * (place + 1 - len(positional))
            positional[max(place, 0)] = value.strip()
        else:
            named[key] = value.strip()
    return expand(name, positional, named, lang)


def _link(inner: str) -> str:
    target, bar, label = inner.partition("|")
    if _DROPPED_LINK.match(target):
        return ""
    if bar:
        shown = label.rpartition("|")[2] if label else target.partition("#")[0]
        return shown if label else _PIPE_TRICK.sub("", shown.lstrip(": "))
    target = target.lstrip(": ")
    return target.partition("#")[0] or target


def _tables(text: str) -> str:
    """Data tables as rows, those that lay out a page not at all; one never closed is left to the last clean-up."""
    out: list[str] = []
    at = start = depth = 0
    for mark in _TABLE_MARK.finditer(text):
        if mark[1]:
            start = mark.start() if not depth else start
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                out += [text[at:start], "\n", _rows(text[start : mark.end()]), "\n"]
                at = mark.end()
    return "".join(out) + text[at:] if out else text


def _rows(table: str) -> str:
    head, _, body = table.partition("\n")
    if _LAYOUT.search(head):
        return ""
    rows: list[list[list[str]]] = [[]]  # of cells, and those of lines
    for line in map(str.strip, body.split("\n")):
        if line.startswith(("|-", "{|", "|}")):
            rows.append([])
        elif line.startswith("|+"):
            rows += [[[_cell(line[2:])]], []]
        elif line.startswith(("|", "!")):
            inline = line[1:].replace("!!", "||") if line[0] == "!" else line[1:]
            rows[-1] += [[_cell(cell)] for cell in inline.split("||")]
        elif rows[-1] and line:
            rows[-1][-1].append(line)
    lines = ("\u3000".join(cell for cell in (" ".join(filter(None, parts)) for parts in row) if cell) for row in rows)
    return "\n".join(TABLE_ROW + _BLOCK.sub(" ", line) for line in lines if line)


def _cell(cell: str) -> str:
    head, bar, shown = cell.partition("|")
    if not bar or shown.startswith("|") or _ATTRIBUTES.match(head) is None:
        shown = cell.lstrip(" \t|")
        if "=" in shown and (left := _LEFT_ATTRIBUTES.match(shown)) is not None:
            shown = shown[left.end() :]
    return shown.strip(" \t|")
