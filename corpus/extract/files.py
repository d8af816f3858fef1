"""Local files to rows: one a document, every outcome told.

A dump gives one a page of its article namespace, a zip one a document in it, a WARC one an answer with status 200, or a
document of the zip that such an answer is.
"""

from __future__ import annotations

import bz2
import os
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby, starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from corpus.base.commit import sha256_bytes
from corpus.base.errors import CorruptFileError, EmptyInputError, InputError
from corpus.base.schemas import SECTION, document_id
from corpus.extract.archives import MAX_MEMBER, ZIP_MARKS, Member, documents_of, is_warc, warc_members
from corpus.extract.model import Extracted, failure
from corpus.extract.sandbox import Request, Sandbox
from corpus.extract.wikidump import pages
from corpus.extract.wikistreams import index_of, read_page, read_parallel
from corpus.extract.wikitext import EXTRACTOR, VERSION
from corpus.extract.xmlparse import root_name

__all__ = ["EXTRACTED", "find_files", "read_files", "to_table"]

_FACT: Final = pa.struct([pa.field("name", pa.string()), pa.field("value", pa.string())])
EXTRACTED: Final = pa.schema(
    [
        pa.field("id", pa.string(), metadata={"doc": "32 hex digits of file (and page) and content"}),
        pa.field("file", pa.string(), metadata={"doc": "the file as named, or its path below the folder named"}),
        pa.field("text", pa.string(), metadata={"doc": "whole text in reading order; empty unless outcome is ok"}),
        pa.field("title", pa.string(), metadata={"doc": "title as the document states it"}),
        pa.field("lang", pa.string(), metadata={"doc": "ja, en, or empty for neither"}),
        pa.field("declared_lang", pa.string(), metadata={"doc": "the language tag that the document itself names"}),
        pa.field("outcome", pa.string(), metadata={"doc": "ok, or why there is no text (corpus.extract.model)"}),
        pa.field("reason", pa.string(), metadata={"doc": "one line more about the outcome"}),
        pa.field("sections", pa.list_(SECTION), metadata={"doc": "the parts of text, in order"}),
        pa.field("pages", pa.list_(pa.int32()), metadata={"doc": "start offset of each page of a PDF"}),
        pa.field("kept_share", pa.float64(), metadata={"doc": "visible characters kept, 0 to 1"}),
        pa.field("garbled_share", pa.float64(), metadata={"doc": "share of characters of no language of ours"}),
        pa.field("noise_share", pa.float64(), metadata={"doc": "share of words that are scraps, of OCR text alone"}),
        pa.field("facts", pa.list_(_FACT), metadata={"doc": "what else the source says: revision_id, abstract…"}),
        pa.field("extractor", pa.string(), metadata={"doc": "name of the reader"}),
        pa.field("extractor_version", pa.string(), metadata={"doc": "its version"}),
        pa.field("raw_sha256", pa.string(), metadata={"doc": "SHA-256 of the file, or of the page of a dump"}),
    ]
)
_WIKI: Final = re.compile(r"(?:^|/)(ja|en)wiki[-_.]")
_LANG: Final = re.compile(rb"""xml:lang=["']([a-z-]+)["']""")


