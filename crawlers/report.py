"""The end report of a harvest: one row of `harvests` a run, as text, as JSON and as Parquet for SQL.

It is counted from what the run committed (its rows of `fetches`, the source's documents), not from memory, so it says
what is on the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from corpus.base.manifest import Manifest
from corpus.base.schemas import HARVESTS
from corpus.base.shards import read_shard, write_shard
from crawlers.harvest import BARRED, FAILED

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.base.workspace import Workspace
    from crawlers.harvest import Summary
    from crawlers.thresholds import HarvestSettings

__all__ = ["below", "paragraph", "report", "write"]

_GONE = ("http_404", "http_410")
_NAMES = ("url", "time", "outcome", "reason", "status", "bytes", "robots_rule")


def report(workspace: Workspace, summary: Summary, settings: HarvestSettings, *, changes: bool) -> dict[str, Any]:
    """The row of a run; `changes` says that only what changed was asked for, which may be nothing."""
    last: dict[str, tuple[datetime, str, str]] = {}  # URL -> time, outcome and class of its last row
    denied, tries, size, same = Counter[str](), Counter[str](), 0, 0
    for row in _rows(workspace.fetches(summary.source).glob(f"{summary.run}-*.parquet"), _NAMES):
        outcome = row["outcome"]
        size += row["bytes"] if row["status"] is not None else 0
        same += outcome == "not_modified"
        if outcome in BARRED:
            denied[row["robots_rule"] or row["reason"] or outcome] += 1
        told = (row["time"], outcome, _class(row))
        earlier, last[row["url"]] = sorted((told, last.get(row["url"], told)))
        if earlier is not last[row["url"]] and earlier[1] in FAILED:
            tries[row["url"]] += 1
    failed = Counter(kind for _, outcome, kind in last.values() if outcome in FAILED)
    shards = sorted(workspace.documents(summary.source).glob("[0-9a-f].parquet"))
    raw, licences, shares = Counter[str](), Counter[str](), list[float]()
    for row in _rows(shards, ("raw_sha256", "licence", "kept_share")):
        raw[row["raw_sha256"]] += 1
        licences[row["licence"] or "none"] += 1
        shares.append(row["kept_share"])
    made: dict[str, Any] = {
        "source": summary.source, "run": summary.run,
        "time": datetime.strptime(summary.run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC), "seconds": summary.seconds,
        "documents": summary.documents, "fetched": summary.fetched,
        "bytes": size, "not_modified": same,
        "denied": denied.total(), "denied_by_rule": dict(denied),
        "asked": sum(outcome not in BARRED for _, outcome, _ in last.values()),
        "failed": failed.total(), "failed_by_class": dict(failed),
        "retried": sum(number for url, number in tries.items() if last[url][1] not in FAILED),
        "dropped": dict(summary.dropped), "empty": summary.dropped.get("empty", 0),
        "garbled": summary.dropped.get("garbled", 0), "held": len(shares), "licences": dict(licences),
        "kept_share": sum(shares) / len(shares) if shares else None, "duplicates": raw.total() - len(raw),
        "lost_listings": list(summary.lost_listings), "error": summary.error,
    }  # fmt: skip
    made["below"] = below(made, settings, changes=changes)
    return made


def _class(row: Mapping[str, Any]) -> str:
    """The outcome of a request, a failed one's more exactly."""
    if row["outcome"] == "http_error":
        return f"http_{row['status']}"
    if row["outcome"] == "network_error":
        return str(row["reason"]).partition(":")[0] or "network_error"
    return str(row["outcome"])


def below(made: Mapping[str, Any], settings: HarvestSettings, *, changes: bool) -> list[str]:
    """What keeps a harvest from being good, a clause each; empty where it is."""
    found = []
    if made["error"]:
        found.append("it was stopped")
    if made["lost_listings"]:
        found.append(f"{len(made['lost_listings'])} listing(s) not read")
    came = made["documents"] + made["not_modified"]
    if came < settings.min_documents and not (changes and not found):
        found.append(f"{came} document(s), fewer than harvest.min_documents = {settings.min_documents}")
    failures = sum(number for kind, number in made["failed_by_class"].items() if kind not in _GONE)
    read = made["documents"] + made["empty"] + made["garbled"]
    for name, part, whole in (("failed", failures, made["asked"]), ("empty", made["empty"], read),
                              ("garbled", made["garbled"], read)):  # fmt: skip
        most = getattr(settings, f"max_{name}")
        if part > most * max(whole, 1):
            found.append(f"{part} of {whole} {name}, more than harvest.max_{name} = {most:g}")
    return found


def write(workspace: Workspace, made: Mapping[str, Any]) -> Path:
    """Commit the row to `harvests/`. Raises StorageError."""
    path = workspace.path("harvests", f"{made['source']}-{made['run']}.parquet")
    row = {name: list(made[name].items()) if isinstance(made[name], dict) else made[name] for name in HARVESTS.names}
    with Manifest(workspace) as manifest:
        manifest.record([write_shard(path, pa.Table.from_pylist([row], schema=HARVESTS))])
    return path


def paragraph(made: Mapping[str, Any], where: str) -> str:
    """For a person, some lines."""
    share = "" if made["kept_share"] is None else f", kept share {made['kept_share']:.2f}"
    lines = [
        f"{made['source']}: {made['documents']} documents in {made['seconds']:.0f} s ({made['held']} now in {where})",
        f"  fetched {made['fetched']} ({made['bytes'] / 1e6:.1f} MB), unchanged (304) {made['not_modified']}",
        f"  denied {_counts(made['denied_by_rule'])}",
        f"  failed {_counts(made['failed_by_class'])}; failures that a later try got over {made['retried']}",
        f"  dropped {_counts(made['dropped'])}; empty {made['empty']}, garbled {made['garbled']}{share}",
        f"  licence {_counts(made['licences'])}; same bytes twice {made['duplicates']}",
    ]
    lines += [f"  not read: {lost}" for lost in made["lost_listings"][:5]]
    if made["below"]:
        lines.append(f"  below its thresholds: {'; '.join(made['below'])}")
    return "\n".join(lines)


def _counts(numbers: Mapping[str, int]) -> str:
    told = ", ".join(
        f"{number} × {name}" for name, number in sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    )
    return f"{sum(numbers.values())} ({told})" if told else "0"


def _rows(paths: Any, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for path in sorted(paths):
        yield from read_shard(path, list(names)).to_pylist()
