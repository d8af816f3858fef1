"""The frame of a command of train: its options, its one line for an error, its exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

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
    """Run `work` on the configuration that `argv` asks for and print what it returns; returns the exit status."""
    libraries.offline()
    try:
        prog = f"python -m train.{section}"
        about = {"section": section, "description": description, "example": example}
        config = parse_cli(kind, argv, prog=prog, presets=presets, **about)
        said = work(config)
    except HakushoError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except ModuleNotFoundError as error:
        return libraries.missing(error)
    except KeyboardInterrupt:
        sys.stderr.write("stopped outside the training steps; checkpoints of earlier steps, if any, stand\n")
        return 130
    sys.stdout.write(said)
    return 0
