"""`hakusho why`: everything known about one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace


@click.command(cls=ExampleCommand, example="hakusho why https://laws.e-gov.go.jp/law/405AC0000000088")
@click.argument("name", metavar="ID|KEY|URL")
@data_option
@json_option
def command(name: str, workspace: Workspace, *, as_json: bool) -> None:
    """Show everything known about one document: fetches, ledger, duplicates, labels, personal data, dataset.

    The name is a document id (4 or more of its first characters do), the source's own key, or a URL. For a URL that
    gave no document, its fetches say why.
    """
    from hakusho.report.values import plain
    from hakusho.report.why import tell, why

    story = why(workspace, name)
    emit(plain(story), tell(story), as_json=as_json)
