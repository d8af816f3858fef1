"""What the commands share: options, output for people and for machines, the errors' way to the exit status."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from corpus.base.workspace import Workspace, default_root

__all__ = [
    "ExampleCommand",
    "data_option",
    "emit",
    "executor_option",
    "json_option",
    "keep_inputs",
    "set_option",
    "size_in_bytes",
    "workers_option",
    "workspace_options",
]

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
        return value if isinstance(value, Workspace) else Workspace(Path(value))


def data_option(function: F) -> F:
    """--data DIR, handed on as `workspace: Workspace`."""
    text = "Workspace folder (default: $HAKUSHO_DATA or ./data)."
    kind = _WorkspaceType()
    return click.option("--data", "workspace", type=kind, default=lambda: str(default_root()), help=text)(function)


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


def executor_option(function: F) -> F:
    """--executor and --ray-address (beside --workers), handed on as `executor: Executor`."""

    @functools.wraps(function)
    def run(*args: Any, executor: str, ray_address: str | None, **options: Any) -> Any:
        from corpus.base.errors import UsageError
        from corpus.base.executor import Executor

        if ray_address is not None and executor != "ray":
            raise UsageError("--ray-address goes with --executor ray")
        chosen = Executor("ray" if executor == "ray" else "local", options.get("workers", 1), ray_address)
        return function(*args, executor=chosen, **options)

    kinds = click.Choice(["local", "ray"])
    where = "Where the work runs: processes of this machine, or a Ray cluster; the result is the same."
    address = "Ray cluster to use, as HOST:PORT or auto (default: one is started here, with --workers CPUs)."
    choice = click.option("--executor", type=kinds, default="local", show_default=True, help=where)
    made = click.option("--ray-address", metavar="ADDRESS", help=address)(choice(run))
    return cast("F", made)


def set_option(function: F) -> F:
    """--set SECTION.KEY=VALUE, handed on as `settings: tuple[str, ...]` for hakusho.settings.section."""
    text = "Set a configuration value, e.g. dedup.threshold=0.8; wins over hakusho.toml. May be repeated."
    return click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help=text)(function)


def workspace_options(function: F) -> F:
    """--data, --workers, --set and --json together, for commands that run a stage."""
    return data_option(workers_option(set_option(json_option(function))))


def keep_inputs(option: str, outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise UsageError where a file that is to be written is one that is read."""
    from corpus.base.errors import UsageError

    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise UsageError(f"{option}: {path} is one of the files read, and would be overwritten; name another")


def size_in_bytes(option: str, text: str) -> int:
    """A size such as 512MB or 1GiB in bytes. Raises UsageError for anything else, and for less than 64 MB."""
    from corpus.base.errors import UsageError

    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{option} {text}: write a size such as 512MB or 1GiB")
    size = int(float(match[1]) * (1024 if match[3] else 1000) ** " KMGT".index(match[2].upper() or " "))
    if size < 64_000_000:
        raise UsageError(f"{option} {text}: give at least 64MB")
    return size


def emit(result: Mapping[str, object], human: str, *, as_json: bool) -> None:
    """Print a result: one JSON object, or the text for a person."""
    text = json.dumps(result, ensure_ascii=False, default=str) if as_json else human
    click.echo(text.encode("utf-8", "backslashreplace").decode())  # a path need not be UTF-8
