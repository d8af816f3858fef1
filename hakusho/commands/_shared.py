"""What the commands share: options, output for people and for machines, the errors' way to the exit status."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace

__all__ = ["ExampleCommand", "data_option", "emit", "json_option", "set_option", "workers_option", "workspace_options"]

F = TypeVar("F", bound=Callable[..., Any])


class ExampleCommand(click.Command):
    """A click command whose help ends with an example that can be pasted."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example under the options."""
        del ctx
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write_text(line)


class _WorkspaceType(click.ParamType["Workspace"]):
    name = "DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Workspace:
        del param, ctx
        from corpus.base.workspace import Workspace

        return value if isinstance(value, Workspace) else Workspace(Path(value))


def data_option(function: F) -> F:
    """--data DIR, handed on as `workspace: Workspace`."""
    text = "Workspace folder (default: $HAKUSHO_DATA or ./data)."
    kind = _WorkspaceType()
    return click.option(
        "--data", "workspace", type=kind, default=lambda: os.environ.get("HAKUSHO_DATA", "data"), help=text
    )(function)


def json_option(function: F) -> F:
    """--json, handed on as `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines, nothing else.")(
        function
    )


def workers_option(function: F) -> F:
    """--workers N, handed on as `workers: int`."""
    text = "Worker processes (default: one a core); the result is the same for any number."
    return click.option(
        "--workers", type=click.IntRange(min=1), default=lambda: os.cpu_count() or 1, metavar="N", help=text
    )(function)


def set_option(function: F) -> F:
    """--set SECTION.KEY=VALUE, handed on as `settings: tuple[str, ...]` for hakusho.settings.section."""
    text = "Set a configuration value, e.g. dedup.threshold=0.8; wins over hakusho.toml. May be repeated."
    return click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help=text)(function)


def workspace_options(function: F) -> F:
    """--data, --workers, --set and --json together, for commands that run a stage."""
    return data_option(workers_option(set_option(json_option(function))))


def emit(result: Mapping[str, object], human: str, *, as_json: bool) -> None:
    """Print a result: one JSON object, or the text for a person."""
    text = json.dumps(result, ensure_ascii=False, default=str) if as_json else human
    click.echo(text.encode("utf-8", "backslashreplace").decode())  # a path need not be UTF-8
