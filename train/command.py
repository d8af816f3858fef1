"""The frame of a command of train: its options, its one line for an error, its exit status."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from corpus.base.config import parse_cli
from corpus.base.errors import HakushoError
from train import libraries

__all__ = ["command"]

C = TypeVar("C")


def command(
    kind: type[C],
    argv: Sequence[str],
    work: Callable[[C], str],
    *,
    section: str,
    description: str,
    example: str,
    presets: Path | None = None,
) -> int:
    """Run `work` on the configuration that `argv` asks for and print what it returns; returns the exit status.

    Of several processes that torchrun has started, each with the same words, the first one alone speaks.
    """
    libraries.offline()
    silent = contextlib.redirect_stderr(io.StringIO()) if _follows() else contextlib.nullcontext()
    try:
        prog = f"python -m train.{section}"
        about = {"section": section, "description": description, "example": example}
        with silent:
            config = parse_cli(kind, argv, prog=prog, presets=presets, **about)
        said = work(config)
    except HakushoError as error:
        _say(f"error: {error}\n", sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        return libraries.missing(error)
    except KeyboardInterrupt:
        _say("stopped outside the training steps; checkpoints of earlier steps, if any, stand\n", sys.stderr)
        return 130
    _say(said, sys.stdout)
    return 0


def _follows() -> bool:
    return int(os.environ.get("RANK", "0")) > 0  # as torchrun numbers its processes


def _say(text: str, where: TextIO) -> None:
    if not _follows():
        where.write(text)
