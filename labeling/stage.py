"""The stages of a workspace: `train` makes models/classifier, `run` labels one shard of masked text."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from corpus.base.errors import EmptyInputError, InputError
from corpus.base.shards import read_shard
from corpus.base.stages import Job, Task
from labeling.classifier import SEEDS, DomainClassifier
from labeling.classifier import train as train_classifier
from labeling.label import LABELS, Labeler
from labeling.settings import LabelSettings

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.base.workspace import Workspace

__all__ = ["MODEL", "run", "tasks", "train", "train_task"]

MODEL = ("models", "classifier")


def train_task() -> Task:
    """The task that trains the classifier; its key holds the digest of the seed passages."""
    config = {"seeds_sha256": hashlib.sha256(SEEDS.read_bytes()).hexdigest()}
    return Task("classifier", "domain", "labeling.stage:train", (), config)


def tasks(workspace: Workspace, settings: LabelSettings | None = None) -> tuple[list[Task], list[Task]]:
    """Return the training tasks and the labelling tasks (one a shard of data/pii), to be run in this order.

    Raises EmptyInputError where the workspace holds no masked text.
    """
    shards = workspace.shards("pii")
    if not shards:
        raise EmptyInputError(f"no masked text in {workspace.root}: harvest, then run hakusho curate")
    config = asdict(settings or LabelSettings())
    model = tuple(workspace.path(*MODEL, name) for name in ("domain.bin", "domain.json"))
    labelling = []
    for shard in shards:
        source, _, part = shard.stem.rpartition("-")
        documents = workspace.documents(source) / f"{part}.parquet"
        labelling.append(Task("labels", shard.stem, "labeling.stage:run", (shard, documents, *model), config))
    return [train_task()], labelling


def train(job: Job) -> None:
    """Train on the committed seed passages into models/classifier (domain.bin, domain.json)."""

    def write(folder: Path) -> None:
        train_classifier(folder)

    job.commit_folder("/".join(MODEL), write)


def run(job: Job) -> None:
    """Label one shard: data/pii and data/documents by id, to labels/<name>.parquet (LABELS); every row is kept.

    Raises InputError where a masked text has no document.
    """
    masked = read_shard(job.inputs[0], ["id", "text"]).sort_by("id")
    documents = {row["id"]: row for row in read_shard(job.inputs[1], ["id", "source", "licence"]).to_pylist()}
    ids = [str(one) for one in masked.column("id").to_pylist()]
    if missing := [one for one in ids if one not in documents]:
        raise InputError(f"{job.inputs[0]}: {missing[0]} is not among the documents; run hakusho curate again")
    found = [documents[one] for one in ids]
    labeler = Labeler("document", DomainClassifier.load(job.inputs[2].parent), _settings(job.config))
    texts = [str(text) for text in masked.column("text").to_pylist()]
    labels = labeler.label(texts, [row["source"] for row in found], [row["licence"] for row in found])
    rows: list[dict[str, Any]] = [
        {"id": row["id"], "source": row["source"], **label.row()} for row, label in zip(found, labels, strict=True)
    ]
    job.commit_table(f"labels/{job.name}.parquet", pa.Table.from_pylist(rows, schema=LABELS))
    job.ledger(ids)


def _settings(config: Any) -> LabelSettings:
    return LabelSettings(**config)
