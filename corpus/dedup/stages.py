"""The two stages of deduplication over a workspace: signatures a shard, clusters over all of them.

normalised/<name>.parquet, by `sign`, to dedup/signatures/<name>.parquet; all of these, by `cluster`, to
dedup/duplicates.parquet and dedup/clusters.parquet.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from corpus.base.errors import EmptyInputError
from corpus.base.shards import read_shard
from corpus.base.stages import Job, Task
from corpus.dedup.find import find, texts_of
from corpus.dedup.find import sign as sign_table
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import values
from corpus.dedup.versions import work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corpus.base.workspace import Workspace


def tasks(workspace: Workspace, settings: DedupSettings | None = None) -> tuple[list[Task], Task]:
    """Return the sign tasks (one a normalised shard) and the cluster task, to be run in this order.

    Raises EmptyInputError where the workspace holds no normalised shard.
    """
    chosen = settings or DedupSettings()
    shards = workspace.shards("normalised")
    if not shards:
        raise EmptyInputError(f"no normalised documents in {workspace.root}: harvest, then run hakusho curate")
    # A changed threshold must not sign anything again.
    signing = {"bands": chosen.bands, "rows": chosen.rows, "seed": chosen.seed}
    signers = [
        Task("signatures", shard.stem, "corpus.dedup.stages:sign", (shard, _documents(workspace, shard)), signing)
        for shard in shards
    ]
    signed = [workspace.path("dedup", "signatures", shard.name) for shard in shards]
    return signers, Task("dedup", "all", "corpus.dedup.stages:cluster", (*signed, *shards), asdict(chosen))


def sign(job: Job) -> None:
    """Sign one normalised shard into dedup/signatures/<name>.parquet (corpus.dedup.find.SIGNATURES, by id)."""
    table = _with_work(read_shard(job.inputs[0], ["id", "source", "text"]), job.inputs[1])
    job.commit_table(f"dedup/signatures/{job.name}.parquet", sign_table(table, _settings(job.config)).sort_by("id"))


def cluster(job: Job) -> None:
    """Find the duplicates among all signed shards; commit both tables and book every document as kept or dropped."""
    parts: dict[str, list[Path]] = {"dedup": [], "normalised": []}
    for path in job.inputs:
        parts[job.workspace.relative(path).split("/")[0]].append(path)
    signed = pa.concat_tables([read_shard(path) for path in parts["dedup"]])
    texts = texts_of(read_shard(path, ["id", "text"]) for path in parts["normalised"])
    found = find(signed, texts, _settings(job.config))
    job.commit_table("dedup/duplicates.parquet", found.duplicates)
    job.commit_table("dedup/clusters.parquet", found.clusters)
    rows = found.duplicates.select(["id", "rule", "keeper"]).to_pylist()
    dropped = [(row["id"], row["rule"], row["keeper"]) for row in rows]
    gone = {row["id"] for row in rows}
    kept = [key for key in values(found.clusters, "id") if key not in gone]
    job.ledger(kept, dropped, rows_in=signed.num_rows)


def _documents(workspace: Workspace, shard: Path) -> Path:
    """The documents that a normalised shard, named source-part, was made from."""
    source, _, part = shard.stem.rpartition("-")
    return workspace.documents(source) / f"{part}.parquet"


def _with_work(table: pa.Table, documents: Path) -> pa.Table:
    """The table with each document's revision and work."""
    rows = {row["id"]: row for row in read_shard(documents, ["id", "key", "revision"]).to_pylist()}
    found = [(rows[key], source) for key, source in zip(values(table, "id"), values(table, "source"), strict=True)]
    revisions = pa.array([row["revision"] for row, _ in found], pa.string())
    works = pa.array([work(source, row["key"]) for row, source in found], pa.string())
    return table.append_column("revision", revisions).append_column("work", works)


def _settings(config: Mapping[str, Any]) -> DedupSettings:
    return DedupSettings(**config)
