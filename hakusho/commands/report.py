"""`hakusho report`: the SQL checks and reports on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option, workers_option
from hakusho.report.options import memory_option

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace
    from hakusho.report.run import Page


@click.command(cls=ExampleCommand, example="hakusho report --data data")
@data_option
@workers_option
@memory_option
@json_option
def command(workspace: Workspace, workers: int, memory_limit: str, *, as_json: bool) -> int:
    """Run the checks and reports of sql/ into data/reports/report.html and report.json.

    Exit status 1 where a check of severity error finds something; a warning leaves it 0.
    """
    from hakusho.report.run import collect, write

    page = collect(workspace, threads=workers, memory_limit=memory_limit)
    changed = write(workspace, page)
    path = workspace.path("reports", "report.html")
    tail = f"{path}{'' if changed else ' (unchanged)'}"
    emit(page.plain(), f"{_human(page)}\n\nThe whole report: {tail}", as_json=as_json)
    return int(bool(page.failed))


def _human(page: Page) -> str:
    from hakusho.report.text import table

    lines = [
        f"{check.state:8} {check.title}" + (f": {check.offending} ({check.file})" if check.offending else "")
        for check in page.checks
    ]
    funnel = next(report for report in page.reports if report.name == "funnel")
    return "\n".join([*lines, "", funnel.title, table(funnel.columns, funnel.rows)])
