"""Recall of a harvest of the netbox: which documents of its ground truth are there, and what became of the rest.

python3 ../shared/netbox/server.py --data ../shared/data --expected /tmp/expected.jsonl
../shared/netbox/netbox -t 3600 -l /tmp/access.jsonl -- hakusho harvest egov mod nasa pmda wikipedia \
        --route all --data /tmp/harvest
python tests/real/recall.py /tmp/expected.jsonl /tmp/harvest
python3 ../shared/netbox/audit.py /tmp/access.jsonl --delay 1 --max-concurrent 1
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq

SOURCES = {"ntrs": "nasa"}  # the netbox's name -> ours


def expected(path: Path) -> list[dict[str, object]]:
    """The documents that a perfect, robots-honouring harvester ends up with, without the optional ones."""
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    return [row | {"source": SOURCES.get(row["source"], row["source"])} for row in rows if not row.get("optional")]


def column(folder: Path, pattern: str, *names: str) -> Iterator[dict[str, str]]:
    """Columns of all files that fit a pattern."""
    for path in sorted(folder.glob(pattern)):
        yield from pq.ParquetFile(path).read(columns=list(names)).to_pylist()


def known(source: str, key: str, url: str) -> set[tuple[str, str]]:
    """The names under which a document may be found: its URL as a person reads it, and its key."""
    return {(source, unquote(url).replace("_", " ")), (source, key)}


def missing(truth: list[dict[str, object]], data: Path) -> list[tuple[str, str, str]]:
    """(source, key, why) of each expected document that the workspace has not; the ledger says why where it knows."""
    have = {name for row in column(data, "documents/*/*.parquet", "source", "key", "url")
            for name in known(row["source"], row["key"], row["url"])}  # fmt: skip
    why = {row["id"]: row["reason"] for row in column(data, "ledger/extract/*.parquet", "id", "reason")}
    found = []
    for row in truth:
        source, key = str(row["source"]), str(row["key"])
        if not known(source, key, str(row["url"])) & have:
            booked = next(
                (why[name] for name in (f"{source}:{key}", f"{source}:{row['lang']}:{key}") if name in why), ""
            )
            found.append((source, key, booked or "never met"))
    return found


def main(words: list[str]) -> int:
    """Print recall by source and every miss; 1 where a source is below 0.99."""
    truth, data = expected(Path(words[0])), Path(words[1])
    lost = missing(truth, data)
    wanted, gone = (Counter(source for source, *_ in rows) for rows in ([(r["source"],) for r in truth], lost))
    for source, number in sorted(wanted.items()):
        sys.stdout.write(f"{source}: {number - gone[source]} of {number}, recall {1 - gone[source] / number:.4f}\n")
    for row in lost:
        sys.stdout.write("  missing: {} {} ({})\n".format(*row))
    return int(any(gone[source] / number > 0.01 for source, number in wanted.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
