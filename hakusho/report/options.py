"""Options of the commands that ask DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["memory_option"]

F = TypeVar("F", bound=Callable[..., Any])


def memory_option(function: F) -> F:
    """--memory-limit SIZE, handed on as `memory_limit: str`."""
    text = "Most memory a query may take; what does not fit goes to the workspace's tmp folder."
    return click.option("--memory-limit", default="2GB", show_default=True, metavar="SIZE", help=text)(function)
