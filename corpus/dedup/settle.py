"""Stage "dedup": what the parts found as the tables of the whole, and every document's line in the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from corpus.base.schemas import LEDGER
from corpus.base.shards import row_count
from corpus.base.sqlfiles import parquet, relations, select
from corpus.dedup.tables import CLUSTERS, DUPLICATES, VERSIONS
from corpus.dedup.versions import versions

if TYPE_CHECKING:
    from corpus.base.stages import Job

__all__ = ["run"]


def run(job: Job) -> None:
    """Write dedup/duplicates, clusters and versions, by id, and book each document as kept or dropped by its rule."""
    keys = [path for path in job.inputs if path.parent.name == "keys"]
    parts = {
        table: [path for path in job.inputs if path.stem.endswith(f"-{table}") and path not in keys]
        for table in ("duplicates", "clusters")
    }
    works = pa.schema([VERSIONS.field(name) for name in ("id", "work", "revision", "cluster")])
    with relations(job.root, job.memory) as database:
        database.view("keys", f"SELECT id, revision, work FROM {parquet(keys)}")
        database.view("duplicates", f"SELECT * FROM {parquet(parts['duplicates'])}")
        database.view("verified", f"SELECT * FROM {parquet(parts['clusters'])}")
        found = database.stream("SELECT * FROM duplicates ORDER BY id", DUPLICATES)
        job.commit_stream("dedup/duplicates.parquet", DUPLICATES, found)
        job.commit_stream("dedup/clusters.parquet", CLUSTERS, database.stream(select("dedup", "clusters"), CLUSTERS))
        database.view("clusters", f"SELECT * FROM {parquet([job.root / 'dedup' / 'clusters.parquet'])}")
        job.commit_table("dedup/versions.parquet", versions(database.table(select("dedup", "works"), works)))
        job.ledger_rows(database.stream(select("dedup", "ledger"), LEDGER), rows_in=sum(map(row_count, keys)))
