"""The race of deduplication: Hakusho against datasketch, rensa, datatrove and text-dedup, on one made-up corpus.

    python -m benchmarks.dedup --peers /tmp/peers        # makes the peers' own environment there the first time

Every contestant runs in a process of its own, on one core, from the same Parquet file to a cluster for each document,
with 16 bands of 8 rows; imports and warm-up are outside its time. Prints and keeps documents and MB of UTF-8 for each
CPU second, peak memory, recall by Jaccard and language, and the share of dropped documents that have a true mate.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import clock, keep, table, versions
from benchmarks.dedup_corpus import Corpus, jaccard, make, plain

_HERE = Path(__file__).parent
_PEERS = (
    "datasketch", "datasketch + xxhash", "rensa", "rensa, split()", "datatrove, 5-grams", "text-dedup", "datatrove",
)  # fmt: skip
_ALONE = "text-dedup==0.4.0"  # pins old releases of what others need, so it comes without its dependencies
_MATES = 60  # members of a cluster that a dropped document is compared with, nearest planted pairs first


def contestant(path: Path, out: Path) -> None:
    """What a contestant's process does for Hakusho: warm up, then Parquet to clusters and duplicates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from corpus.dedup.search import deduplicate

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "warm.parquet"
        pq.write_table(pa.table({"id": ["a", "b"], "text": ["白書を読む。" * 9, "白書を読む。" * 9 + "完"]}), small)
        deduplicate([small])
    with clock() as time:
        found = deduplicate([path])
    rows = {name: row for row, name in enumerate(pq.read_table(path, columns=["id"])["id"].to_pylist())}
    clusters = found.clusters.to_pydict()
    roots = [0] * len(rows)
    for name, cluster in zip(clusters["id"], clusters["cluster"], strict=True):
        roots[rows[name]] = rows[cluster]
    dropped = [rows[name] for name in found.duplicates["id"].to_pylist()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    result = {"cpu": time.cpu, "wall": time.wall, "peak_mb": peak, "roots": roots, "dropped": dropped}
    out.write_text(json.dumps(result), "utf-8")


def race(names: list[str], corpus: Corpus, path: Path, python: Path | None) -> list[dict[str, Any]]:
    """Run each contestant and judge what it found."""
    plains = [plain(text) for text in corpus.texts]
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            if name == "hakusho":
                words = [sys.executable, "-m", "benchmarks.dedup", "--contestant", str(path), str(out)]
            else:
                words = [str(python), str(_HERE / "dedup_peers.py"), name, str(path), str(out)]
            done = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=_one_core)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                rows.append({"contestant": name, "failed": last})
                sys.stderr.write(f"{name}: {last}\n")
                continue
            found = json.loads(out.read_text("utf-8"))
        rows.append({"contestant": name, **_speed(found, corpus), **_judged(found, corpus, plains)})
        sys.stderr.write(f"{name}: {rows[-1]['docs_per_cpu_s']:.0f} documents a CPU second\n")
    return rows


