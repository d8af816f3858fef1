"""What every benchmark needs: the machine it ran on, clocks of CPU and memory, and one way to keep a result."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "Clock", "clock", "keep", "machine", "peak_mb", "table", "versions"]

RESULTS = Path(__file__).parent / "results"


@dataclass
class Clock:
    """Seconds between the start and the end of a `clock()` block: of the wall, and of CPU incl. ended children."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    """Measure a block."""
    measured = Clock()
    wall, cpu = time.perf_counter(), _cpu()
    try:
        yield measured
    finally:
        measured.wall, measured.cpu = time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_mb() -> float:
    """The most resident memory this process has had, in MB (10^6 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def machine() -> dict[str, Any]:
    """The processor as Linux names it, cores this process may use, memory in GB, Python and kernel."""
    info = Path("/proc/cpuinfo").read_text("utf-8")
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": names[0] if names else platform.machine(),
        "avx512": "avx512f" in info,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(pages / 1e9, 1),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def versions(names: Sequence[str]) -> dict[str, str]:
    """The installed version of each package, "" where it is not installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def keep(name: str, result: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write benchmarks/results/NAME.json, or one elsewhere: the result with the machine and the day it was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    whole = {"day": time.strftime("%Y-%m-%d"), "machine": machine(), **result}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same keys as an aligned table on stdout."""
    if not rows:
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        sys.stdout.write("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + "\n")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"
    return "" if value is None else str(value)
