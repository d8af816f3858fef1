"""Multistream dumps in parallel: each bz2 stream of 100 pages is a file of its own, and the index says where it begins.

The work of reading a dump is decompression and wikitext in equal parts; both are done by the process that is handed the
place of some streams, so that two processes are twice as fast. Pages come back in the order of the file.
"""

from __future__ import annotations

import bz2
import io
import mmap
import multiprocessing
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from corpus.base.commit import sha256_bytes
from corpus.base.errors import CorruptFileError, InputError
from corpus.base.executor import run_local
from corpus.extract.model import Extracted, failure
from corpus.extract.wikidump import DumpPage, pages
from corpus.extract.wikitext import EXTRACTOR, VERSION, extract_wikitext

__all__ = ["Span", "index_of", "read_page", "read_parallel", "spans"]

MEMORY: Final = 2 * 2**30  # bytes of address space of a process that reads streams
SECONDS: Final = 25.0  # of wall time a page
_MAGIC: Final = b"BZh91AY&SY"
_AT_ONCE: Final = 4 * 2**20  # compressed bytes handed to a process at once: some 15 streams
_WINDOW: Final = 32  # spans under way before the first is given back: bounds memory


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `end` of a dump: whole bz2 streams. `lang` is that of the wiki."""

    path: str
    start: int
    end: int
    lang: str


def index_of(dump: Path) -> Path | None:
    """The index that lies beside a multistream dump under the name that Wikimedia gives it, None where it does not."""
    name = dump.name.replace("-multistream.xml", "-multistream-index.txt")
    name = name if name != dump.name else dump.name.replace(".xml", "-index.txt")
    index = dump.with_name(name)
    return index if index != dump and index.is_file() else None


def spans(dump: Path, lang: str, index: Path | None = None) -> list[Span]:
    """The dump in spans of some streams each, from its index, or else from the bytes that begin a stream.

    Raises CorruptFileError for an index that is not this dump's, InputError where a file is missing.
    """
    try:
        size = dump.stat().st_size
        starts = _indexed(index) if index is not None else []
        with dump.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            if any(start >= size or view[start : start + 3] != b"BZh" for start in starts):
                raise CorruptFileError(f"{index}: not the index of {dump.name}; fetch both again, of the same day")
            starts = sorted({0, *(starts or _searched(view))})
    except (FileNotFoundError, IsADirectoryError, ValueError) as error:
        raise InputError(f"no such file, or an empty one: {dump}; give a multistream dump (.xml.bz2)") from error
    found, begin = [], 0
    for start in [*starts[1:], size]:
        if start == size or start - begin >= _AT_ONCE:
            found.append(Span(str(dump), begin, start, lang))
            begin = start
    return found


def _indexed(index: Path) -> list[int]:
    """The offsets of an index: lines of offset:id:title."""
    try:
        with bz2.open(index) if index.suffix == ".bz2" else index.open("rb") as lines:
            return sorted({int(line.split(b":", 1)[0]) for line in lines if line.strip()})
    except (OSError, EOFError, ValueError) as error:
        raise CorruptFileError(f"{index}: no index of a dump ({error}); fetch it again") from error


def _searched(view: mmap.mmap) -> list[int]:
    found, at = [], view.find(_MAGIC)
    while at >= 0:
        found.append(at)
        at = view.find(_MAGIC, at + 1)
    return found


def read_page(page: DumpPage, lang: str) -> Extracted:
    """The article of a page, with revision id and timestamp as facts, for attribution."""
    if page.redirect is not None and not page.wikitext.strip():
        done = failure("redirect", f"{page.title}: redirect to {page.redirect}", EXTRACTOR, VERSION, title=page.title)
    else:
        done = extract_wikitext(page.wikitext, title=page.title, lang=lang)
    return replace(done, facts={**done.facts, "revision_id": str(page.revision_id), "timestamp": page.timestamp})


def read_parallel(
    dump: Path, *, lang: str, workers: int, index: Path | None = None
) -> Iterator[tuple[int, str, Extracted]]:
    """(page id, SHA-256 of the page, what became of it) for each page of the namespace of articles, in file order.

    Raises CorruptFileError where a stream is damaged: the pages before it have been given by then.
    """
    whole = spans(dump, lang, index)
    for first in range(0, len(whole), _WINDOW):
        window = whole[first : first + _WINDOW]
        done: dict[int, tuple[list[tuple[int, str, Extracted]], str]] = {}
        following = 0
        for place, result in run_local(_read_span, window, workers=workers, name=lambda span: f"bytes {span.start}"):
            done[place] = result
            while following in done:
                rows, broken = done.pop(following)
                yield from rows
                if broken:
                    raise CorruptFileError(broken)
                following += 1


def _too_long(*_: object) -> None:
    raise TimeoutError(f"no end after {SECONDS:g} seconds")


def _read(page: DumpPage, lang: str) -> Extracted:
    try:
        return read_page(page, lang)
    except Exception as error:  # noqa: BLE001  one page must not end the reading of a dump
        return failure("unsupported", f"{page.title}: {type(error).__name__}: {error}", EXTRACTOR, VERSION)


def _read_span(span: Span) -> tuple[list[tuple[int, str, Extracted]], str]:
    """The pages of a span, and what is wrong with it ("" for nothing)."""
    own = multiprocessing.parent_process() is not None  # limits are for a process that does nothing else
    if own:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        signal.signal(signal.SIGALRM, _too_long)
    with Path(span.path).open("rb") as file:
        file.seek(span.start)
        stream = io.BytesIO(file.read(span.end - span.start))
    stream.name = span.path
    rows: list[tuple[int, str, Extracted]] = []
    try:
        for page in pages(stream):
            if page.ns == 0:
                signal.setitimer(signal.ITIMER_REAL, SECONDS if own else 0)
                rows.append((page.page_id, sha256_bytes(page.raw), _read(page, span.lang)))
                signal.setitimer(signal.ITIMER_REAL, 0)
    except CorruptFileError as error:
        return rows, str(error)
    return rows, ""
