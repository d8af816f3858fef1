"""MediaWiki export XML, streamed: plain, .bz2 (one stream or many), or an open binary file.

A page is cut out of the stream by its <page> lines before it is parsed, so that its own bytes are known (provenance),
memory stays at one page, and a damaged page costs that page alone. Text inside a page has its "<" escaped, so a tag in
the bytes is a tag of the export format (export-0.10, 0.11).
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from lxml import etree  # type: ignore[import-untyped]

from corpus.base.errors import CorruptFileError, InputError

__all__ = ["DumpPage", "pages"]

MAX_PAGE: Final = 32 * 2**20  # bytes; MediaWiki's own limit is 2 MB of wikitext
_CHUNK: Final = 2**20
_PLAIN: Final = re.compile(
    rb"<page>\s*<title>(?P<title>[^<>]*)</title>\s*<ns>(?P<ns>\d{1,9})</ns>\s*<id>(?P<id>\d{1,18})</id>\s*"
    rb'(?:<redirect title="(?P<to>[^<>"]*)"\s*/>\s*)?(?:<restrictions>[^<>]*</restrictions>\s*)?<revision>\s*'
    rb"<id>(?P<revision>\d{1,18})</id>\s*(?:<parentid>\d+</parentid>\s*)?<timestamp>(?P<time>[^<>]*)</timestamp>\s*"
    rb"<contributor>\s*(?:<(?:username|ip|id)>[^<>]*</(?:username|ip|id)>\s*|<username\s*/>\s*)*</contributor>\s*"
    rb"(?:<minor\s*/>\s*)?(?:<comment>[^<>]*</comment>\s*|<comment[^<>]*/>\s*)?(?:<origin>\d+</origin>\s*)?"
    rb"(?:<model>[^<>]*</model>\s*<format>[^<>]*</format>\s*)?"
    rb"<text\b[^<>]*(?:/>|>(?P<text>[^<>]*)</text>)\s*(?:<sha1>[^<>]*</sha1>\s*|<sha1\s*/>\s*)?"
    rb"(?:<model>[^<>]*</model>\s*<format>[^<>]*</format>\s*)?</revision>\s*</page>"
)


@dataclass(frozen=True)
class DumpPage:
    """A page of a dump with its newest revision; `raw` is its <page>...</page>, byte for byte.

    `redirect` is the target of a redirect, else None. Fields that the page lacks are "" or 0.
    """

    title: str
    ns: int
    page_id: int
    revision_id: int
    timestamp: str
    redirect: str | None
    wikitext: str
    raw: bytes


def pages(source: Path | str | IO[bytes]) -> Iterator[DumpPage]:
    """The pages of a dump in file order; pages that are not well-formed or above 32 MiB are passed over.

    Raises InputError for a missing file, CorruptFileError where the compressed stream breaks or ends early: the pages
    before the break have been given by then.
    """
    if isinstance(source, Path | str):
        path = Path(source)
        try:
            with path.open("rb") as file:
                yield from _pages(file, str(path))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise InputError(f"no such file: {path}; give a dump (.xml or .xml.bz2)") from error
    else:
        yield from _pages(source, str(getattr(source, "name", "dump")))


def _pages(file: IO[bytes], name: str) -> Iterator[DumpPage]:
    magic = file.read(3)
    file.seek(0)
    stream = cast(IO[bytes], bz2.BZ2File(file)) if magic == b"BZh" else file
    buffer = b""
    try:
        while chunk := stream.read(_CHUNK):
            buffer += chunk
            consumed = 0
            while True:
                start = buffer.find(b"<page>", consumed)
                end = buffer.find(b"</page>", start) if start >= 0 else -1
                if end < 0:
                    break
                consumed = end + len(b"</page>")
                page = _page(buffer[start:consumed])
                if page is not None:
                    yield page
            buffer = _rest(buffer, start if start >= 0 else consumed)
    except (EOFError, OSError) as error:
        raise CorruptFileError(f"{name}: the compressed dump breaks off ({error}); fetch it again") from error
    if b"<page>" in buffer:
        raise CorruptFileError(f"{name}: the dump ends inside a page; fetch it again")


def _rest(buffer: bytes, start: int) -> bytes:
    """What to keep for the next chunk: from the open page on, or a tag's length; nothing of a page beyond the limit."""
    rest = buffer[start:] if buffer[start : start + 6] == b"<page>" else buffer[max(start, len(buffer) - 6) :]
    return rest if len(rest) <= MAX_PAGE else b""


def _page(raw: bytes) -> DumpPage | None:
    """A page from its own bytes: at once where they have the order that every dump of today has, else by a parser."""
    match = _PLAIN.fullmatch(raw)
    if match is None or b"&#" in raw:
        return _parsed(raw)
    try:
        title, redirect, timestamp, text = (_unescaped(match[name]) for name in ("title", "to", "time", "text"))
    except UnicodeDecodeError:
        return None
    return DumpPage(
        title=title,
        ns=int(match["ns"]),
        page_id=int(match["id"]),
        revision_id=int(match["revision"]),
        timestamp=timestamp,
        redirect=redirect if match["to"] is not None else None,
        wikitext=text,
        raw=raw,
    )


def _unescaped(raw: bytes | None) -> str:
    text = (raw or b"").decode()
    for entity, mark in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")) if "&" in text else ():
        text = text.replace(entity, mark)
    return text


def _parsed(raw: bytes) -> DumpPage | None:
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    redirect = root.find("redirect")
    return DumpPage(
        title=root.findtext("title") or "",
        ns=_integer(root.findtext("ns")),
        page_id=_integer(root.findtext("id")),
        revision_id=_integer(root.findtext("revision/id")),
        timestamp=root.findtext("revision/timestamp") or "",
        redirect=redirect.get("title", "") if redirect is not None else None,
        wikitext=root.findtext("revision/text") or "",
        raw=raw,
    )


def _integer(text: str | None) -> int:
    return int(text) if text and len(text) < 20 and text.strip().isdecimal() else 0
