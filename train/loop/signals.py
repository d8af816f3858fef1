"""SIGINT and SIGTERM as a wish to stop after the step under way, once; the second signal acts at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

__all__ = ["Wish", "stop_wishes"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Wish:
    """The number of the signal that asked to stop, or 0."""

    signal: int = 0


@contextlib.contextmanager
def stop_wishes() -> Iterator[Wish]:
    """Take note of signals instead of dying of them, in the main thread (Python allows handlers nowhere else)."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    former = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, _frame: FrameType | None) -> None:
        wish.signal = number
        signal.signal(number, former[signal.Signals(number)])

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        for number in _SIGNALS:
            signal.signal(number, former[number])
