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

    from numpy.typing import NDArray

    from corpus.base.sqlfiles import Relations
    from corpus.base.stages import Job

__all__ = ["part", "run"]

_PART: Final = 100_000  # candidates a part of the verification: their signatures take 50 MB
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
    """Unite what shares a key into components and deal these out in parts: dedup/candidates.parquet, by id."""
    exact, *bands = job.inputs
    tables = [read_shard(path) for path in bands]
    told = read_shard(exact)
    names: Any = pc.unique(pa.chunked_array([c for t in (told, *tables) for c in t["id"].chunks], pa.string()))
    names = names.take(pc.sort_indices(names))  # so that the least number of a component is its least id
    links = [_links(told, ("fold_hash",), names), *(_links(table, ("band", "key"), names) for table in tables)]
    left, right = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    roots = clusters(len(names), left, right)
    compared = np.zeros(len(names), np.bool_)
    for link in links[1:]:
        compared[link[1]] = True
    table = pa.table([names, pa.array(_parts(names, roots)), pa.array(compared)], schema=CANDIDATES)
    job.commit_table("dedup/candidates.parquet", table)


def _links(table: pa.Table, group: Sequence[str], names: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A link from the first row of each group (rows of a group follow each other) to every row of it."""
    found: Any = pc.index_in(whole(table["id"]), value_set=names)
    rows = np.asarray(found.to_numpy(zero_copy_only=False), np.int64)
    if not len(rows):
        return rows, rows
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = False
    for name in group:
        column: Any = whole(table[name])
        numbers = np.asarray(whole(column.dictionary_encode()).indices if name == "fold_hash" else column)
        starts[1:] |= numbers[1:] != numbers[:-1]
    return rows[np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))], rows


def _parts(names: Any, roots: NDArray[np.int64]) -> NDArray[np.int32]:
    """The part of each component: by a hash of its least id, so that parts are of a size."""
    parts = -(-len(roots) // _PART) or 1
    if parts == 1:
        return np.zeros(len(roots), np.int32)
    chosen = np.zeros(len(roots), np.int32)
    for root in np.unique(roots).tolist():
        digest = hashlib.blake2b(str(names[root].as_py()).encode(), digest_size=8).digest()
        chosen[root] = int.from_bytes(digest, "big") % parts
    return chosen[roots]
