"""Many documents in one file: zips of statutes or inserts, and WARC. Nothing is unpacked to disk; one member at a time.

The zip of all statutes holds 10,000 files and 2 GB of XML; its lists, pictures and folders are no documents and are
passed over. Names without the UTF-8 flag are cp932, as Japanese tools write them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corpus.extract.model import Extracted, failure

__all__ = ["MAX_MEMBER", "Member", "is_warc", "warc_members", "zip_members"]

MAX_MEMBER: Final = 400 * 2**20  # bytes of a document, unpacked
_DOCUMENTS: Final = (".xml", ".sgm", ".sgml", ".html", ".htm", ".xhtml", ".pdf", ".txt", ".json")


@dataclass(frozen=True)
class Member:
    """One document of an archive: its name or URL, its bytes, or the outcome that says why there are none."""

    name: str
    data: bytes
    content_type: str = ""
    lost: Extracted | None = None


def zip_members(path: Path) -> Iterator[Member]:
    """The documents of a zip, sorted by name; damaged, locked and too large ones as outcomes.

    A file that is no zip, or whose directory is cut off, is one member with an outcome. Raises OSError.
    """
    try:
        with zipfile.ZipFile(path, metadata_encoding="cp932") as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if info.filename.lower().endswith(_DOCUMENTS) and not info.is_dir():
                    yield _zip_member(archive, info)
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError) as error:
        yield Member("", b"", lost=failure("truncated", f"the zip cannot be read: {error}; fetch it again"))


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.filename
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

    One that breaks off gives the records before the break, then a member with an outcome. Raises OSError.
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
                data = record.content_stream().read(MAX_MEMBER + 1)
                lost = failure("unsupported", f"more than {MAX_MEMBER} bytes") if len(data) > MAX_MEMBER else None
                yield Member(url, b"" if lost else data, kind, lost)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  warcio raises what its decompressors raise
            reason = f"the WARC breaks off: {type(error).__name__}: {error}"
            yield Member("", b"", lost=failure("truncated", reason))
