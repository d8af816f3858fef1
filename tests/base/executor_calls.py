"""Functions that the tests of the executor call in worker processes (by name); light to import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    """For the executor."""
    return number * number


def die_once(call: tuple[int, str]) -> int:
    """Kill this worker the first time that item 3 is seen; `call` is (item, folder of marks)."""
    number, folder = call
    if number == 3:
        try:
            os.close(os.open(Path(folder) / "died", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number


def each_dies_once(call: tuple[int, str]) -> int:
    """Kill the worker at the first attempt of every third item."""
    number, folder = call
    mark = Path(folder) / f"died-{number}"
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def poison(number: int) -> int:
    """Item 2 kills its worker every time."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(number: int) -> int:
    """Item 1 raises."""
    if number == 1:
        raise ValueError("item one")
    return number


def hang(path: str) -> None:
    """Say which process this is, then wait longer than any test."""
    Path(path).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(300)
