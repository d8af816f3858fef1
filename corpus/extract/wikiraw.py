"""Wikitext by itself, as MediaWiki's `action=raw` gives it and collections of articles keep it.

It is told by its media type or name, else by its marks: read as plain text it would be a document full of templates.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from corpus.extract.encoding import decode
from corpus.extract.model import Extracted
from corpus.extract.wikitext import extract_wikitext

__all__ = ["extract", "is_wikitext"]

_HEAD: Final = 20_000
_NAME: Final = re.compile(r"\.(?:wiki|wikitext|mediawiki)$", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.(?:wiki|wikitext|mediawiki|txt)$", re.IGNORECASE)
_LINK: Final = re.compile(rb"\[\[[^\[\]\n{}|]{1,200}(?:\|[^\[\]\n]{0,300})?\]\]")
_MARKS: Final = (  # beside a link: what neither prose nor another markup has together
    re.compile(rb"'''[^'\n]{1,300}'''"),
    re.compile(rb"^(={2,6})[^=\n]{1,200}\1[ \t\r]*$", re.MULTILINE),
    re.compile(rb"^\{\|", re.MULTILINE),
    re.compile(rb"\{\{[^{}\n]{1,100}[|}\n]"),
    re.compile(rb"\A\s*#\s*(?:redirect|" + "転送|リダイレクト".encode() + rb")", re.IGNORECASE),
)
_LANGUAGE: Final = re.compile(r"(ja|en)\.(?:m\.)?wikipedia\.org")
_KANA: Final = re.compile("[぀-ヿ]")


def is_wikitext(data: bytes, url: str, content_type: str) -> bool:
    """Whether text is the source of a wiki page: by type or name, or by a link with other marks of wikitext."""
    if "text/x-wiki" in content_type or _NAME.search(urlsplit(url).path):
        return True
    head = data[:_HEAD]
    return b"[[" in head and _LINK.search(head) is not None and any(mark.search(head) for mark in _MARKS)


def extract(data: bytes, content_type: str, url: str) -> Extracted:
    """The article; its title is that of the address (`title=`, else the last part of the path)."""
    text, _ = decode(data, content_type)
    parts = urlsplit(url)
    asked = parse_qs(parts.query).get("title", [""])[0]
    title = (asked or _SUFFIX.sub("", unquote(parts.path.rpartition("/")[2]))).replace("_", " ").strip()
    host = _LANGUAGE.fullmatch(parts.hostname or "")
    return extract_wikitext(text, title=title, lang=host[1] if host else "ja" if _KANA.search(text) else "en")
