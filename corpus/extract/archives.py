"""Many documents in one file: zips of statutes or inserts, and WARC. Nothing is unpacked to disk; one member at a time.

The zip of all statutes holds 10,000 files and 2 GB of XML; its lists, pictures and folders are no documents and are
passed over. It is read where a WARC keeps it as the answer of the site, too; a zip inside a zip is not. Names without
the UTF-8 flag are UTF-8 all the same where their bytes are, else cp932, as Japanese tools write them, else cp437.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final

from corpus.extract.model import Extracted, failure
from corpus.extract.pmda_sgml import is_sgml
from corpus.extract.xmlparse import root_name

__all__ = ["MAX_MEMBER", "ZIP_MARKS", "Member", "documents_of", "is_warc", "warc_members", "zip_members"]

MAX_MEMBER: Final = 400 * 2**20  # bytes of a document, unpacked
MAX_ZIP: Final = 2 * 2**30  # bytes of a zip in a WARC, packed: as much as a harvest takes in one answer
ZIP_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_IN_MEMORY: Final = 16 * 2**20  # bytes of such a zip that are not put into a temporary file
_BLOCK: Final = 2**20
_HEAD: Final = 4
_UTF8_NAME: Final = 0x800  # flag of a zip's member
_DOCUMENTS: Final = (".xml", ".sgm", ".sgml", ".html", ".htm", ".xhtml", ".pdf", ".txt", ".json")


@dataclass(frozen=True)
class Member:
    """One document of an archive: its name or URL, its bytes, or the outcome that says why there are none."""

    name: str
    data: bytes
    content_type: str = ""
    lost: Extracted | None = None


def zip_members(file: Path | IO[bytes]) -> Iterator[Member]:
    """The documents of a zip, sorted by name; damaged, locked and too large ones as outcomes.

    A file that is no zip, or whose directory is cut off, is one member with an outcome. Raises OSError.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for name, info in sorted(((_member_name(info), info) for info in archive.infolist()), key=itemgetter(0)):
                if name.lower().endswith(_DOCUMENTS) and not info.is_dir():
                    yield _zip_member(archive, name, info)
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError) as error:
        yield Member("", b"", lost=failure("truncated", f"the zip cannot be read: {error}; fetch it again"))


def documents_of(file: Path | IO[bytes]) -> Iterator[Member] | None:
    """The documents of a zip, or None where the zip itself is one: of an insert, or for its reader to refuse."""
    members = zip_members(file)
    first = list(islice(members, 2))
    if len(first) < 2 and (not first or first[0].lost is not None or _is_insert(first[0].data)):
        return None
    return chain(first, members)


def _is_insert(data: bytes) -> bool:
    return root_name(data) == "PackIns" or is_sgml(data)


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a zip's member; see the module."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    raw = info.filename.encode("cp437", "replace")  # what zipfile takes any other name for
    for encoding in ("utf-8", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _zip_member(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Member:
    if info.flag_bits & 1:
        return Member(name, b"", lost=failure("encrypted", f"zip member {name} needs a password"))
    try:
        with archive.open(info) as stream:
            data = stream.read(MAX_MEMBER + 1)
    except Exception as error:  # noqa: BLE001  zipfile and its decompressors raise a dozen classes on broken members
        return Member(name, b"", lost=failure("truncated", f"zip member {name}: {type(error).__name__}: {error}"))
    if len(data) > MAX_MEMBER:
        return Member(name, b"", lost=failure("unsupported", f"{name}: more than {MAX_MEMBER} bytes"))
    return Member(name, data)


def is_warc(head: bytes, name: str) -> bool:
    """Whether a file is a WARC, plain or gzipped, by its first bytes and its name."""
    return head.startswith(b"WARC/") or (head[:2] == b"\x1f\x8b" and name.lower().endswith((".warc.gz", ".warc")))


def warc_members(path: Path) -> Iterator[Member]:
    """The responses with status 200 (and resources) of a WARC in file order, transfer and content encoding undone.

    One that is a zip of documents is these, named URL#NAME. A WARC that breaks off gives the records before the break,
    then a member with an outcome. Raises OSError.
    """
    from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]

    with path.open("rb") as file:
        try:
            for record in ArchiveIterator(file):
                http = record.http_headers
                answered = record.rec_type == "response" and http is not None and http.get_statuscode() == "200"
                if not answered and record.rec_type != "resource":
                    continue
                url = record.rec_headers.get_header("WARC-Target-URI") or ""
                kind = (http.get_header("Content-Type") if http is not None else record.content_type) or ""
                yield from _answer(url, kind, record.content_stream())
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  warcio raises what its decompressors raise
            reason = f"the WARC breaks off: {type(error).__name__}: {error}"
            yield Member("", b"", lost=failure("truncated", reason))


def _answer(url: str, kind: str, stream: Any) -> Iterator[Member]:
    """An answer as one document, or as those of the zip that it is."""
    head = stream.read(_HEAD)
    if not head.startswith(ZIP_MARKS):
        yield _whole(url, kind, head + stream.read(MAX_MEMBER + 1 - len(head)))
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as packed:  # a zip is read from its end
        packed.write(head)
        while packed.tell() <= MAX_ZIP and (block := stream.read(_BLOCK)):
            packed.write(block)
        if packed.tell() > MAX_ZIP:
            yield Member(url, b"", kind, failure("unsupported", f"a zip of more than {MAX_ZIP} bytes"))
            return
        members = documents_of(packed)
        if members is None:
            packed.seek(0)
            yield _whole(url, kind, packed.read(MAX_MEMBER + 1))
            return
        for member in members:
            yield replace(member, name=f"{url}#{member.name}")


def _whole(url: str, kind: str, data: bytes) -> Member:
    lost = failure("unsupported", f"more than {MAX_MEMBER} bytes") if len(data) > MAX_MEMBER else None
    return Member(url, b"" if lost else data, kind, lost)
