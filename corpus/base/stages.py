"""Stages: units of work over shards, each done once, redone when anything it depends on changes.

A stage function takes a Job and commits its outputs through it; this module decides which units are stale, runs those
in an executor, and records each in the manifest. Kill it at any point and the same call goes on; the bytes that come
out are the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pyarrow as pa

from corpus.base import ledger
from corpus.base.commit import FileRecord, commit_file, commit_folder, sweep
from corpus.base.errors import EmptyInputError, LedgerError
from corpus.base.executor import Executor
from corpus.base.manifest import Manifest, Unit
from corpus.base.progress import Progress
from corpus.base.schemas import LEDGER
from corpus.base.shards import read_shard, row_count, write_shard, write_stream
from corpus.base.units import code_version, unit_key
from corpus.base.workspace import Workspace

__all__ = ["Job", "StageReport", "Task", "drop_stage", "run_tasks"]


@dataclass(frozen=True)
class Task:
    """A unit of work to do: `function` is "module:name", called with a Job; `config` is plain JSON values.

    `memory` bounds in bytes what a relational step of it takes; it decides no result and is no part of the key.
    """

    stage: str
    name: str
    function: str
    inputs: tuple[Path, ...]
    config: Mapping[str, object] = field(default_factory=dict)
    memory: int = 1 << 30


@dataclass
class StageReport:
    """What a stage did: units done and skipped, rows in, kept, and dropped by reason (over all its units)."""

    stage: str
    done: int = 0
    skipped: int = 0
    rows_in: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    healed: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line for a person."""
        work = "up to date" if not self.done else f"{self.done} of {self.done + self.skipped} units done"
        drops = ", ".join(f"{number} {reason}" for reason, number in sorted(self.dropped.items()))
        rows = (
            f"; {self.kept} of {self.rows_in} rows kept" + (f" (dropped: {drops})" if drops else "")
            if self.rows_in
            else ""
        )
        healed = f"; rebuilt after damage: {', '.join(self.healed)}" if self.healed else ""
        return f"{self.stage}: {work}{rows}{healed}"


class Job:
    """What a stage function works with, in whichever process it runs."""

    def __init__(self, root: Path, task: Task) -> None:
        self.root, self.stage, self.name = root, task.stage, task.name
        self.inputs = list(task.inputs)
        self.config = task.config
        self.memory = task.memory
        self.workspace = Workspace(root)
        self.files: list[FileRecord] = []
        self.rows_in = self.kept = 0
        self.dropped: dict[str, int] = {}

    def commit(self, relative: str, write: Callable[[Path], None]) -> None:
        """Commit one output file, filled by `write`."""
        self.files.append(commit_file(self.root / relative, write))

    def commit_table(self, relative: str, table: pa.Table, *, level: int = 3) -> None:
        """Commit one output shard."""
        self.files.append(write_shard(self.root / relative, table, level=level))

    def commit_stream(self, relative: str, schema: pa.Schema, tables: Iterable[pa.Table], *, level: int = 3) -> None:
        """Commit one output shard, a table at a time."""
        self.files.append(write_stream(self.root / relative, schema, tables, level=level))

    def commit_folder(self, relative: str, write: Callable[[Path], None]) -> None:
        """Commit a whole folder of outputs, in the place of what stood there."""
        self.files.extend(commit_folder(self.root / relative, write))

    def ledger(self, kept: Iterable[str], dropped: Sequence[ledger.Drop] = (), *, rows_in: int | None = None) -> None:
        """Book every input row: ids kept, and (id, reason, detail) dropped; once a job, after the outputs.

        `rows_in` is what must be accounted for: by default the rows of the first input shard. Raises LedgerError
        where the books do not balance.
        """
        table = ledger.ledger_table(self.stage, self.name, kept, dropped)
        self.ledger_rows([table], rows_in=row_count(self.inputs[0]) if rows_in is None else rows_in)

    def ledger_rows(self, tables: Iterable[pa.Table], *, rows_in: int) -> None:
        """Book every input row by LEDGER tables, sorted by id over all of them. Raises LedgerError as `ledger` does."""
        path = f"ledger/{self.stage}/{self.name}.parquet"
        self.commit_stream(path, LEDGER, tables)
        ledger.check(self.root / path, rows_in)
        self.kept, self.dropped = ledger.counts(read_shard(self.root / path, ["reason"]))
        self.rows_in = rows_in


