"""A small corpus with copies of all kinds as a workspace, and stage functions that die, for tests of deduplication."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pyarrow as pa

from corpus.base.commit import is_temporary, sha256_file
from corpus.base.errors import InputError
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import Job, Task
from corpus.base.workspace import Workspace

Row = tuple[str, str, str, str, str]
"""(id, source, key, revision, text)"""


def documents(groups: int = 12, seed: int = 3) -> list[Row]:
    """Groups of a text, its exact copy, a version, a near copy, an unrelated text twice, ja and en in turn."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for number in range(groups):
        letters = [
            chr(rng.randrange(0x4E00, 0x5200)) if number % 2 else rng.choice("etaoin shrdlu") for _ in range(300)
        ]
        text = "".join(letters)
        other = "".join(chr(rng.randrange(0x5300, 0x5600)) for _ in range(200))
        named = [
            ("egov", f"{number:03}_1", "1", text),
            ("egov", f"{number:03}_2", "2", text + "第二版"),
            ("nasa", f"{number:03}", "1", text),
            ("wikipedia", f"ja:{number:03}", "9", "引用" + text[10:]),
            ("wikipedia", f"en:{number:03}", "9", other),
            ("nasa", f"{number:03}b", "1", other),
        ]
        rows += [(_digest(f"{source}{key}"), source, key, revision, text) for source, key, revision, text in named]
    return rows


def workspace(root: Path, rows: list[Row] | None = None) -> Workspace:
    """A workspace with the normalised shards and documents of these rows, by source and first digit of the id."""
    made = Workspace(root)
    shards: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(documents() if rows is None else rows):
        shards.setdefault((row[1], row[0][0]), []).append(row)
    for (source, digit), held in shards.items():
        texts = [
            {"id": key, "source": source, "text": text, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}
            for key, _, _, _, text in held
        ]
        write_shard(made.path("normalised", f"{source}-{digit}.parquet"), pa.Table.from_pylist(texts))
        keys = [{"id": key, "key": name, "revision": revision} for key, _, name, revision, _ in held]
        write_shard(made.documents(source) / f"{digit}.parquet", pa.Table.from_pylist(keys))
    return made


def hashes(made: Workspace, *folders: str) -> dict[str, str]:
    """SHA-256 of every file that stages made, by relative path."""
    files = [path for path in made.root.rglob("*") if path.is_file() and not path.name.startswith("state.sqlite")]
    assert not [path for path in files if is_temporary(path)]
    named = {made.relative(path): sha256_file(path) for path in files}
    return {name: digest for name, digest in named.items() if not folders or name.startswith(folders)}


def slow(job: Job) -> None:
    """Copy a shard, in a moment."""
    time.sleep(0.2)
    job.commit_table(f"copied/{job.name}.parquet", read_shard(job.inputs[0]))


def slow_tasks(made: Workspace, function: str = "slow", **config: object) -> list[Task]:
    """One such task a normalised shard."""
    return [
        Task("copied", path.stem, f"dedup_corpus:{function}", (path,), config) for path in made.shards("normalised")
    ]


def dies_thrice(job: Job) -> None:
    """`slow`, but the first attempts of three units kill their worker, and the last ones wait for a node to fall.

    job.config: marks, a folder of one file a death; the file "fallen" beside it says that the node is gone.
    """
    mark = Path(str(job.config["marks"])) / job.name
    until = time.monotonic() + 60
    while (
        job.name.startswith("wikipedia") and not mark.parent.with_name("fallen").exists() and time.monotonic() < until
    ):
        time.sleep(0.05)
    if job.name.startswith("nasa") and len(list(mark.parent.iterdir())) < 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    slow(job)


def noop(number: int) -> int:
    """Nothing, at a worker."""
    time.sleep(0)
    return number


def refuse(number: int) -> int:
    """An error of ours."""
    del number
    raise InputError("what and where")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
