"""`hakusho dataset`: build the dataset in Hugging Face layout, or verify one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, executor_option, json_option, set_option

if TYPE_CHECKING:
    from corpus.base.executor import Executor
    from corpus.base.workspace import Workspace


@click.group(epilog="Example: hakusho dataset build && hakusho dataset verify")
def command() -> None:
    """Build or verify the dataset in Hugging Face layout."""


@command.command(cls=ExampleCommand, example="hakusho dataset build --data data --set dataset.shard_rows=10000")
@data_option
@set_option
@executor_option
@json_option
def build(workspace: Workspace, executor: Executor, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Gate, split and write data/dataset: open licences, share-alike and restricted texts as three configurations."""
    from dataclasses import asdict

    from corpus.base.progress import Progress
    from corpus.dataset.build import build as build_dataset
    from corpus.dataset.settings import DatasetSettings
    from hakusho.settings import check, section

    check(settings)
    with Progress("dataset", unit="units", quiet=as_json) as progress:
        report = build_dataset(
            workspace, DatasetSettings(**section("dataset", settings)), executor=executor, progress=progress
        )
    emit(asdict(report), f"{report.line()}\n{workspace.path('dataset')}", as_json=as_json)


@command.command(cls=ExampleCommand, example="hakusho dataset verify --data data")
@data_option
@json_option
def verify(workspace: Workspace, *, as_json: bool) -> int:
    """Read every file of data/dataset again and hold it against the manifest, the card and the books."""
    from corpus.dataset.verify import verify as verify_dataset

    files, findings = verify_dataset(workspace)
    human = "\n".join(findings) or f"{files} files are what was committed, and the card says what they hold"
    emit({"files": files, "findings": findings}, human, as_json=as_json)
    return int(bool(findings))
