"""The validators of a source: what the newest good answer of each URL had, and where it lies in the archive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace

__all__ = ["Kept", "Validators"]

_COLUMNS = ("time", "final_url", "method", "status", "purpose", "etag", "last_modified", "warc_file", "warc_offset")


@dataclass(frozen=True)
class Kept:
    """A good answer: its validators as sent ("" for none), and its record in the archive."""

    etag: str
    last_modified: str
    file: str
    offset: int


class Validators:
    """Read once from the history; a URL costs an entry of a table and of a dictionary, some 200 bytes together."""

    def __init__(self, workspace: Workspace, source: str) -> None:
        self.workspace = workspace
        tables = [_useful(path) for path in sorted(workspace.fetches(source).glob("*.parquet"))]
        whole = pa.concat_tables([table for table in tables if table.num_rows]) if any(map(len, tables)) else None
        self._table = whole.sort_by("time").combine_chunks() if whole is not None else None
        self._place: dict[bytes, int] = {}
        if self._table is not None:
            for number, url in enumerate(self._table.column("final_url")):
                self._place[_key(url.as_py())] = number  # in the order of time: the newest stays
            self._table = self._table.drop_columns(["final_url", "time"])

    def __len__(self) -> int:
        """URLs with validators."""
        return len(self._place)

    def of(self, url: str) -> Kept | None:
        """What the newest good answer of a URL had; None where it had no validator, or its file is gone."""
        number = self._place.get(_key(url))
        if number is None or self._table is None:
            return None
        row: dict[str, Any] = self._table.slice(number, 1).to_pylist()[0]
        if not (row["etag"] or row["last_modified"]) or not self._there(row["warc_file"], row["warc_offset"]):
            return None
        return Kept(row["etag"] or "", row["last_modified"] or "", row["warc_file"], row["warc_offset"])

    def _there(self, file: str, offset: int) -> bool:
        path: Path = self.workspace.path(file)
        return path.is_file() and path.stat().st_size > offset


def _useful(path: Path) -> pa.Table:
    """The good answers of a file of the history that the archive holds."""
    table = read_shard(path, _COLUMNS)
    if not {"warc_file", "warc_offset"} <= set(table.column_names):
        return table.slice(0, 0)  # from before there was an archive
    good = (
        (pc.field("status") == 200)
        & (pc.field("method") == "GET")
        & pc.field("purpose").isin(["listing", "document"])
        & pc.field("warc_file").is_valid()
    )
    return table.filter(good).drop_columns(["method", "status", "purpose"])


def _key(url: str) -> bytes:
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=12).digest()
