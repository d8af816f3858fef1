"""Stages "bands" and "candidates": who shares a key with whom, and which documents belong into one comparison."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.errors import InputError
from corpus.base.shards import read_shard
from corpus.base.sqlfiles import parquet, relations, select
from corpus.dedup.clusters import clusters
from corpus.dedup.tables import BUCKETS, CANDIDATES, EXACT, band_column, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from corpus.base.sqlfiles import Relations
    from corpus.base.stages import Job

__all__ = ["part", "run"]

PART: Final = 100_000  # candidates a part of the verification, at least: their signatures take 50 MB
PARTS: Final = 500  # parts at most: each reads its rows out of every gathered file
_SLICE: Final = 1_000_000  # candidates written at once
_IDS: Final = pa.large_string()  # ids of more than 2 GB in one array
_REPEATED: Final = EXACT.remove(0).append(pa.field("documents", pa.int64()))


def run(job: Job) -> None:
    """Join all documents on the keys of some bands (BUCKETS); the first task also on their folded texts (EXACT).

    Raises InputError for an id that names more than one document, or where the memory does not do.
    """
    with relations(job.root, job.memory) as database:
        if job.config["exact"]:
            database.view("keys", f"SELECT id, fold_hash FROM {parquet(job.inputs)}")
            twice = next(database.stream(select("dedup", "repeated_ids"), _REPEATED)).to_pylist()
            if twice:
                raise InputError(f"id {twice[0]['id']!r} occurs more than once: ids must be unique over all inputs")
            job.commit_stream("dedup/bands/exact.parquet", EXACT, database.stream(select("dedup", "exact"), EXACT))
        job.commit_stream(f"dedup/bands/{job.name}.parquet", BUCKETS, _buckets(job, database))


def _buckets(job: Job, database: Relations) -> Iterator[pa.Table]:
    first, after = cast("list[int]", job.config["bands"])
    prefix, prefixes = cast("int", job.config["prefix"]), cast("int", job.config["prefixes"])
    schema = pa.schema([BUCKETS.field(name) for name in ("key", "id")])
    for band in range(first, after):
        column = band_column(band)
        cut = f" WHERE {column} % {prefixes} = {prefix}" if prefixes > 1 else ""
        database.view("keys", f"SELECT id, fold_hash, {column} AS key FROM {parquet(job.inputs)}{cut}")
        for table in database.stream(select("dedup", "band"), schema):
            number = pa.array(np.full(table.num_rows, band, np.int16))
            yield pa.table([number, table["key"], table["id"]], schema=BUCKETS)


def part(job: Job) -> None:
    """Unite what shares a key into components and deal these out in parts: dedup/candidates.parquet, by id.

    One band's table is in memory at a time; what stays is the ids of the candidates and a number for each.
    """
    exact = job.inputs[0]
    names = _names(job.inputs)
    every = np.arange(len(names), dtype=np.int64)
    roots, compared = every, np.zeros(len(names), np.bool_)
    for path in job.inputs:
        left, right = _links(read_shard(path), ("fold_hash",) if path == exact else ("band", "key"), names)
        roots = clusters(len(names), np.concatenate([roots, left]), np.concatenate([every, right]))
        if path != exact:
            compared[right] = True
    told = pa.table({"id": names, "part": _parts(names, roots), "compared": compared})
    slices = (told.slice(start, _SLICE).cast(CANDIDATES) for start in range(0, len(names), _SLICE))
    job.commit_stream("dedup/candidates.parquet", CANDIDATES, slices)


def _names(paths: Sequence[Path]) -> Any:
    """Every id of these tables once, ascending, so that the least number of a component is its least id."""
    names: Any = pa.array([], _IDS)
    for path in paths:
        names = pc.unique(pa.chunked_array([names, *read_shard(path, ["id"])["id"].cast(_IDS).chunks], _IDS))
    return names.take(pc.sort_indices(names))


def _links(table: pa.Table, group: Sequence[str], names: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A link from the first row of each group (rows of a group follow each other) to every row of it."""
    found: Any = pc.index_in(whole(table["id"].cast(_IDS)), value_set=names)
    rows = np.asarray(found.to_numpy(zero_copy_only=False), np.int64)
    if not len(rows):
        return rows, rows
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = False
    for name in group:
        column: Any = table[name]
        coded: Any = whole(column.cast(_IDS)).dictionary_encode().indices if name == "fold_hash" else whole(column)
        numbers = np.asarray(coded)
        starts[1:] |= numbers[1:] != numbers[:-1]
    return rows[np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))], rows


def _parts(names: Any, roots: NDArray[np.int64]) -> NDArray[np.int32]:
    """The part of each component: by a hash of its least id, so that parts are of a size."""
    parts = min(-(-len(roots) // PART) or 1, PARTS)
    if parts == 1:
        return np.zeros(len(roots), np.int32)
    chosen = np.zeros(len(roots), np.int32)
    for root in np.unique(roots).tolist():
        digest = hashlib.blake2b(str(names[root].as_py()).encode(), digest_size=8).digest()
        chosen[root] = int.from_bytes(digest, "big") % parts
    return chosen[roots]
