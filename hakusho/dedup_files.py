"""`hakusho dedup IN… --out DIR`: the stages of corpus.dedup over a user's own files; DIR/work is their workspace."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.commit import commit_bytes, commit_file, remove_file
from corpus.base.errors import UsageError
from corpus.base.shards import read_shard, write_shard
from corpus.base.units import canonical
from corpus.base.workspace import Workspace
from corpus.dedup import decontaminate
from corpus.dedup.files import bring_tasks, expand, kept_tasks, pieces, place
from corpus.dedup.stages import MEMORY
from corpus.dedup.stages import tasks as dedup_tasks
from corpus.dedup.tables import whole
from hakusho.stages import run_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from corpus.base.executor import Executor
    from corpus.base.stages import StageReport, Task
    from corpus.dedup.settings import DedupSettings

__all__ = ["Search", "search"]

_TABLES = ("duplicates", "clusters", "versions")


@dataclass(frozen=True)
class Search:
    """What to search and how; `columns` says what id, text, source, revision and work are called in the files.

    `against` are the values of DecontaminationSettings.
    """

    inputs: tuple[Path, ...]
    out: Path
    columns: Mapping[str, str]
    settings: DedupSettings
    against: Mapping[str, Any]
    executor: Executor
    memory: int = MEMORY
    write_kept: bool = False


def search(wanted: Search, *, quiet: bool) -> dict[str, Any]:
    """Search the files, write the tables to `out` and return the counts.

    What is finished is not done again: a killed search goes on, and one with more files signs only those. Raises
    InputError and its kin for files that cannot be right, UsageError for files that it would write, StorageError.
    """
    files = expand(wanted.inputs)
    _keep(files, wanted.out.absolute())
    workspace = Workspace(wanted.out.absolute() / "work")
    report = None
    for tasks in _stages(wanted, workspace, files):
        done = run_stage(workspace, tasks, executor=wanted.executor, quiet=quiet)
        report = done if done.stage == "dedup" else report
    commit_bytes(workspace.path("search.json"), canonical(_described(workspace, files, wanted.columns)))
    for name in _TABLES:
        _copy(workspace.path("dedup", f"{name}.parquet"), wanted.out / f"{name}.parquet")
    held = [read_shard(path) for path in workspace.shards("contaminated")]
    if held:
        write_shard(wanted.out / "contaminated.parquet", pa.concat_tables(held).sort_by("id"))
    else:
        remove_file(wanted.out / "contaminated.parquet")
    if wanted.write_kept:
        for path in sorted(workspace.path("kept").iterdir()):
            _copy(path, wanted.out / "kept" / path.name)
    assert report is not None  # the last stage of the search
    return _counts(report, wanted.out)


def _keep(files: list[Path], out: Path) -> None:
    """Raise UsageError where the search would write over, or read, what it makes."""
    made = [out / f"{name}.parquet" for name in (*_TABLES, "contaminated")]
    for path in files:
        if path in made or any(out / name in path.parents for name in ("work", "kept")):
            raise UsageError(f"{path} is among the files read, and is what --out {out} holds; give another folder")


def _stages(wanted: Search, workspace: Workspace, files: list[Path]) -> Iterator[list[Task]]:
    if brought := bring_tasks(files, wanted.columns):
        yield brought
    found = pieces(workspace, files, wanted.columns)
    yield from dedup_tasks(workspace, wanted.settings, found, memory=wanted.memory)
    yield from decontaminate.stages(workspace, wanted.against, found)
    if wanted.write_kept:
        yield kept_tasks(workspace, files, wanted.columns)


def _described(workspace: Workspace, files: list[Path], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """The Parquet files that hold the documents, and their columns: what `hakusho why` reads texts from."""
    places = [(path, place(workspace, path)) for path in files]
    return [{"path": str(held), "columns": dict(columns) if held == path else {}} for path, held in places]


def _copy(source: Path, target: Path) -> None:
    def write(temporary: Path) -> None:
        shutil.copyfile(source, temporary)

    commit_file(target, write)


def _counts(report: StageReport, out: Path) -> dict[str, Any]:
    clusters: Any = pc.count_distinct(read_shard(out / "clusters.parquet", ["cluster"])["cluster"])
    path = out / "contaminated.parquet"
    held = whole(read_shard(path, ["id"])["id"]) if path.exists() else pa.array([], pa.string())
    copies: Any = pc.is_in(held, value_set=whole(read_shard(out / "duplicates.parquet", ["id"])["id"]))
    return {
        "documents": report.rows_in,
        "clusters": clusters.as_py(),
        "exact_duplicates": report.dropped.get("exact_duplicate", 0),
        "near_duplicates": report.dropped.get("near_duplicate", 0),
        "versions": report.dropped.get("version", 0),
        "contaminated": len(held),
        "kept": report.kept - copies.false_count,
        "out": str(out),
    }
