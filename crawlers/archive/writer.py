"""Appending answers to the raw archive.

One gzip member a record (WARC 1.1, ISO 28500:2017), so a torn tail costs the last record alone. An answer is two
records: `metadata` (JSON: the request in the frontier's written form, where it was sent) and `response`, or `revisit`
for a 304. A response holds status line and headers as received, header names in Scrapy's spelling, and the body as
received but for the transfer coding, which the HTTP client takes off: content codings stay on. Digests are SHA-256 in
Base32.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import uuid
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from warcio.recordbuilder import RecordBuilder  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.utils import Digester  # type: ignore[import-untyped]
from warcio.warcwriter import BaseWARCWriter  # type: ignore[import-untyped]

from corpus.base.append import AppendFile
from corpus.base.commit import FileRecord
from crawlers.identity import ROBOT

if TYPE_CHECKING:
    from scrapy.http import Response

    from corpus.base.workspace import Workspace

__all__ = ["NOTE_TYPE", "Archive", "member"]

NOTE_TYPE = "application/json"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_DENSE = (
    "gzip",
    "zip",
    "pdf",
    "bz",
    "compress",
    "br",
    "zstd",
)  # of a content type or coding: no gain in packing twice


class _Builder(BaseWARCWriter):  # type: ignore[misc]
    """warcio's records with SHA-256 digests, as bytes."""

    def __init__(self) -> None:
        super().__init__(gzip=False, warc_version=RecordBuilder.WARC_1_1)

    @staticmethod
    def _create_digester() -> Any:
        return Digester("sha256")

    def bytes_of(self, record: Any, level: int) -> bytes:
        """A record as one gzip member."""
        out = io.BytesIO()
        self._write_warc_record(out, record)
        return _packed(out.getvalue(), level)


_BUILDER = _Builder()


class Archive:
    """The files that one run of a crawl writes, `raw/<source>/<run>-<number>.warc.gz`. Raises StorageError."""

    def __init__(self, workspace: Workspace, source: str, run: str, *, size: int, info: Mapping[str, str]) -> None:
        self.folder, self.run, self.limit, self.info = workspace.path("raw", source), run, size, dict(info)
        self._workspace = workspace
        self._file: AppendFile | None = None
        self._number = 0
        self._closed: list[FileRecord] = []

    def add(self, note: bytes, answer: bytes) -> tuple[str, int]:
        """Append an answer as `member` made it; its file, relative to the workspace, and the offset of its response."""
        file = self._file or self._begin()
        offset = file.append(note + answer) + len(note)
        where = (self._workspace.relative(file.path), offset)
        if file.size >= self.limit:
            self._end()
        return where

    def sync(self) -> dict[str, int]:
        """Make durable what was appended; the sizes of the file that is open, by its relative path."""
        if self._file is None:
            return {}
        self._file.sync()
        return {self._workspace.relative(self._file.path): self._file.size}

    def closed(self) -> list[FileRecord]:
        """Files that are complete, each told once."""
        told, self._closed = self._closed, []
        return told

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._end()

    def _begin(self) -> AppendFile:
        path = self.folder / f"{self.run}-{self._number:05d}.warc.gz"
        self._file = AppendFile(path)
        self._number += 1
        info = {
            "software": f"{ROBOT} (Hakusho)",
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "robots": "obey",
            **self.info,
        }
        self._file.append(_BUILDER.bytes_of(_BUILDER.create_warcinfo_record(path.name, info), 6))
        return self._file

    def _end(self) -> None:
        assert self._file is not None
        self._closed.append(self._file.close())
        self._file = None


def member(url: str, response: Response, note: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The two records of an answer: metadata and response (or revisit), each a gzip member.

    `url` is the site's own URL, whatever address was asked; `note` is written as JSON.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = {"WARC-Date": now}
    if response.ip_address is not None:
        fields["WARC-IP-Address"] = str(response.ip_address)
    kind = "revisit" if response.status == 304 else "response"
    if kind == "revisit":
        fields["WARC-Profile"] = NOT_MODIFIED
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items() for value in values
    ]  # fmt: skip
    status = StatusAndHeaders(f"{response.status} {phrase}", headers, protocol=response.protocol or "HTTP/1.1")
    body = io.BytesIO(response.body)
    answer = _BUILDER.create_warc_record(
        url, kind, payload=body, length=len(response.body), http_headers=status, warc_headers_dict=fields
    )
    text = json.dumps(note, ensure_ascii=False, sort_keys=True).encode()
    about = _metadata(url, now, answer.rec_headers.get_header("WARC-Record-ID"), text)
    packing = b" ".join((response.headers.get("Content-Encoding") or b"", response.headers.get("Content-Type") or b""))
    dense = any(word in packing.decode("latin-1").lower() for word in _DENSE)
    return _packed(about, 6), _BUILDER.bytes_of(answer, 1 if dense else 6)


def _metadata(url: str, date: str, about: str, text: bytes) -> bytes:
    """A metadata record, by hand: there is one an answer, and warcio's way to it costs as much as the answer's own."""
    digest = base64.b32encode(hashlib.sha256(text).digest()).decode()
    lines = (
        "WARC/1.1",
        "WARC-Type: metadata",
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid4()}>",
        f"WARC-Target-URI: {url}",
        f"WARC-Date: {date}",
        f"WARC-Refers-To: {about}",
        f"WARC-Block-Digest: sha256:{digest}",
        f"Content-Type: {NOTE_TYPE}",
        f"Content-Length: {len(text)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text + b"\r\n\r\n"


def _packed(record: bytes, level: int) -> bytes:
    """A record as one gzip member."""
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    return packer.compress(record) + packer.flush()
