"""Small stage functions that the tests of corpus/base run, also in worker processes (by name)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.shards import read_shard
from corpus.base.stages import Job, Task
from corpus.base.workspace import Workspace


def shout(job: Job) -> None:
    """Keep rows with text, in upper case; drop the others as "empty"."""
    table = read_shard(job.inputs[0])
    full = pc.greater(pc.utf8_length(table["text"]), int(str(job.config.get("shorter_than", 0))))
    kept = table.filter(full)
    out = pa.table({"id": kept["id"], "text": pc.utf8_upper(kept["text"])})
    job.commit_table(f"{job.stage}/{job.name}.parquet", out)
    dropped = table.filter(pc.invert(full))["id"].to_pylist()
    job.ledger(kept["id"].to_pylist(), [(str(one), "empty", "") for one in dropped])


def shout_and_note(job: Job) -> None:
    """The same, with a second file where the configuration asks for it."""
    shout(job)
    if job.config.get("note"):
        job.commit(
            f"{job.stage}/{job.name}.txt", lambda path: Path(path).write_text("note\n", encoding="utf-8") and None
        )


def forget_a_row(job: Job) -> None:
    """A faulty stage: it loses the last row."""
    table = read_shard(job.inputs[0])
    job.commit_table(f"{job.stage}/{job.name}.parquet", table)
    job.ledger([str(one) for one in table["id"].to_pylist()][:-1])


def nothing(job: Job) -> None:
    """No work: what a unit costs by itself."""
    job.ledger([str(one) for one in read_shard(job.inputs[0], ["id"])["id"].to_pylist()])


def slow(job: Job) -> None:
    """Take a moment."""
    time.sleep(0.2)
    shout(job)


def killed_writing(job: Job) -> None:
    """The first that comes here is killed in the middle of a commit; the others, and its repetition, just work."""

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    with contextlib.suppress(FileExistsError):
        (job.root / "killed").touch(exist_ok=False)
        job.commit(f"{job.stage}/{job.name}.parquet", write)
    shout(job)


def corpus_of(root: Path, shards: int = 3, rows: int = 5) -> Workspace:
    """A workspace with `shards` small shards in data/in; every fifth row has no text."""
    from corpus.base.shards import write_shard

    workspace = Workspace(root)
    for shard in range(shards):
        ids = [f"{shard:02d}-{row:03d}" for row in range(rows)]
        texts = ["" if row % 5 == 4 else f"row {row} of shard {shard}" + "!" * (row % 5) for row in range(rows)]
        write_shard(workspace.path("in", f"s{shard:02d}.parquet"), pa.table({"id": ids, "text": texts}))
    return workspace


def tasks_of(workspace: Workspace, function: str = "base_stages:shout", **config: object) -> list[Task]:
    """One task a shard of data/in."""
    return [Task("loud", path.stem, function, (path,), config) for path in workspace.shards("in")]
