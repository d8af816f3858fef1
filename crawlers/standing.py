"""What the history of fetches says of documents today: which revision of a page stands, and what its headers reserve.

`documents` has no clock, so it cannot tell which of two texts of one page came later. This table can: it is made anew
at the end of every crawl from `fetches` and `documents` alone, in no particular order of events, and holds a row only
where there is something to say. The same history gives the same bytes.

Two documents are revisions of one page where source, key and URL are the same. The one whose bytes a fetch saw last
(a 304 sees the bytes that it says still stand) is the newest; each names the one before it. A page that goes back to an
earlier text makes the earlier document the newest again.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import pyarrow as pa

from corpus.base.manifest import Manifest
from corpus.base.schemas import STANDING
from corpus.base.shards import read_shard, write_shard
from corpus.base.workspace import Workspace
from crawlers.reservations import header_reservations

__all__ = ["stand"]

_DOCUMENT = ("id", "key", "url", "raw_sha256", "container_sha256")
_FETCH = ("time", "status", "raw_sha256", "x_robots_tag", "tdm_reservation", "tdm_policy", "tdm_place")


def stand(workspace: Workspace, source: str) -> None:
    """Write data/standing/<source>.parquet, if it would differ. Raises StorageError, CorruptFileError."""
    seen, said = _history(workspace, source)
    pages: defaultdict[tuple[str, str], list[tuple[Any, str]]] = defaultdict(list)
    rows: dict[str, dict[str, Any]] = {}
    for path in sorted(workspace.documents(source).glob("[0-9a-f].parquet")):
        for row in read_shard(path, _DOCUMENT).to_pylist():
            body = row["container_sha256"] or row["raw_sha256"]
            if body in seen:
                pages[row["key"], row["url"]].append((seen[body], row["id"]))
            if said.get(body):
                rows[row["id"]] = _row(source, row["id"]) | {"reservations": said[body]}
    for revisions in pages.values():
        ordered = [key for _, key in sorted(revisions)]
        for older, newer in itertools.pairwise(ordered):
            rows.setdefault(older, _row(source, older))["superseded_by"] = newer
            rows.setdefault(newer, _row(source, newer))["supersedes"] = older
    _write(workspace, source, [rows[key] for key in sorted(rows)])


def _history(workspace: Workspace, source: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """SHA-256 of a body -> when a fetch last saw it, and what the last answer that could say so reserves."""
    seen: dict[str, Any] = {}
    said: dict[str, tuple[Any, list[str]]] = {}
    for path in sorted(workspace.fetches(source).glob("*.parquet")):
        for row in read_shard(path, _FETCH).to_pylist():
            body = row["raw_sha256"]
            if body is None:
                continue
            seen[body] = max(seen.get(body, row["time"]), row["time"])
            columns = [row.get(name) for name in _FETCH[3:]]
            if row["status"] == 304 and not any(columns):
                continue  # a 304 need not repeat the headers of the answer that it confirms
            words = header_reservations(*columns)
            said[body] = max(said.get(body, (row["time"], words)), (row["time"], words))
    return seen, {body: words for body, (_, words) in said.items()}


def _row(source: str, key: str) -> dict[str, Any]:
    return {"id": key, "source": source, "supersedes": None, "superseded_by": None, "reservations": []}


def _write(workspace: Workspace, source: str, rows: list[dict[str, Any]]) -> None:
    path, table = workspace.path("standing", f"{source}.parquet"), pa.Table.from_pylist(rows, schema=STANDING)
    if (rows or path.exists()) and not (path.exists() and read_shard(path).equals(table)):
        with Manifest(workspace) as manifest:
            manifest.record([write_shard(path, table)])
