"""Stage "boilerplate": lines that many documents of one source repeat, and how much of each document they are.

Navigation, running heads and page furniture come back line for line; counting whole lines in SQL finds them. The text
itself is left as it is: what is found is a measure, for the reports and for whoever sets a bound on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus.base.errors import ConfigError
from corpus.base.sqlfiles import digest, parquet, relations, select
from corpus.base.stages import Job, Task
from corpus.dedup.tables import BOILERPLATE_DOCUMENTS, BOILERPLATE_LINES

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.base.workspace import Workspace

__all__ = ["BoilerplateSettings", "run", "tasks"]


@dataclass(frozen=True)
class BoilerplateSettings:
    """From when on a repeated line is boilerplate. Raises ConfigError when a value cannot work."""

    documents: int = field(default=10, metadata={"help": "fewest documents of a source that hold such a line"})
    share: float = field(
        default=0.05, metadata={"help": "smallest share of the source's documents that hold it, 0 to 1"}
    )

    def __post_init__(self) -> None:
        if self.documents < 2:
            raise ConfigError(f"boilerplate documents is {self.documents}: give 2 or more")
        if not 0 <= self.share <= 1:
            raise ConfigError(f"boilerplate share is {self.share}: give a number from 0 to 1")


def tasks(workspace: Workspace, settings: BoilerplateSettings, *, memory: int) -> list[Task]:
    """Return one task a source, over its normalised shards."""
    sources: dict[str, list[Path]] = {}
    for shard in workspace.shards("normalised"):
        sources.setdefault(shard.stem.rpartition("-")[0], []).append(shard)
    config = {**asdict(settings), "sql": digest("dedup")}
    return [
        Task("boilerplate", source, "corpus.dedup.boilerplate:run", tuple(shards), config, memory)
        for source, shards in sources.items()
    ]


def run(job: Job) -> None:
    """Count the lines of one source: boilerplate/<source>-lines.parquet and <source>-documents.parquet."""
    limits = pa.table({"least": [job.config["documents"]], "share": [job.config["share"]]})
    lines = f"boilerplate/lines/{job.name}.parquet"
    with relations(job.root, job.memory) as database:
        database.view("texts", f"SELECT id, source, text FROM {parquet(job.inputs)}")
        database.register("limits", limits)
        found = database.stream(select("dedup", "boilerplate_lines"), BOILERPLATE_LINES)
        job.commit_stream(lines, BOILERPLATE_LINES, found)
        database.view("boilerplate", f"SELECT * FROM {parquet([job.root / lines])}")
        shares = database.stream(select("dedup", "boilerplate_documents"), BOILERPLATE_DOCUMENTS)
        job.commit_stream(f"boilerplate/documents/{job.name}.parquet", BOILERPLATE_DOCUMENTS, shares)