def find_files(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """(name, path) of each file named or standing below a folder named, sorted, without hidden ones.

    A name is that of the file, or its path below the folder named; files that would share one have their paths as
    given for names. A file reached twice by one path counts once. Bytes of a name that are no UTF-8 are written in
    hexadecimal, with a backslash and x before them. Links to nothing and pipes below a folder count: they are told.

    Raises InputError for a path that is not there, EmptyInputError where there is no file at all.
    """
    found: dict[Path, tuple[str, Path]] = {}  # by absolute path
    for path in paths:
        if path.is_dir():
            below = (file for file in path.rglob("*") if not file.is_dir() and not _hidden(file.relative_to(path)))
            for file in sorted(below):
                found.setdefault(file.absolute(), (file.relative_to(path).as_posix(), file))
        elif path.is_file():
            found.setdefault(path.absolute(), (path.name, path))
        else:
            raise InputError(f"no such file or folder: {path}")
    if not found:
        raise EmptyInputError(f"no files in {', '.join(map(str, paths))}")
    return sorted(_distinct(list(found.values())))


def _distinct(files: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """The files under names that differ: a row's id is made from its name."""
    named = [(_as_text(name), path) for name, path in files]
    while True:
        counts = Counter(name for name, _ in named)
        longer = [(_as_text(path.as_posix()) if counts[name] > 1 else name, path) for name, path in named]
        if longer == named:
            break
        named = longer
    shared = next((name for name, _ in named if counts[name] > 1), None)
    if shared is not None:
        raise InputError(f"two files are called {shared} once their names are written as UTF-8; rename one")
    return named


def _as_text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_files(files: Iterable[tuple[str, Path]], sandbox: Sandbox, workers: int = 1) -> Iterator[dict[str, Any]]:
    """The rows of files (name, path), as EXTRACTED has them, in the files' order.

    All workers of the sandbox read at once, over the files' borders; dumps of many streams by `workers` processes.
    Raises InputError where a file cannot be read.
    """
    opened = ((name, path, _head(path)) for name, path in files)
    for dump, run in groupby(opened, key=lambda file: root_name(file[2]) == "mediawiki"):
        if dump:
            for name, path, head in run:
                with _readable(path):
                    yield from _dump_rows(name, path, head, sandbox, workers)
        else:
            yield from _rows(chain.from_iterable(starmap(_parts, run)), sandbox)


class _Part(NamedTuple):
    """One document: the file it came in, its own key, its address, its digest, itself."""

    file: str
    key: str
    url: str
    raw_sha256: str
    member: Member


def _parts(name: str, path: Path, head: bytes) -> Iterator[_Part]:
    """The documents of a file that is no dump. What occurs twice under one name, byte for byte, is one."""
    with _readable(path):
        members = _members(name, path, head)
        if members is None:
            whole = _whole(path)
            digest = sha256_bytes(whole.data) if whole.lost is None else ""
            yield _Part(name, name, f"file:///{name}", digest, whole)
            return
        seen: set[tuple[str, str]] = set()
        for member in members:
            digest = sha256_bytes(member.data) if member.lost is None else ""
            if (member.name, digest) not in seen:
                seen.add((member.name, digest))
                url = member.name if "://" in member.name else f"file:///{name}/{member.name}"
                yield _Part(name, f"{name}#{member.name}", url, digest, member)


def _members(name: str, path: Path, head: bytes) -> Iterator[Member] | None:
    """The documents of an archive; None for a file that is one document itself."""
    if is_warc(head, name):
        return warc_members(path)
    return documents_of(path) if head.startswith(ZIP_MARKS) else None


def _whole(path: Path) -> Member:
    if not path.is_file():
        return Member("", b"", lost=failure("unsupported", "no regular file, or a link to nothing"))
    size = path.stat().st_size
    if size > MAX_MEMBER:
        return Member("", b"", lost=failure("unsupported", f"{size} bytes, more than {MAX_MEMBER}"))
    return Member("", path.read_bytes())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _head(path: Path) -> bytes:
    """The first bytes of a file, after decompression where it is a .bz2; none of what is no file. Raises InputError."""
    if not path.is_file():
        return b""
    with _readable(path), path.open("rb") as file:
        head = file.read(4096)
    if head[:3] != b"BZh":
        return head
    try:
        with bz2.open(path) as stream:
            return stream.read(4096)
    except (OSError, EOFError):
        return head


def _rows(parts: Iterator[_Part], sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """A row a document, in their order; what was lost before it could be read has a row, too."""
    under_way: deque[tuple[str, str, str, Extracted | None]] = deque()

    def requests() -> Iterator[Request]:
        for part in parts:
            under_way.append((part.file, part.key, part.raw_sha256, part.member.lost))
            if part.member.lost is None:
                yield Request(part.member.data, part.url, part.member.content_type)

    def lost() -> Iterator[dict[str, Any]]:
        while under_way and (done := under_way[0][3]) is not None:
            file, key, digest, _ = under_way.popleft()
            yield _row(file, key, digest, done)

    for done in sandbox.map(requests()):
        yield from lost()
        file, key, digest, _ = under_way.popleft()
        yield _row(file, key, digest, done)
    yield from lost()


def _dump_rows(name: str, path: Path, head: bytes, sandbox: Sandbox, workers: int) -> Iterator[dict[str, Any]]:
    declared = _LANG.search(head)
    named = _WIKI.search(name)
    lang = named[1] if named else declared[1].decode() if declared else ""
    seen: set[tuple[int, str]] = set()  # a dump taken while pages move may hold one twice, byte for byte
    if workers > 1 and _is_compressed(path):
        read = read_parallel(path, lang=lang, workers=workers, index=index_of(path))
    else:
        read = (
            (page.page_id, sha256_bytes(page.raw), sandbox.call(read_page, page, lang))
            for page in pages(path)
            if page.ns == 0
        )
    try:
        for page_id, digest, done in read:
            if (page_id, digest) not in seen:
                seen.add((page_id, digest))
                yield _row(name, f"{name}#{page_id}", digest, done)
    except CorruptFileError as error:  # the pages before the break are whole; the break is told as a row of its own
        yield _row(name, name, "", failure("truncated", str(error), EXTRACTOR, VERSION))


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == b"BZh"


def _row(name: str, key: str, raw_sha256: str, done: Extracted) -> dict[str, Any]:
    return {
        "id": document_id("local", key, raw_sha256),
        "file": name,
        "text": done.text,
        "title": done.title,
        "lang": done.lang,
        "declared_lang": done.declared_lang,
        "outcome": done.outcome,
        "reason": done.reason,
        "sections": [section._asdict() for section in done.sections],
        "pages": list(done.pages),
        "kept_share": done.kept_share,
        "garbled_share": done.garbled_share,
        "noise_share": done.noise_share,
        "facts": [{"name": fact, "value": value} for fact, value in done.facts.items()],
        "extractor": done.extractor,
        "extractor_version": done.extractor_version,
        "raw_sha256": raw_sha256,
    }


def to_table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """The rows as a table, in the order given."""
    return pa.Table.from_pylist(list(rows), schema=EXTRACTED)
