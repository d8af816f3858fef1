"""Stage "measures": normalised text to numbers, once, so that every later cut is SQL over columns."""

from __future__ import annotations

from typing import Any

from corpus.base.shards import read_shard
from corpus.base.stages import Job
from corpus.measure.quality import measures


def run(job: Job) -> None:
    """Measure one normalised shard into measures/<name>.parquet (corpus.measure.quality.MEASURES); drops nothing."""
    table = measures(read_shard(job.inputs[0], ["id", "source", "text"]))
    job.commit_table(f"measures/{job.name}.parquet", table)
    ids: list[Any] = table["id"].to_pylist()
    job.ledger(ids)
