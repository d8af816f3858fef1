"""From bytes to rows of `documents`: the one function that makes a row, and the settling of rows into shards.

Rows are committed during the crawl as parts in the order they come. Settling merges parts into one shard a hex digit,
sorted by id, one row an id, so that the bytes depend on the rows alone: not on their order, on how many runs brought
them, or on where a run was killed. Parts go after the shards that hold their rows are committed.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.base.commit import FileRecord, sha256_bytes, storage_errors, sweep
from corpus.base.ledger import ledger_table
from corpus.base.manifest import Manifest
from corpus.base.schemas import DOCUMENTS, LEDGER, document_id
from corpus.base.shards import read_shard, write_shard
from corpus.base.workspace import Workspace
from corpus.extract import Extracted
from crawlers.items import Found
from crawlers.reservations import page_reservations

__all__ = ["STAGE", "Parts", "document_row", "settle", "whole"]

STAGE = "extract"
_LOG = logging.getLogger(__name__)
_BATCH = 64 * 2**20  # bytes of parts merged at once, so that memory does not grow with the crawl


_HALF = re.compile("[\ud800-\udfff]")  # half of a surrogate pair is no character, and no file can hold it


def whole(text: str) -> str:
    r"""A text with U+FFFD in place of each half of a surrogate pair; offsets stay.

    >>> whole("a\ud83db") == "a\N{REPLACEMENT CHARACTER}b"
    True
    """
    return _HALF.sub("\ufffd", text)


def document_row(source: str, found: Found, extracted: Extracted) -> dict[str, Any]:
    """A row of schemas.DOCUMENTS: a pure function of the bytes, what the site says of them, and the extractor."""
    record, raw_sha256 = found.record, sha256_bytes(found.raw)
    sections = [{"kind": part.kind, "path": whole(part.path), "level": part.level, "start": part.start, "end": part.end}
                for part in extracted.sections]  # fmt: skip
    row = {
        "id": document_id(source, whole(record.key), raw_sha256),
        "source": source,
        "key": record.key,
        "revision": record.revision,
        "url": record.url,
        "title": record.title or extracted.title,
        "lang": extracted.lang or record.lang,
        "text": extracted.text,
        "sections": sections,
        "raw_sha256": raw_sha256,
        "container_sha256": found.container_sha256,
        "content_type": found.content_type,
        "licence": record.licence,
        "licence_evidence": record.licence_evidence,
        "attribution": record.attribution,
        "rights": list(record.rights),
        "reservations": page_reservations(found.raw),
        "extractor": extracted.extractor,
        "extractor_version": extracted.extractor_version,
        "kept_share": float(extracted.kept_share),
        "garbled_share": float(extracted.garbled_share),
    }
    return {name: whole(value) if isinstance(value, str) else value for name, value in row.items()}


class Parts:
    """The unsettled rows of a source: documents and refusals, in files that a kill leaves whole."""

    def __init__(self, workspace: Workspace, source: str) -> None:
        self.workspace, self.source = workspace, source
        self.folder = workspace.documents(source) / ".parts"

    def write(
        self, name: str, rows: Sequence[Mapping[str, Any]], dropped: Sequence[tuple[str, str, str]]
    ) -> list[FileRecord]:
        """Commit one part: documents, and refusals as (key, reason, detail). Raises StorageError."""
        files = []
        if rows:
            table = pa.Table.from_pylist(list(rows), schema=DOCUMENTS)
            files.append(write_shard(self.folder / f"{name}.documents.parquet", table))
        if dropped:
            booked = {f"{self.source}:{key}": (reason, detail) for key, reason, detail in dropped}
            table = ledger_table(STAGE, name, [], [(key, *why) for key, why in booked.items()])
            files.append(write_shard(self.folder / f"{name}.ledger.parquet", table))
        return files

    def files(self, kind: str) -> list[Path]:
        """The committed parts of a kind (documents or ledger)."""
        return sorted(path for path in self.folder.glob(f"*.{kind}.parquet") if not path.name.startswith("."))


def settle(workspace: Workspace, source: str) -> int:
    """Merge the parts of a source into its shards and its extract ledger; the number of document parts merged.

    Safe to repeat, and to be killed at any point: a part is removed only after the shards that hold its rows are
    committed. Raises StorageError, CorruptFileError.
    """
    parts = Parts(workspace, source)
    if not parts.folder.exists():
        return 0
    with _locked(parts.folder / "lock"), Manifest(workspace) as manifest:
        for folder in (parts.folder, workspace.documents(source), workspace.path("ledger", STAGE)):
            sweep(folder)
        _quarantine_damaged(manifest, source)
        documents, ledgers = parts.files("documents"), parts.files("ledger")
        for batch in _batches(documents):
            manifest.record(_settle_documents(workspace, source, batch))
        if documents or ledgers:
            manifest.record(_settle_ledger(workspace, source, ledgers))
        manifest.forget([workspace.relative(path) for path in [*documents, *ledgers]])
    return len(documents)


def _quarantine_damaged(manifest: Manifest, source: str) -> None:
    """Take shards of a source that are not what was committed out of every reader's way, and say so."""
    for record in manifest.files():
        relative = manifest.workspace.relative(record.path)
        ours = relative.startswith((f"documents/{source}/", f"ledger/{STAGE}/{source}-")) and ".parts" not in relative
        if ours and not manifest.intact(relative):
            moved = manifest.quarantine(relative)
            _LOG.warning(
                "%s was damaged: %s; what this crawl brings is written anew, for the rest crawl without a limit",
                relative,
                f"it is now {moved}" if moved else "it is gone",
            )


