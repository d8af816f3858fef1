"""`hakusho doctor`: what this machine has of what Hakusho needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace


@click.command(cls=ExampleCommand, example="hakusho doctor")
@data_option
@json_option
def command(workspace: Workspace, *, as_json: bool) -> int:
    """See whether this machine has what Hakusho needs; exit 1 where something will not work."""
    from hakusho.doctor import examine

    findings = examine(workspace.root)
    width = max(len(one.what) for one in findings)
    lines = [f"{one.state:8}{one.what.ljust(width)}  {one.detail}" for one in findings]
    emit({"findings": [asdict(one) for one in findings]}, "\n".join(lines), as_json=as_json)
    return int(any(one.state == "missing" for one in findings))
