"""ATTRIBUTION.parquet: whom each row of the dataset must credit, and when and from where its bytes were fetched.

It carries times, so it stands outside the files that the same input reproduces byte for byte.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from corpus.base.shards import read_shard
from corpus.base.stages import Job
from corpus.dataset.layout import ATTRIBUTION, ATTRIBUTION_FILE

__all__ = ["is_loopback", "run"]


def run(job: Job) -> None:
    """Stage function: join each row of the dataset with the last fetch of its bytes, or of the dump they are from."""
    inputs: dict[str, list[Path]] = {"dataset": [], "documents": [], "fetches": []}
    for path in job.inputs:
        inputs[path.relative_to(job.root).parts[0]].append(path)
    fetched = _last_fetches(inputs["fetches"])
    columns = ("id", "url", "licence", "attribution", "raw_sha256", "container_sha256")
    wanted = {key for path in inputs["dataset"] for key in read_shard(path, ("id",)).column("id").to_pylist()}
    rows = [
        _row(document, fetched)
        for path in inputs["documents"]
        for document in read_shard(path, columns).to_pylist()
        if document["id"] in wanted
    ]
    rows.sort(key=lambda row: str(row["id"]))
    job.commit_table(f"dataset/{ATTRIBUTION_FILE}", pa.Table.from_pylist(rows, schema=ATTRIBUTION), level=6)


def is_loopback(url: str) -> bool:
    """Whether a URL points back at this machine.

    >>> is_loopback("http://127.0.0.1:8000/law"), is_loopback("https://laws.e-gov.go.jp/law")
    (True, False)
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _last_fetches(paths: list[Path]) -> dict[str, tuple[Any, str]]:
    """SHA-256 of a body -> (time, URL) of the last fetch that brought it."""
    last: dict[str, tuple[Any, str]] = {}
    for path in paths:
        # history is never rewritten: what was fetched before a column came in has none
        for row in read_shard(path, ("time", "url", "asked_url", "raw_sha256")).to_pylist():
            if row["raw_sha256"] is not None:
                fetch = (row["time"], row.get("asked_url") or row["url"])
                last[row["raw_sha256"]] = max(last.get(row["raw_sha256"], fetch), fetch)
    return last


def _row(document: dict[str, Any], fetched: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    retrieved_at, harvested_url = fetched.get(document["container_sha256"] or document["raw_sha256"], (None, None))
    return {
        "id": document["id"],
        "url": document["url"],
        "licence": document["licence"],
        "attribution": document["attribution"],
        "retrieved_at": retrieved_at,
        "harvested_url": harvested_url,
        "rehearsal": harvested_url is not None and is_loopback(harvested_url),
    }
