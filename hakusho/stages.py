"""The stages between harvest and dataset, in their order, as the commands and `./run` call them.

Each stage's list of tasks is made after the stage before it has run, since its inputs are that stage's shards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.base.progress import Progress
from corpus.base.stages import StageReport, Task, run_tasks

if TYPE_CHECKING:
    from corpus.base.executor import Executor
    from corpus.base.workspace import Workspace

__all__ = ["curate", "dedup", "run_stage", "summary"]


def run_stage(
    workspace: Workspace,
    tasks: Sequence[Task],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    quiet: bool = False,
) -> StageReport:
    """Bring one stage up to date, with progress on stderr; by `executor`, or else by so many processes."""
    with Progress(tasks[0].stage if tasks else "stage", unit="units", quiet=quiet) as progress:
        return run_tasks(workspace, tasks, workers=workers, executor=executor, progress=progress)


def curate(
    workspace: Workspace,
    *,
    workers: int,
    executor: Executor | None = None,
    settings: Sequence[str] = (),
    quiet: bool = False,
) -> list[StageReport]:
    """Normalised text, then measures, personal data and duplicates of it.

    Raises ConfigError for a setting that is none, EmptyInputError where nothing was harvested, LedgerError,
    StorageError.
    """
    from hakusho.settings import check, section

    check(settings)
    text = section("text", settings)
    reports = [run_stage(workspace, _normalise(workspace, text), workers=workers, executor=executor, quiet=quiet)]
    for stage, function in (("measures", "corpus.measure.stage:run"), ("pii", "corpus.measure.pii_stage:run")):
        tasks = [Task(stage, shard.stem, function, (shard,)) for shard in workspace.shards("normalised")]
        reports.append(run_stage(workspace, tasks, workers=workers, executor=executor, quiet=quiet))
    return [*reports, *dedup(workspace, workers=workers, executor=executor, settings=settings, quiet=quiet)]


def dedup(
    workspace: Workspace,
    *,
    workers: int,
    executor: Executor | None = None,
    memory: int | None = None,
    settings: Sequence[str] = (),
    quiet: bool = False,
) -> list[StageReport]:
    """Copies, lines of boilerplate, and what holds an evaluation set's items; a join takes `memory` bytes."""
    stages = _dedup_stages(workspace, settings, memory)
    return [run_stage(workspace, tasks, workers=workers, executor=executor, quiet=quiet) for tasks in stages]


def _dedup_stages(workspace: Workspace, settings: Sequence[str], memory: int | None) -> Iterator[list[Task]]:
    from corpus.dedup import boilerplate, decontaminate
    from corpus.dedup import stages as copies
    from corpus.dedup.settings import DedupSettings
    from hakusho.settings import section

    most = memory or copies.MEMORY
    yield from copies.tasks(workspace, DedupSettings(**section("dedup", settings)), memory=most)
    bounds = boilerplate.BoilerplateSettings(**section("boilerplate", settings))
    yield boilerplate.tasks(workspace, bounds, memory=most)
    yield from decontaminate.stages(workspace, section("decontamination", settings), copies.pieces_of(workspace))


def label(
    workspace: Workspace,
    *,
    workers: int,
    executor: Executor | None = None,
    settings: Sequence[str] = (),
    quiet: bool = False,
) -> list[StageReport]:
    """Train the classifier where its seeds changed, then give each curated document a verdict and a domain."""
    from hakusho.settings import section
    from labeling.settings import LabelSettings
    from labeling.stage import tasks as label_tasks

    stages = label_tasks(workspace, LabelSettings(**section("labels", settings)))
    return [run_stage(workspace, tasks, workers=workers, executor=executor, quiet=quiet) for tasks in stages]


def _normalise(workspace: Workspace, config: dict[str, object]) -> list[Task]:
    shards = workspace.shards("documents")
    function = "corpus.text.stage:run"
    return [
        Task("normalised", f"{shard.parent.name}-{shard.stem}", function, (shard, *_standing(workspace, shard)), config)
        for shard in shards
    ]


def summary(reports: Sequence[StageReport]) -> dict[str, object]:
    """Reports of stages as plain values for --json."""
    return {"stages": [dataclasses.asdict(report) for report in reports]}


def _standing(workspace: Workspace, shard: Path) -> list[Path]:
    """The table of standing of a shard's source, where there is one."""
    path = workspace.path("standing", f"{shard.parent.name}.parquet")
    return [path] if path.is_file() else []
