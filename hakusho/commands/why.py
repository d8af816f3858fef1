"""`hakusho why`: everything known about one document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace


@click.command(cls=ExampleCommand, example="hakusho why https://laws.e-gov.go.jp/law/405AC0000000088")
@click.argument("name", metavar="ID|KEY|URL")
@click.option(
    "--search",
    "searched_in",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of a search of your own files (dedup IN --out DIR), instead of the workspace.",
)
@data_option
@json_option
def command(name: str, searched_in: Path | None, workspace: Workspace, *, as_json: bool) -> None:
    """Show everything known about one document: fetches, ledger, duplicates, labels, personal data, dataset.

    A copy is shown with its pair, their exact Jaccard, their cluster and what differs.

    The name is a document id (4 or more of its first characters do), the source's own key, or a URL. For a URL that
    gave no document, its fetches say why.
    """
    from hakusho.report.values import plain
    from hakusho.report.why import tell, why

    if searched_in is not None:
        from hakusho.report.searched import searched, tell_searched

        found = searched(searched_in, name)
        emit(plain(found), tell_searched(found), as_json=as_json)
        return
    story = why(workspace, name)
    emit(plain(story), tell(story), as_json=as_json)