def _one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _speed(found: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
    return {
        "cpu_s": round(found["cpu"], 3),
        "docs_per_cpu_s": round(len(corpus.texts) / found["cpu"], 1),
        "mb_per_cpu_s": round(corpus.megabytes / found["cpu"], 2),
        "peak_mb": round(found["peak_mb"]),
    }


def _judged(found: dict[str, Any], corpus: Corpus, plains: list[str]) -> dict[str, Any]:
    roots = found["roots"]
    told: dict[str, Any] = {}
    copies = [pair for pair in corpus.pairs if pair[4] == "copy"]
    for name, pairs in (
        *((f"r{low}", [pair for pair in copies if pair[2] >= low]) for low in (0.9, 0.8, 0.7)),
        *((f"{one}_r0.8", [pair for pair in copies if pair[2] >= 0.8 and pair[3] == one]) for one in ("en", "ja")),
        *((kind, [pair for pair in corpus.pairs if pair[4] == kind]) for kind in ("width", "old kanji")),
    ):
        told[name] = round(sum(roots[pair[0]] == roots[pair[1]] for pair in pairs) / len(pairs), 4) if pairs else None
    bins = [round(low, 2) for low in np.arange(0.5, 1.0, 0.05)]
    told["bins"] = {
        f"{language} {low:.2f}": _recall(roots, [p for p in copies if p[3] == language and low <= p[2] < low + 0.05])
        for language in ("en", "ja")
        for low in bins
    }
    dropped = found.get("dropped") or _not_first(roots)
    mates = _mates(roots, dropped, corpus, plains)
    told["dropped"] = len(dropped)
    for low in (0.7, 0.5):
        told[f"mate_{low}"] = round(sum(value >= low for value in mates) / len(mates), 4) if mates else None
    return told


def _recall(roots: list[int], pairs: list[Any]) -> list[float]:
    """Recall and number of pairs."""
    return [round(sum(roots[p[0]] == roots[p[1]] for p in pairs) / len(pairs), 4) if pairs else 0.0, len(pairs)]


def _not_first(roots: list[int]) -> list[int]:
    seen: set[int] = set()
    dropped = []
    for row, root in enumerate(roots):
        if root in seen:
            dropped.append(row)
        seen.add(root)
    return dropped


def _mates(roots: list[int], dropped: list[int], corpus: Corpus, plains: list[str]) -> list[float]:
    """For each dropped document the highest Jaccard with another of its cluster; a planted spelling counts as 1."""
    members: dict[int, list[int]] = {}
    for row, root in enumerate(roots):
        members.setdefault(root, []).append(row)
    best: dict[int, float] = {}
    for left, right, value, _, kind in corpus.pairs:
        if roots[left] == roots[right]:
            near = value if kind == "copy" else 1.0
            best[left], best[right] = max(best.get(left, 0.0), near), max(best.get(right, 0.0), near)
    for row in dropped:
        if best.get(row, 0.0) < 0.7:
            others = [other for other in members[roots[row]] if other != row][:_MATES]
            best[row] = max([best.get(row, 0.0), *(jaccard(plains[row], plains[other]) for other in others)])
    return [best[row] for row in dropped]


def peers(folder: Path) -> tuple[Path, dict[str, str]]:
    """The Python of the peers' environment in `folder`, made if there is none, and what could not be installed."""
    python = folder / "bin" / "python"
    failed: dict[str, str] = {}
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = [line for line in (_HERE / "peers.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
        for words in ([*wanted], ["--no-deps", _ALONE]):
            done = subprocess.run(
                [str(python), "-m", "pip", "install", "-q", *words], capture_output=True, text=True, check=False
            )
            if done.returncode:
                failed[words[-1]] = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return python, failed


def peer_versions(python: Path) -> dict[str, str]:
    """The versions of the peers."""
    names = ["datasketch", "rensa", "datatrove", "text-dedup", "xxhash", "spacy", "SudachiPy"]
    code = "import sys, json, importlib.metadata as m\nprint(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    done = subprocess.run([str(python), "-c", code, *names], capture_output=True, text=True, check=False)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def main() -> None:
    """Run the race."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=30_000, help="documents of some 2 kB (default: 30000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", type=Path, metavar="DIR", help="environment of the peers; made if it is not there")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this contestant; may be given again")
    parser.add_argument("--keep", metavar="NAME", help="result file's name (default: dedup, and none with --only)")
    parser.add_argument("--contestant", nargs=2, type=Path, metavar=("IN", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contestant(*options.contestant)
        return
    python, failed = peers(options.peers) if options.peers else (None, {})
    names = options.only or ["hakusho", *(_PEERS if python else ())]
    corpus = make(options.documents, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.parquet"
        corpus.write(path)
        rows = race(names, corpus, path, python)
    table([{key: value for key, value in row.items() if key != "bins"} for row in rows if "failed" not in row])
    result = {
        "documents": len(corpus.texts),
        "megabytes": round(corpus.megabytes, 1),
        "pairs": len(corpus.pairs),
        "seed": options.seed,
        "versions": versions(["numba", "numpy", "pyarrow"]) | (peer_versions(python) if python else {}),
        "not_installed": failed,
        "contestants": rows,
    }
    if options.keep or not options.only:
        sys.stdout.write(f"{keep(options.keep or 'dedup', result)}\n")


if __name__ == "__main__":
    main()
