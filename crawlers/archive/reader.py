"""Reading the raw archive: its whole members, the record at an offset, and the cut that takes a torn tail off."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]
from warcio.exceptions import ArchiveLoadFailed  # type: ignore[import-untyped]

from corpus.base.append import cut, locked
from corpus.base.errors import CorruptFileError

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace

__all__ = ["Archived", "Noted", "arguments_of", "notes", "read_answer", "repair", "whole_size"]

_LOG = logging.getLogger(__name__)
_BLOCK = 2**16


@dataclass(frozen=True)
class Noted:
    """What stands in front of an answer: the offset of the answer's record, and the JSON of the metadata record."""

    offset: int
    note: dict[str, Any]


@dataclass(frozen=True)
class Archived:
    """An answer out of the archive: the response as the handler gave it, and when it was complete."""

    response: Response
    time: datetime


def read_answer(path: Path, offset: int) -> Archived:
    """The answer at an offset. Raises CorruptFileError where there is none, or its digest does not fit."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            record = next(iter(ArchiveIterator(file, check_digests="raise")))
            body = record.raw_stream.read()
            headers, fields = record.http_headers, record.rec_headers
            if headers is None or record.rec_type not in ("response", "revisit"):
                raise CorruptFileError(f"{path}: no answer at offset {offset}")
            url = fields.get_header("WARC-Target-URI")
            time = datetime.fromisoformat(fields.get_header("WARC-Date").replace("Z", "+00:00")).astimezone(UTC)
    except (OSError, ArchiveLoadFailed, StopIteration, zlib.error, ValueError) as error:
        raise CorruptFileError(f"{path}: no whole record at offset {offset} ({error})") from error
    named = Headers()
    for name, value in headers.headers:
        named.appendlist(name.encode("latin-1"), value.encode("latin-1"))
    kind = responsetypes.from_args(headers=named, url=url, body=body)
    response = kind(url=url, status=int(headers.get_statuscode()), headers=named, body=body, protocol=headers.protocol)
    return Archived(response, time)


def arguments_of(path: Path) -> str:
    """The arguments of the harvest that a file belongs to, as canonical JSON; "{}" where it does not say."""
    for end in _ends(path, 0):
        info = _unpacked(path, 0, end, 0).decode()
        return next((line.partition(" arguments ")[2] for line in info.splitlines()
                     if line.startswith("description: arguments ")), "{}")  # fmt: skip
    return "{}"


def notes(path: Path, start: int = 0) -> Iterator[Noted]:
    """The answers of a file from an offset on, as far as its members are whole, by their metadata."""
    note: dict[str, Any] | None = None
    begin = start
    for end in _ends(path, start):
        offset, begin = begin, end
        head = _unpacked(path, offset, min(end, offset + _BLOCK), _BLOCK)
        kind = _field(head, b"WARC-Type")
        if kind == b"metadata":
            whole = _unpacked(path, offset, end, 0)
            note = json.loads(whole.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n"))
        elif note is not None and kind in (b"response", b"revisit"):
            yield Noted(offset, note)
            note = None


def whole_size(path: Path, start: int = 0) -> int:
    """Bytes of a file that are whole members, from a boundary on."""
    return max(_ends(path, start), default=start)


def repair(workspace: Workspace, path: Path, start: int = 0) -> bool:
    """Cut a torn tail off, from a boundary on; what is cut goes to quarantine/.

    False where another process is writing the file: it is left alone. Raises StorageError.
    """
    with locked(path) as ours:
        if not ours:
            return False
        size = whole_size(path, start)
        name = workspace.relative(path).replace("/", "-")
        torn = cut(path, size, workspace.path("quarantine", f"{name}.from-{size}"))
        if torn:
            _LOG.warning("%s: a torn tail of %d bytes was cut off; it is in quarantine/", path, torn)
        return True


def _field(head: bytes, name: bytes) -> bytes:
    for line in head.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key == name:
            return value.strip()
    return b""


def _ends(path: Path, start: int) -> Iterator[int]:
    """Where each whole member ends."""
    with path.open("rb") as file:
        file.seek(start)
        at, data = start, b""
        unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16)
        while data or (data := file.read(_BLOCK)):
            try:
                unpacker.decompress(data)
            except zlib.error:
                return
            at += len(data) - len(unpacker.unused_data)
            data = b""
            if unpacker.eof:
                yield at
                data = unpacker.unused_data
                unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16)


def _unpacked(path: Path, begin: int, end: int, most: int) -> bytes:
    """What bytes of a file unpack to; `most` bytes of it, 0 for all."""
    with path.open("rb") as file:
        file.seek(begin)
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(file.read(end - begin), most)
