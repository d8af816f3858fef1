"""Stages "gathered" and "verified": candidates brought together by part, and the exact search in each part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.base.shards import read_shard
from corpus.dedup.find import find
from corpus.dedup.pieces import read
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import CANDIDATES, GATHERED, SIGNATURES, values, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from corpus.base.stages import Job

__all__ = ["run", "verify"]

_BATCH: Final = 1 << 20  # candidates in memory at once


def run(job: Job) -> None:
    """Write the candidates among some shards, by part and id, with the texts that will be compared."""
    count = (len(job.inputs) - 1) // 2
    columns, groups = cast("list[dict[str, str]]", job.config["columns"]), cast("list[list[int]]", job.config["groups"])
    signed, paths = job.inputs[1 : 1 + count], job.inputs[1 + count :]
    ids = pa.chunked_array([chunk for path in signed for chunk in read_shard(path, ["id"])["id"].chunks], pa.string())
    candidates = _among(job.inputs[0], ids)
    found = [_of_piece(candidates, *place) for place in zip(signed, paths, columns, groups, strict=True)]
    table = pa.concat_tables(found).sort_by([("part", "ascending"), ("id", "ascending")])
    job.commit_table(f"dedup/gathered/{job.name}.parquet", table)


def _among(path: Path, ids: Any) -> pa.Table:
    """The candidates with one of these ids; the table of all of them is larger than this task's memory may be."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        batches = (batch.filter(pc.is_in(batch["id"], value_set=ids)) for batch in file.iter_batches(_BATCH))
        return pa.Table.from_batches(batches, CANDIDATES)


def _of_piece(
    candidates: pa.Table, signed: Path, path: Path, columns: Mapping[str, str], groups: Sequence[int]
) -> pa.Table:
    ids = whole(read_shard(signed, ["id"])["id"])
    at: Any = pc.index_in(ids, value_set=whole(candidates["id"]))
    mine = pc.is_valid(at)
    if not pc.any(mine).as_py():
        return GATHERED.empty_table()
    rows = candidates.take(at.drop_null())  # in the order of the shard
    compared = whole(rows.filter(rows["compared"])["id"])
    texts = dict.fromkeys(values(rows, "id"), "")
    if len(compared):
        for table in read(path, columns, groups, only=("id", "text")):
            some = table.filter(pc.is_in(table["id"], value_set=compared))
            texts.update(zip(values(some, "id"), values(some, "text"), strict=True))
    facts = read_shard(signed).filter(mine)
    told: dict[str, Any] = {"part": rows["part"], "text": pa.array(texts.values(), pa.string())}
    return pa.table(
        [told.get(name, facts[name] if name not in told else None) for name in GATHERED.names], schema=GATHERED
    )


def verify(job: Job) -> None:
    """Search one part: dedup/verified/<part>-duplicates.parquet and -clusters.parquet."""
    part = cast("int", job.config["part"])
    settings = DedupSettings(**{name: value for name, value in job.config.items() if name != "part"})  # type: ignore[arg-type]
    table = pa.concat_tables([_rows_of(path, part) for path in job.inputs])
    found = find(table.select(SIGNATURES.names), lambda ids: _texts(table, ids), settings)
    job.commit_table(f"dedup/verified/{job.name}-duplicates.parquet", found.duplicates)
    job.commit_table(f"dedup/verified/{job.name}-clusters.parquet", found.clusters)


def _texts(table: pa.Table, ids: Sequence[str]) -> dict[str, str]:
    some = table.filter(pc.is_in(table["id"], value_set=pa.array(ids, pa.string())))
    return dict(zip(values(some, "id"), values(some, "text"), strict=True))


def _rows_of(path: Path, part: int) -> pa.Table:
    """The rows of a part; a row group whose statistics exclude it is not read, for rows lie by part."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        column = GATHERED.names.index("part")
        wanted = []
        for group in range(file.metadata.num_row_groups):
            limits: Any = file.metadata.row_group(group).column(column).statistics
            if limits is None or limits.min <= part <= limits.max:
                wanted.append(group)
        table = file.read_row_groups(wanted) if wanted else file.schema_arrow.empty_table()
    return table.filter(pc.equal(table["part"], pa.scalar(part, pa.int32()))).cast(GATHERED)
