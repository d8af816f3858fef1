"""The dataset: masked texts, labels, provenance and clusters joined by id, gated, split and written as shards.

One unit of work over the whole corpus, in two passes: the first reads every column but the texts and decides; the
second reads the texts of one leading hex digit of the ids at a time and writes. Rows lie in the order of their ids, so
the shards are the same bytes for the same input.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.base.errors import EmptyInputError, InputError
from corpus.base.executor import Executor
from corpus.base.ledger import Drop
from corpus.base.manifest import Manifest
from corpus.base.progress import Progress
from corpus.base.shards import read_shard
from corpus.base.stages import Job, StageReport, Task, run_tasks
from corpus.base.workspace import Workspace
from corpus.dataset.card import render, summarise
from corpus.dataset.gates import Candidate, decide
from corpus.dataset.layout import ATTRIBUTION_FILE, CARD, ROWS, shard_name, shard_paths
from corpus.dataset.reservations import reserving
from corpus.dataset.settings import DatasetSettings
from corpus.dataset.splits import assign

__all__ = ["build", "run", "task"]

_DOCUMENT = ("id", "source", "url", "title", "lang", "revision", "licence", "attribution", "raw_sha256",
             "extractor", "extractor_version", "reservations")  # fmt: skip
_LABEL = ("id", "verdict", "domain", "rules", "policy_version")
_LEVEL = 6  # zstd: written once, downloaded often


@dataclass(frozen=True)
class _Text:
    """What the first pass keeps of a masked text: where it lies and its size."""

    file: Path
    size: int
    blank: bool


Key = tuple[str, str]
"""(configuration, split)"""


def build(
    workspace: Workspace,
    settings: DatasetSettings | None = None,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> StageReport:
    """Bring data/dataset up to date: shards, card, and ATTRIBUTION.parquet with the times of the fetches.

    Raises EmptyInputError where there are no masked texts, labels or tables of duplicates yet, InputError where they do
    not fit together, LedgerError where no row passes the gates.
    """
    work = task(workspace, settings)
    try:
        report = run_tasks(workspace, [work], executor=executor, progress=progress)
    finally:
        _remove_strays(workspace)
    inputs = (*shard_paths(workspace.path("dataset")), *workspace.shards("documents"), *workspace.shards("fetches"))
    run_tasks(workspace, [Task("attribution", "all", "corpus.dataset.attribution:run", inputs)], executor=executor)
    return report


def task(workspace: Workspace, settings: DatasetSettings | None = None) -> Task:
    """The one unit of work of this stage, over everything that a row is joined from.

    Raises EmptyInputError where any of it is missing: without the tables of duplicates every copy would be kept.
    """
    bounds = settings or DatasetSettings()
    for stage, command in (("pii", "hakusho curate"), ("labels", "hakusho label")):
        if not workspace.shards(stage):
            raise EmptyInputError(f"no {stage} in {workspace.root}; run {command} first")
    dedup = [workspace.path("dedup", f"{name}.parquet") for name in ("clusters", "duplicates")]
    for path in dedup:
        if not path.is_file():
            raise EmptyInputError(f"no {workspace.relative(path)} in {workspace.root}; run hakusho curate first")
    stages = ("contaminated", "documents", "labels", "pii", "standing")
    inputs = [path for stage in stages for path in workspace.shards(stage)]
    return Task("dataset", "all", "corpus.dataset.build:run", (*inputs, *dedup), asdict(bounds))


def run(job: Job) -> None:
    """Stage function: gate, split, write the shards and the card, book every masked text as kept or dropped.

    Raises InputError where a masked text belongs to no document, or was never held against the others.
    """
    inputs: dict[str, list[Path]] = defaultdict(list)
    for path in job.inputs:
        inputs[path.relative_to(job.root).parts[0]].append(path)
    documents = _by_id(inputs["documents"], _DOCUMENT)
    _add_standing(documents, inputs["standing"])
    labels = _by_id(inputs["labels"], _LABEL)
    dedup = {path.stem: path for path in inputs["dedup"]}
    copies = _by_id([dedup["duplicates"]], ("id", "keeper", "rule"))
    held = _by_id(inputs["contaminated"], ("id", "set", "item"))
    clusters = _column(dedup["clusters"], "cluster")
    texts = _texts(inputs["pii"])
    _check_joins(texts, documents, clusters)
    words = list(job.config["reserved"])  # type: ignore[call-overload]
    configs, drops = _gate(texts, documents, labels, copies, held, words)
    groups = ((clusters[key], (config, str(labels[key]["domain"]))) for key, config in configs.items())
    splits = assign(groups)
    rows = {
        key: {**documents[key], **labels[key], "config": config, "cluster": clusters[key],
              "split": splits[clusters[key]]}
        for key, config in sorted(configs.items())
    }  # fmt: skip
    _write(job, rows, texts)
    card = render(summarise(file.path for file in job.files), Counter(reason for _, reason, _ in drops))
    job.commit(f"dataset/{CARD}", lambda path: _write_text(path, card))
    job.ledger(list(configs), drops, rows_in=len(texts))


def _by_id(paths: list[Path], columns: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for path in paths for row in read_shard(path, columns).to_pylist()}


def _add_standing(documents: dict[str, dict[str, Any]], paths: list[Path]) -> None:
    """Put what headers and sites reserve beside what the pages themselves do."""
    outside = _by_id(paths, ("id", "reservations"))
    for key, document in documents.items():
        said = (*(document.get("reservations") or ()), *outside.get(key, {}).get("reservations", ()))
        document["reservations"] = sorted(set(said))


def _column(path: Path, name: str) -> dict[str, str]:
    return {row["id"]: row[name] for row in read_shard(path, ("id", name)).to_pylist()}


def _texts(paths: list[Path]) -> dict[str, _Text]:
    found: dict[str, _Text] = {}
    for path in paths:
        for row in read_shard(path, ("id", "text")).to_pylist():
            found[row["id"]] = _Text(path, len(row["text"].encode()), not row["text"].strip())
    return found


def _check_joins(texts: dict[str, _Text], documents: dict[str, dict[str, Any]], clusters: dict[str, str]) -> None:
    for key, text in sorted(texts.items()):
        if key not in documents:
            raise InputError(f"{text.file}: row {key} belongs to no document; run hakusho curate again")
        if key not in clusters:
            raise InputError(f"{text.file}: row {key} is in no cluster of duplicates; run hakusho curate again")


def _gate(
    texts: dict[str, _Text],
    documents: dict[str, dict[str, Any]],
    labels: dict[str, dict[str, Any]],
    copies: dict[str, dict[str, Any]],
    held: dict[str, dict[str, Any]],
    words: list[str],
) -> tuple[dict[str, str], list[Drop]]:
    configs: dict[str, str] = {}
    drops: list[Drop] = []
    for key, text in sorted(texts.items()):
        label: dict[str, Any] = labels.get(key, {})
        candidate = Candidate(
            key,
            documents[key]["licence"],
            label.get("verdict"),
            label.get("domain"),
            label.get("rules") or (),
            copies[key]["keeper"] if key in copies else None,
            text.blank,
            reserving(documents[key]["reservations"], words),
            copies[key]["rule"] if key in copies else "",
            f"{held[key]['set']}:{held[key]['item']}" if key in held else "",
        )
        gate = decide(candidate)
        if gate.config is None:
            drops.append((key, gate.reason, gate.detail))
        else:
            configs[key] = gate.config
    return configs, drops


def _write(job: Job, rows: dict[str, dict[str, Any]], texts: dict[str, _Text]) -> None:
    """The second pass: texts of one leading digit at a time, rows in order of id, a shard as soon as it is full."""
    sizes = _shard_sizes(job, rows, texts)
    files: dict[str, set[Path]] = defaultdict(set)
    for key in rows:
        files[key[:1]].add(texts[key].file)
    buffers: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    written: Counter[Key] = Counter()
    for digit, paths in sorted(files.items()):
        masked = {
            row["id"]: row
            for path in sorted(paths)
            for row in read_shard(path, ("id", "spans", "text")).to_pylist()
            if row["id"] in rows
        }
        for key in (key for key in rows if key[:1] == digit):
            place = (rows[key]["config"], rows[key]["split"])
            buffers[place].append(_row(rows[key], masked[key]))
            if len(buffers[place]) == sizes[place][written[place]]:
                name = shard_name(*place, written[place], len(sizes[place]))
                job.commit_table(f"dataset/{name}", pa.Table.from_pylist(buffers.pop(place), schema=ROWS), level=_LEVEL)
                written[place] += 1


def _row(row: dict[str, Any], masked: dict[str, Any]) -> dict[str, Any]:
    spans = masked["spans"] or ()
    return {
        **row,
        "text": masked["text"],
        "pii_masked": sum(span["action"] == "mask" for span in spans),
        "n_chars": len(masked["text"]),
    }


def _shard_sizes(job: Job, rows: dict[str, dict[str, Any]], texts: dict[str, _Text]) -> dict[Key, list[int]]:
    """Rows of each shard of each configuration and split: closed before either bound is passed."""
    most_rows, most_bytes = int(str(job.config["shard_rows"])), int(str(job.config["shard_bytes"]))
    sizes: dict[Key, list[int]] = {}
    filled: Counter[Key] = Counter()
    for key, row in rows.items():
        place = (row["config"], row["split"])
        shards = sizes.setdefault(place, [0])
        if shards[-1] and (shards[-1] >= most_rows or filled[place] + texts[key].size > most_bytes):
            shards.append(0)
            filled[place] = 0
        shards[-1] += 1
        filled[place] += texts[key].size
    return sizes


def _remove_strays(workspace: Workspace) -> None:
    """Remove shards that no finished build wrote: a killed one may have left some, and the card's globs match them."""
    with Manifest(workspace) as manifest:
        unit = manifest.unit("dataset", "all")
        wanted = set(unit.outputs) if unit else set()
        found = (path for path in sorted(workspace.path("dataset").rglob("*.parquet")) if path.name != ATTRIBUTION_FILE)
        manifest.forget([name for name in map(workspace.relative, found) if name not in wanted])


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