def _settle_documents(workspace: Workspace, source: str, parts: Sequence[Path]) -> Iterator[FileRecord]:
    """Merge parts into the shards they touch."""
    new: dict[str, list[dict[str, Any]]] = {}
    for path in parts:
        for row in read_shard(path).to_pylist():
            new.setdefault(row["id"][0], []).append(row)
    for digit, rows in sorted(new.items()):
        path = workspace.documents(source) / f"{digit}.parquet"
        old = read_shard(path).to_pylist() if path.exists() else []
        merged: dict[str, dict[str, Any]] = {}
        for row in (*old, *rows):
            kept = merged.get(row["id"])
            merged[row["id"]] = row if kept is None else max(kept, row, key=_canonical)
        ordered = [merged[key] for key in sorted(merged)]
        if ordered != old:
            yield write_shard(path, pa.Table.from_pylist(ordered, schema=DOCUMENTS))


def _settle_ledger(workspace: Workspace, source: str, parts: Sequence[Path]) -> Iterator[FileRecord]:
    """Book every record once: kept where a document of it stands, else dropped with its first reason in order."""
    kept = {f"{source}:{key}" for path in sorted(workspace.documents(source).glob("[0-9a-f].parquet"))
            for key in read_shard(path, ["key"]).column("key").to_pylist()}  # fmt: skip
    folder = workspace.path("ledger", STAGE)
    before = sorted(folder.glob(f"{source}-[0-9a-f].parquet"))
    dropped: dict[str, tuple[str, str]] = {}
    for path in (*before, *parts):
        for row in read_shard(path).to_pylist():
            why = (row["reason"], row["detail"])
            if row["outcome"] == "dropped" and row["id"] not in kept:
                dropped[row["id"]] = min(why, dropped.get(row["id"], why))
    for digit in "0123456789abcdef":
        path = folder / f"{source}-{digit}.parquet"
        table = ledger_table(
            STAGE,
            f"{source}-{digit}",
            [key for key in kept if _digit(key) == digit],
            [(key, *why) for key, why in dropped.items() if _digit(key) == digit],
        )
        if (table.num_rows or path in before) and not (path in before and read_shard(path).equals(table)):
            yield write_shard(path, table.cast(LEDGER))


def _digit(ledger_id: str) -> str:
    return hashlib.sha256(ledger_id.encode()).hexdigest()[0]


def _canonical(row: Mapping[str, Any]) -> tuple[list[int], str]:
    """A total order of rows with one id, the best last: the newest extractor's, then any, but always the same one.

    >>> newer = dict.fromkeys(DOCUMENTS.names, "") | {"extractor_version": "1+pypdf-7.10.0"}
    >>> _canonical(newer) > _canonical(newer | {"extractor_version": "1+pypdf-7.9.1"})
    True
    """
    version = [int(number) for number in re.findall("[0-9]+", row["extractor_version"])]
    return version, repr([row.get(name) for name in DOCUMENTS.names])


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += path.stat().st_size
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One settler at a time: two crawls of one source into one workspace must not overwrite each other's shards."""
    with storage_errors(path):
        file = path.open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
