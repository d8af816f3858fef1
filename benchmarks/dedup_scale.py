"""Deduplication of 10^5 and 10^6 documents by the command, end to end: time, memory, and what the joins spill.

    python -m benchmarks.dedup_scale                           # 100,000 and 1,000,000 documents of 1 kB
    python -m benchmarks.dedup_scale --documents 100000 --memory 24MiB

Runs `hakusho dedup IN --out DIR --workers 2 --memory SIZE` and looks every quarter of a second at the resident memory
of all its processes together (pages that they share are counted in each) and at what lies in the joins' scratch folder.
Keeps benchmarks/results/dedup_scale.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cluster import documents
from benchmarks.common import keep, table, versions
from corpus.base.shards import write_stream
from corpus.dedup.pieces import DOCUMENTS

_EVERY = 0.25  # seconds between two looks


def run(count: int, memory: str, folder: Path) -> dict[str, Any]:
    """Make a corpus, deduplicate it, and say what that took."""
    corpus, out = folder / "corpus.parquet", folder / "out"
    write_stream(corpus, DOCUMENTS, documents(count, kilobytes=1))
    words = ["dedup", str(corpus), "--out", str(out), "--workers", "2", "--memory", memory, "--json"]
    before, begun = _children(), time.perf_counter()
    peak = spilled = 0
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-m", "hakusho.cli", *words], stdout=said, stderr=subprocess.DEVNULL
        ) as process,
    ):
        while process.poll() is None:
            peak, spilled = max(peak, _resident(process.pid)), max(spilled, _below(out, "duckdb"))
            time.sleep(_EVERY)
        said.seek(0)
        answer = json.loads(said.read() or b"{}")
    wall = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"hakusho dedup ended with {process.returncode}")
    return {
        "documents": count,
        "memory": memory,
        "wall_s": round(wall, 1),
        "cpu_s": round(_children() - before, 1),
        "peak_mb": round(peak / 1e6),
        "spilled_mb": round(spilled / 1e6),
        "near_duplicates": answer["near_duplicates"],
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident(root: int) -> int:
    """Bytes that a process and its descendants hold."""
    parents, held = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            parents[int(entry.name)], held[int(entry.name)] = int(fields[1]), int(fields[21])
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(held.get(one, 0) for one in family) * os.sysconf("SC_PAGE_SIZE")


def _below(folder: Path, name: str) -> int:
    """Bytes of the files in folders of a name."""
    total = 0
    for place, _, files in os.walk(folder):
        if name in Path(place).parts:
            for file in files:
                try:
                    total += (Path(place) / file).stat().st_size
                except OSError:  # it has gone
                    continue
    return total


def main() -> None:
    """Run the sizes one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, action="append", metavar="N", help="may be given again")
    parser.add_argument("--memory", action="append", metavar="SIZE", help="may be given again (default: 1GiB)")
    options = parser.parse_args()
    rows = []
    for count in options.documents or [100_000, 1_000_000]:
        for memory in options.memory or ["1GiB"]:
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                rows.append(run(count, memory, Path(folder)))
    table(rows)
    growth = round(rows[-1]["wall_s"] / rows[0]["wall_s"], 2)
    result = {"runs": rows, "growth_of_wall": growth, "versions": versions(["duckdb", "numba", "pyarrow"])}
    sys.stdout.write(f"{keep('dedup_scale', result)}\n")


if __name__ == "__main__":
    main()
