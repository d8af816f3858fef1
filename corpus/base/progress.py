"""Progress of long work on stderr: one redrawn line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Progress", "duration"]

_TERMINAL_PAUSE = 0.1  # seconds between redraws
_PLAIN_PAUSE = 10.0  # seconds between lines in a log


def duration(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> duration(59.6), duration(3725)
    ('1m00s', '1h02m')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


class Progress:
    """Counts steps of one piece of work: rate, and time left where the total is known.

    `quiet` prints nothing (machines ask with --json). `begun`: steps of an earlier process, which count as done and not
    for the rate. Times are for the eye only and enter no result.
    """

    def __init__(
        self,
        what: str,
        *,
        total: int | None = None,
        unit: str = "",
        quiet: bool = False,
        stream: TextIO | None = None,
        begun: int = 0,
    ) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = self._begun = begun
        self.note = ""
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._terminal = self._stream.isatty()
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._quiet and self._terminal:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more; show the line if it is time to."""
        self.done += steps
        self.note = note or self.note
        last = self.total is not None and self.done >= self.total
        if self._quiet or not (self.due or (last and self._terminal)):
            return
        self._shown = now = time.monotonic()
        self._stream.write(f"\r\033[K{self.line(now)}" if self._terminal else f"{self.line(now)}\n")
        self._stream.flush()

    @property
    def due(self) -> bool:
        """Whether the next step will show the line: a note that costs something need be made only then."""
        pause = _TERMINAL_PAUSE if self._terminal else _PLAIN_PAUSE
        return not self._quiet and time.monotonic() - self._shown >= pause

    def say(self, text: str) -> None:
        """A line of its own, which stays."""
        if not self._quiet:
            start = "\r\033[K" if self._terminal else ""
            self._stream.write(f"{start}{self.what}: {text}\n")
            self._stream.flush()

    def line(self, now: float) -> str:
        """The line at a moment of the monotonic clock."""
        spent = max(now - self._started, 1e-9)
        rate = (self.done - self._begun) / spent
        parts = [
            f"{self.what}: {self.done}"
            + (f"/{self.total}" if self.total else "")
            + (f" {self.unit}" if self.unit else ""),
            f"{rate:.1f}/s",
        ]
        if self.total and self._begun < self.done < self.total:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)
