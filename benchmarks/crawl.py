"""Pages a second of a crawl with everything on, against bare Scrapy; and memory with 1,000 and 100,000 requests queued.

    python -m benchmarks.crawl --pages 2000 --repeats 5

The site is a process on loopback, without delay, eight requests at a time. Ours: frontier, archive, history, robots.txt
and audit on, on a disk. Bare: Scrapy's own defaults with the same spider, callbacks and download handlers, and nothing
kept. Sides take turns, each crawl in a new process; once with the pages read in the sandbox on both sides, once on
neither. Result: benchmarks/results/crawl.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import keep, table, versions

SHALLOW, DEEP = 1_000, 100_000  # requests queued


def file_system(path: Path) -> str:
    """The type of the file system that holds a folder, as the kernel names it."""
    done = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def crawl(side: str, port: int, folder: Path, *, read: bool, count: int = 0) -> dict[str, Any]:
    """One crawl into a new workspace."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        words = [sys.executable, "-m", "benchmarks.crawl_side", side, str(port), data, str(int(read)), str(count)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
        return dict(json.loads(done.stdout.splitlines()[-1]))


def race(port: int, folder: Path, repeats: int, pages: int, *, read: bool) -> dict[str, Any]:
    """Both sides in turn; medians, and the ratio of each pair."""
    ours, bare = [], []
    for turn in range(repeats):
        order = ("ours", "bare") if turn % 2 else ("bare", "ours")
        for side in order:
            made = crawl(side, port, folder, read=read)
            assert made["pages"] == pages, made
            (ours if side == "ours" else bare).append(made)
    ratios = sorted(a["pages_per_second"] / b["pages_per_second"] for a, b in zip(ours, bare, strict=True))
    cpu = sorted(b["cpu"] / a["cpu"] for a, b in zip(ours, bare, strict=True))
    return {
        "read": read,
        **{f"{name}_{what}": round(statistics.median(one[what] for one in made), 3)
           for name, made in (("ours", ours), ("bare", bare)) for what in ("pages_per_second", "cpu", "peak_mb")},
        "ratio": round(statistics.median(ratios), 3),
        "ratio_by_cpu": round(statistics.median(cpu), 3),  # pages a CPU second: what a machine with other work tells
        "load": round(os.getloadavg()[0], 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }  # fmt: skip


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000, help="pages of the site, 600 or more (default: 2000)")
    parser.add_argument("--repeats", type=int, default=5, help="crawls of each side (default: 5)")
    parser.add_argument("--folder", type=Path, default=Path(), help="where workspaces are made (default: here)")
    options = parser.parse_args()
    words = [sys.executable, "-m", "benchmarks.crawl_site", str(options.pages)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as site:
        assert site.stdout is not None
        port = int(site.stdout.readline())
        try:
            races = [race(port, options.folder, options.repeats, options.pages, read=read) for read in (True, False)]
            shallow, deep = (crawl("queue", port, options.folder, read=False, count=n) for n in (SHALLOW, DEEP))
        finally:
            site.terminate()
    memory = {"shallow": shallow, "deep": deep, "growth": round(deep["peak_mb"] / shallow["peak_mb"] - 1, 3)}
    about = {"pages": options.pages, "repeats": options.repeats, "file_system": file_system(options.folder)}
    keep("crawl", about | {"versions": versions(["scrapy", "twisted", "warcio"]), "races": races, "memory": memory})
    table([{key: value for key, value in one.items() if key != "ratios"} for one in races])
    table([{"queued": one["queued"], "peak_mb": one["peak_mb"]} for one in (shallow, deep)])


if __name__ == "__main__":
    main()
