"""`hakusho curate`: normalised text, measures, personal data, duplicates; each stage does only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, emit, executor_option, workspace_options

if TYPE_CHECKING:
    from corpus.base.executor import Executor
    from corpus.base.workspace import Workspace


@click.command(cls=ExampleCommand, example="hakusho curate --data data --workers 2")
@workspace_options
@executor_option
def command(
    workspace: Workspace, workers: int, executor: Executor, settings: tuple[str, ...], *, as_json: bool
) -> None:
    """Normalise, measure, mask personal data and find duplicates in everything harvested."""
    from hakusho.stages import curate, summary

    reports = curate(workspace, workers=workers, executor=executor, settings=settings, quiet=as_json)
    emit(summary(reports), "\n".join(report.line() for report in reports), as_json=as_json)
