"""Stage "pii": personal data and secrets of normalised text, as spans and as masked text."""

from __future__ import annotations

from typing import Any

from corpus.base.shards import read_shard
from corpus.base.stages import Job
from corpus.measure.pii import masked_table


def run(job: Job) -> None:
    """Mask one normalised shard into pii/<name>.parquet (corpus.measure.pii.PII); drops nothing."""
    table = masked_table(read_shard(job.inputs[0], ["id", "source", "text"]))
    job.commit_table(f"pii/{job.name}.parquet", table)
    ids: list[Any] = table["id"].to_pylist()
    job.ledger(ids)
