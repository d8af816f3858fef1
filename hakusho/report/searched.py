"""The story of one document of a user's own files, as `hakusho dedup IN… --out DIR` left it in DIR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.errors import InputError
from corpus.base.shards import read_shard
from corpus.dedup.pieces import COLUMNS, read
from corpus.dedup.tables import values
from hakusho.report.difference import difference
from hakusho.report.why import parts

__all__ = ["searched", "tell_searched"]


def searched(out: Path, name: str) -> dict[str, Any]:
    """Everything a search knows of the document with this id: its pair, exact Jaccard, cluster, and what differs.

    Raises InputError where the folder holds no search, or the search no such document.
    """
    described = out / "work" / "search.json"
    if not described.is_file():
        raise InputError(f"{out}: no search lies here; name the folder that hakusho dedup IN --out wrote")
    files = json.loads(described.read_text(encoding="utf-8"))
    place = _rows(out / "clusters.parquet", "id", name)
    if not place:
        raise InputError(f"{out}: no document {name!r} among those searched")
    pairs = [{"relation": "copy of", **_pair(row, "keeper")} for row in _rows(out / "duplicates.parquet", "id", name)]
    pairs += [
        {"relation": "kept over", **_pair(row, "id")} for row in _rows(out / "duplicates.parquet", "keeper", name)
    ]
    cluster = [row["id"] for row in _rows(out / "clusters.parquet", "cluster", place[0]["cluster"])]
    story: dict[str, Any] = {
        "document": {"id": name, "cluster": place[0]["cluster"]},
        "duplicates": pairs,
        "versions": _versions(out, name),
        "contaminated": _rows(out / "contaminated.parquet", "id", name),
        "cluster": [key for key in cluster if key != name],
    }
    if pairs:
        texts = _texts(files, {name, pairs[0]["id"]})
        story["difference"] = difference(texts[name], texts[pairs[0]["id"]])
    return story


def tell_searched(story: dict[str, Any]) -> str:
    """The story as text, what became of the document first."""
    copies = [pair for pair in story["duplicates"] if pair["relation"] == "copy of"]
    if copies:
        head = f"left out: {copies[0]['rule']} of {copies[0]['id']}, Jaccard {copies[0]['jaccard']:.4g}"
    else:
        held = story["contaminated"]
        head = f"left out: holds {held[0]['item']} of {held[0]['set']}" if held else "kept"
    return "\n".join([head, *parts(story)])


def _pair(row: dict[str, Any], other: str) -> dict[str, Any]:
    return {"id": row[other], "jaccard": row["jaccard"], "rule": row["rule"], "cluster": row["cluster"]}


def _rows(path: Path, column: str, value: str) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    table: pa.Table = read_shard(path)
    return table.filter(pc.equal(table[column], pa.scalar(value))).to_pylist()


def _versions(out: Path, name: str) -> list[dict[str, Any]]:
    mine = _rows(out / "versions.parquet", "id", name)
    same = _rows(out / "versions.parquet", "work", mine[0]["work"]) if mine else []
    return [row for row in same if row["id"] != name]


def _texts(files: list[dict[str, Any]], wanted: set[str]) -> dict[str, str]:
    """The texts of these ids, from the files as they lie now."""
    found: dict[str, str] = {}
    for file in files:
        for table in read(Path(file["path"]), {**COLUMNS, **file["columns"]}, only=("id", "text")):
            some = table.filter(pc.is_in(table["id"], value_set=pa.array(sorted(wanted))))
            found.update(zip(values(some, "id"), values(some, "text"), strict=True))
            if len(found) == len(wanted):
                return found
    raise InputError(f"{', '.join(sorted(wanted - set(found)))}: no longer in the files that were searched")
