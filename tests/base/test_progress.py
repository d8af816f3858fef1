"""Progress lines."""

from __future__ import annotations

import io

from corpus.base.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_prints_nothing() -> None:
    """A machine that asked for JSON gets no other line."""
    stream = _Terminal()
    with Progress("work", total=2, quiet=True, stream=stream) as progress:
        progress.advance(2)
    assert stream.getvalue() == ""


def test_terminal_line_is_redrawn_and_cleared() -> None:
    """The last step is shown at once, on one line, and leaves no rest behind."""
    stream = _Terminal()
    with Progress("work", total=2, unit="shards", stream=stream) as progress:
        progress.advance(note="a")
        progress.advance(note="b")
    assert "work: 2/2 shards" in stream.getvalue()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


def test_line_tells_rate_and_time_left() -> None:
    """After 10 of 40 in 5 s: 2 a second, 15 s left."""
    progress = Progress("work", total=40, quiet=True)
    progress.advance(10)
    line = progress.line(progress._started + 5)
    assert line == "work: 10/40, 2.0/s, 15s left"