def run_tasks(
    workspace: Workspace,
    tasks: Sequence[Task],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    prune: bool = True,
) -> StageReport:
    """Bring the tasks of one stage up to date and say what was done.

    A unit whose key is unchanged and whose files are intact is skipped; a damaged file is quarantined and its unit
    redone. With `prune`, files of units that no task names any more are removed. The work is done by `executor`, by
    default `workers` processes of this machine. Raises EmptyInputError for no task,
    LedgerError where rows are missing or all were dropped, whatever the stage function raises, StorageError.
    """
    if not tasks:
        raise EmptyInputError(
            f"nothing to work on in {workspace.root}; harvest first (scrapy crawl egov --help shows how)"
        )
    report = StageReport(tasks[0].stage)
    sweep(workspace.root)
    with Manifest(workspace) as manifest:
        if prune:
            _prune(manifest, tasks)
        stale = [task for task in tasks if not _fresh(manifest, task, report)]
        keys = {id(task): _key(manifest, task) for task in stale}
        if progress is not None:
            progress.total = len(stale)
        calls = [(workspace.root, task) for task in stale]
        chosen = executor or Executor(workers=workers)
        for index, job in chosen.run(_call, calls, name=lambda call: f"{call[1].stage} {call[1].name}"):
            unit = _unit(workspace, stale[index], keys[id(stale[index])], job)
            _forget_former(manifest, unit)
            manifest.finish(unit, job.files)
            report.done += 1
            if progress is not None:
                progress.advance(note=stale[index].name)
        if stale:  # what a worker that died in this run, or one of a driver killed before it, was writing
            sweep(workspace.root)
        report.skipped = len(tasks) - len(stale)
        for task in tasks:
            _add(report, cast(Unit, manifest.unit(task.stage, task.name)))
    if report.rows_in and not report.kept:
        reasons = ", ".join(
            f"{number} {reason}" for reason, number in sorted(report.dropped.items(), key=lambda drop: -drop[1])
        )
        where = workspace.path("ledger", report.stage)
        raise LedgerError(
            f"stage {report.stage} dropped all {report.rows_in} rows ({reasons}), and what it made before is gone; "
            f"see {where}, loosen the rule and run it again: that rebuilds its files"
        )
    return report


def drop_stage(workspace: Workspace, stage: str) -> None:
    """Remove everything that a stage made, where it is no longer asked for; nothing where it never ran."""
    with Manifest(workspace) as manifest:
        for unit in manifest.units(stage):
            manifest.forget(unit.outputs)
            manifest.drop_unit(unit.stage, unit.name)


def _call(call: tuple[Path, Task]) -> Job:
    """Run one task; in a worker process, so everything goes by value and by name."""
    root, task = call
    module, _, name = task.function.partition(":")
    job = Job(root, task)
    getattr(importlib.import_module(module), name)(job)
    return job


def _key(manifest: Manifest, task: Task) -> str:
    inputs = [(manifest.workspace.relative(path), manifest.sha256(path)) for path in task.inputs]
    return unit_key(f"{task.stage}/{task.function}", code_version(task.function.partition(":")[0]), task.config, inputs)


def _fresh(manifest: Manifest, task: Task, report: StageReport) -> bool:
    """Whether a unit need not be redone; damaged outputs are quarantined on the way.

    Where the key changed the unit is redone anyway, and a file that differs may be one that a killed redo committed.
    """
    unit = manifest.unit(task.stage, task.name)
    if unit is None or unit.key != _key(manifest, task):
        return False
    damaged = [path for path in unit.outputs if not manifest.intact(path)]
    for path in damaged:
        if manifest.quarantine(path) is not None:
            report.healed.append(path)
    return not damaged


def _prune(manifest: Manifest, tasks: Sequence[Task]) -> None:
    wanted = {task.name for task in tasks}
    for unit in manifest.units(tasks[0].stage):
        if unit.name not in wanted:
            manifest.forget(unit.outputs)
            manifest.drop_unit(unit.stage, unit.name)  # last: a kill before it leaves the name of what is to go


def _forget_former(manifest: Manifest, unit: Unit) -> None:
    """Remove what the unit made before and makes no more; before it is finished, so that a kill leaves it stale."""
    former = manifest.unit(unit.stage, unit.name)
    if former is None or set(former.outputs) <= set(unit.outputs):
        return
    others = {path for other in manifest.units() if other != former for path in other.outputs}
    manifest.forget(sorted(set(former.outputs) - set(unit.outputs) - others))


def _unit(workspace: Workspace, task: Task, key: str, job: Job) -> Unit:
    outputs = tuple(workspace.relative(file.path) for file in job.files)
    return Unit(task.stage, task.name, key, outputs, job.rows_in, job.kept, job.dropped)


def _add(report: StageReport, unit: Unit) -> None:
    report.rows_in += unit.rows_in
    report.kept += unit.kept
    for reason, number in unit.dropped.items():
        report.dropped[reason] = report.dropped.get(reason, 0) + number
