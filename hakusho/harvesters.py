"""Spiders in processes of their own, and one live line each: redrawn on a terminal, plain now and then elsewhere."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, TextIO

from corpus.base.progress import duration

__all__ = ["Harvester", "line", "run"]

_TERMINAL, _PLAIN = 0.5, 10.0  # seconds between lines of a source
_WIDTH = 79


@dataclass
class Harvester:
    """One `scrapy crawl`, its last state, its end report, and its exit status."""

    source: str
    given: Mapping[str, str]
    settings: Mapping[str, str]
    state: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    code: int = -1
    process: subprocess.Popen[bytes] | None = None

    def start(self, every: float) -> None:
        """Start the spider; it tells its state every so many seconds."""
        words = [sys.executable, "-m", "scrapy", "crawl", self.source]
        settings = {"HAKUSHO_JSON": "1", "HAKUSHO_STATUS": str(every), **self.settings}
        words += [word for key, value in self.given.items() for word in ("-a", f"{key}={value}")]
        words += [word for key, value in settings.items() for word in ("-s", f"{key}={value}")]
        env = os.environ | {"SCRAPY_SETTINGS_MODULE": "crawlers.settings", "PYTHONIOENCODING": "utf-8"}
        # A group of its own: Ctrl-C reaches the spider once, through us.
        self.process = subprocess.Popen(
            words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, start_new_session=True
        )

    def hear(self, text: str, *, error: bool) -> str:
        """Take one line of the spider; what a person should see of it at once."""
        if error:
            self.errors.append(text)
            return text
        try:
            said = json.loads(text)
        except ValueError:
            return text
        if "status" in said:
            self.state = said
        else:
            self.report = said
        return ""

    def told(self) -> str:
        """The end of it, for a person."""
        if not self.report:
            return f"{self.source}: failed, exit status {self.code}"
        from crawlers.report import paragraph

        return paragraph(self.report, str(self.report["where"]))


def run(harvesters: Sequence[Harvester], *, quiet: bool = False, stream: TextIO | None = None) -> Sequence[Harvester]:
    """Run all to their ends. Ctrl-C is handed on once; the spiders finish what is under way and say how to go on."""
    out = stream if stream is not None else sys.stderr
    screen = _Screen(harvesters, out, quiet=quiet)
    for one in harvesters:
        one.start(_TERMINAL if out.isatty() else 2.0)
    with selectors.DefaultSelector() as selector:
        for one in harvesters:
            assert one.process is not None
            assert one.process.stdout is not None
            assert one.process.stderr is not None
            selector.register(one.process.stdout, selectors.EVENT_READ, (one, False))
            selector.register(one.process.stderr, selectors.EVENT_READ, (one, True))
        while selector.get_map():
            try:
                _listen(selector, screen)
            except KeyboardInterrupt:
                for one in harvesters:
                    if one.process is not None and one.process.poll() is None:
                        one.process.send_signal(signal.SIGINT)
    for one in harvesters:
        assert one.process is not None
        one.code = one.process.wait()
    screen.end()
    return harvesters


def _listen(selector: selectors.BaseSelector, screen: _Screen) -> None:
    """Read the lines that are there."""
    for key, _ in selector.select(_TERMINAL):
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
        one, error = key.data
        text = pipe.readline()
        if not text:
            selector.unregister(pipe)
            pipe.close()
            continue
        shown = one.hear(text.decode("utf-8", "replace").rstrip("\n"), error=error)
        if shown:
            screen.say(one, shown)
    screen.draw()


class _Screen:
    """A block of lines at the foot of a terminal, or a log."""

    def __init__(self, harvesters: Sequence[Harvester], out: TextIO, *, quiet: bool) -> None:
        self.harvesters, self.out, self.quiet = harvesters, out, quiet
        self.terminal = out.isatty() and not quiet
        self._drawn = 0
        self._last = time.monotonic()

    def say(self, one: Harvester, text: str) -> None:
        """A line of a spider above the block; errors are shown to machines too, on stderr."""
        self._clear()
        self.out.write(text if text.startswith("scrapy crawl:") else f"{one.source}: {text}")
        self.out.write("\n")
        self.out.flush()

    def draw(self) -> None:
        """Show where each source stands, if it is time to."""
        now = time.monotonic()
        if self.quiet or now - self._last < (_TERMINAL if self.terminal else _PLAIN):
            return
        self._last = now
        self._clear()
        states = [one for one in self.harvesters if one.state]
        for one in states:
            self.out.write(f"{line(one.state)[: _WIDTH if self.terminal else None]}\n")
        self._drawn = len(states) if self.terminal else 0
        self.out.flush()

    def _clear(self) -> None:
        if self._drawn:
            self.out.write(f"\033[{self._drawn}F\033[J")
            self._drawn = 0

    def end(self) -> None:
        """Take the block away: the reports come in its place."""
        self._clear()
        self.out.flush()


def line(state: Mapping[str, Any]) -> str:
    """The live line of a source.

    >>> line({"status": "egov", "done": 12, "queued": 88, "denied": 0, "failed": 1, "pages_per_minute": 55.0,
    ...       "left": 96, "delay": 1.0, "why": "own"})
    'egov: 12 done, 88 queued, 0 denied, 1 failed, 55/min, 1m36s left, gap 1 s (own)'
    """
    counts = ", ".join(f"{state[name]} {name}" for name in ("done", "queued", "denied", "failed"))
    left = f", {duration(state['left'])} left" if state.get("left") else ""
    rate, gap = f"{state['pages_per_minute']:.0f}/min", f"gap {state['delay']:g} s ({state['why']})"
    return f"{state['status']}: {counts}, {rate}{left}, {gap}"
