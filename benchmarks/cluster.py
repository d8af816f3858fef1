"""What deduplication of very many documents takes: each stage measured on some, and multiplied.

    python -m benchmarks.cluster                      # measures 40,000 documents, tells 10**9
    python -m benchmarks.cluster --measure 200000 --documents 100000000

CPU seconds and bytes of a stage grow with the documents. What does not is multiplied on its own: a band is cut into key
prefixes, and each task of a band reads the whole column. Documents are made up: 2 kB of UTF-8, ja and en in turn, one
in five a near copy of another. Prints the plan of docs/cluster.md; keeps benchmarks/results/cluster.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.common import clock, keep, table
from corpus.base.shards import row_count, write_stream
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup import join, stages
from corpus.dedup.pieces import COLUMNS, DOCUMENTS, split

_BATCH = 2_000


def documents(count: int, kilobytes: int = 2) -> Iterator[pa.Table]:
    """`count` documents of so many kB, a table at a time: ja and en in turn, one in five a near copy of another."""
    rng = np.random.default_rng(1)
    kana_kanji = np.r_[0x3042:0x3093, 0x4E00:0x5A00].astype("<u2")
    latin = np.frombuffer(b"etaoin shrdlucmfw", np.uint8).astype("<u2")
    for start in range(0, count, _BATCH):
        rows: list[dict[str, str]] = []
        for number in range(start, min(count, start + _BATCH)):
            letters, length = (kana_kanji, 333 * kilobytes) if number % 2 else (latin, 1000 * kilobytes)
            text = letters[rng.integers(letters.size, size=length)].tobytes().decode("utf-16-le")
            if number % 5 == 4:
                text = f"{rows[-2]['text'][:-20]}{text[:20]}"
            rows.append({"id": f"{number:032x}", "text": text, "source": "", "revision": "", "work": ""})
        yield pa.Table.from_pylist(rows, schema=DOCUMENTS)


def measure(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """CPU seconds and bytes a document of each stage, in this process."""
    corpus = folder / "corpus.parquet"
    write_stream(corpus, DOCUMENTS, documents(count))
    measured: dict[str, dict[str, float]] = {"corpus": {"cpu": 0.0, "bytes": corpus.stat().st_size / count}}
    for prefixes in (1, 4):
        made = Workspace(folder / str(prefixes))
        stages.PREFIX = -(-count // prefixes)  # type: ignore[misc]  # a number of documents that no setting should name
        columns = dict(COLUMNS)
        pieces = [
            stages.Piece(f"{first:05d}", corpus, columns, (first, after)) for first, after in split(corpus, columns)
        ]
        before = 0
        for tasks in stages.tasks(made, None, pieces):
            with clock() as time:
                run_tasks(made, tasks)
            size = sum(path.stat().st_size for path in made.path("dedup").rglob("*.parquet"))
            name = tasks[0].stage if prefixes == 1 else f"{tasks[0].stage} x {prefixes}"
            measured[name] = {"cpu": time.cpu / count, "bytes": (size - before) / count}
            before = size
            if prefixes > 1 and tasks[0].stage == "bands":
                break
    return measured


def plan(measured: dict[str, dict[str, float]], count: int) -> list[dict[str, Any]]:
    """Tasks, core hours and terabytes of each stage for so many documents."""
    prefixes = -(-count // stages.PREFIX)
    again = max(0.0, measured["bands x 4"]["cpu"] - measured["bands"]["cpu"]) / 3
    share = measured["candidates"]["rows"]
    tasks = {
        "corpus": 0,
        "signatures": -(-count // 50_000),
        "bands": 16 * prefixes,
        "candidates": 1,
        "gathered": min(stages.GROUPS, -(-count // stages.ROWS)),
        "verified": min(join.PARTS, -(-int(count * share) // join.PART)),
        "dedup": 1,
    }
    rows = []
    for name, number in tasks.items():
        cpu = measured[name]["cpu"] + (again * (prefixes - 1) if name == "bands" else 0)
        rows.append(
            {
                "stage": name,
                "tasks": number,
                "core hours": cpu * count / 3600,
                "TB": measured[name]["bytes"] * count / 1e12,
            }
        )
    return rows


def main() -> None:
    """Measure, multiply, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measure", type=int, default=40_000, help="documents that are measured")
    parser.add_argument("--documents", type=int, default=10**9, help="documents that are planned for")
    words = parser.parse_args()
    original = stages.PREFIX
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("warm", 1_000), ("measured", words.measure)):
            place = Path(folder) / name
            place.mkdir()
            measured = measure(place, count)
        measured["candidates"]["rows"] = row_count(place / "1" / "dedup" / "candidates.parquet") / words.measure
    stages.PREFIX = original
    rows = plan(measured, words.documents)
    table(rows)
    sys.stdout.write(f"kept in {keep('cluster', {'measured': measured, 'documents': words.documents, 'plan': rows})}\n")


if __name__ == "__main__":
    main()
