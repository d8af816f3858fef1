"""Decontamination: which documents hold an item of an evaluation set, so that a model must not be trained on them.

An item is a few sentences, a document may be a book: their Jaccard is near 0 even where the item stands in it word for
word. So what counts is containment: the share of the item's windows of 13 code points (folded, as everywhere in this
package) that occur in the document. 13 rather than 5, since the 5-grams of a few sentences all occur in any long text.
The Jaccard of 5-grams is held against it as well, for documents that are an item with little around it.
Source: T. Brown et al., "Language Models are Few-Shot Learners", 2020, appendix C (13-grams, there of words).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import pyarrow as pa

from corpus.base.errors import ConfigError, EmptyInputError
from corpus.base.shards import read_shard, row_count
from corpus.base.stages import Job, Task, drop_stage
from corpus.dedup.files import expand, lines, value_of
from corpus.dedup.folding import folded
from corpus.dedup.pieces import COLUMNS, read
from corpus.dedup.shingles import SHINGLE, shingle_hashes, shingles
from corpus.dedup.tables import CONTAMINATED, ITEMS, values
from corpus.dedup.verify import jaccards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from corpus.base.workspace import Workspace
    from corpus.dedup.stages import Piece

__all__ = ["DecontaminationSettings", "Items", "gather_items", "run", "stages", "tasks"]

_WINDOW: Final = 13
_LEAST: Final = 20  # folded code points of an item; a shorter one occurs by chance
_BLOCK: Final = 1 << 20  # windows hashed at once
_SLACK: Final = 0.99  # counts of hashes choose whom to look at; strings decide


@dataclass(frozen=True)
class DecontaminationSettings:
    """Evaluation sets to keep out of the corpus. Raises ConfigError when a value cannot work."""

    against: tuple[str, ...] = field(
        default=(), metadata={"help": "evaluation sets (Parquet or JSONL files) that no document may hold items of"}
    )
    containment: float = field(
        default=0.8, metadata={"help": "share of an item's 13-character windows from which a document holds it"}
    )
    jaccard: float = field(
        default=0.7, metadata={"help": "exact Jaccard of 5-grams from which a document is a copy of an item"}
    )
    text_column: str = field(default="text", metadata={"help": "column of the evaluation sets that is compared"})
    id_column: str = field(default="id", metadata={"help": "their column of ids; without it the row number stands in"})

    def __post_init__(self) -> None:
        for name in ("containment", "jaccard"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"decontamination {name} is {getattr(self, name)}: give a number above 0 and at most 1"
                )


def tasks(workspace: Workspace, settings: DecontaminationSettings, pieces: Sequence[Piece]) -> Iterator[list[Task]]:
    """Yield the tasks that read the evaluation sets, then those that hold each piece against them.

    Raises InputError for a set that is not there, UsageError for one of another kind.
    """
    files = expand([Path(name) for name in settings.against])
    config: dict[str, object] = {"text": settings.text_column, "id": settings.id_column}
    yield [Task("evaluation", "all", "corpus.dedup.decontaminate:gather_items", tuple(files), config)]
    items = workspace.path("dedup", "evaluation.parquet")
    bounds = {name: value for name, value in asdict(settings).items() if name in ("containment", "jaccard")}
    yield [
        Task(
            "decontamination",
            piece.name,
            "corpus.dedup.decontaminate:run",
            (piece.path, items),
            {**bounds, "columns": dict(piece.columns), "groups": list(piece.groups)},
        )
        for piece in pieces
    ]


def stages(workspace: Workspace, values_of: Mapping[str, Any], pieces: Sequence[Piece]) -> Iterator[list[Task]]:
    """`tasks` for settings by name; where they name no evaluation set, what an earlier run found is removed."""
    settings = DecontaminationSettings(**values_of)
    if settings.against:
        yield from tasks(workspace, settings, pieces)
        return
    for stage in ("decontamination", "evaluation"):
        drop_stage(workspace, stage)


def gather_items(job: Job) -> None:
    """Write dedup/evaluation.parquet (ITEMS): every item of every set, its text folded, by set and place.

    Raises InputError for a set without the column, EmptyInputError where no item is long enough to be told from chance.
    """
    text, name = str(job.config["text"]), str(job.config["id"])
    rows = [
        {"set": path.name, "item": item or str(number), "text": folded(words)}
        for path in job.inputs
        for number, (item, words) in enumerate(_items(path, text, name))
    ]
    if not any(len(row["text"]) >= _LEAST for row in rows):
        sets = ", ".join(path.name for path in job.inputs)
        raise EmptyInputError(f"{sets}: none of {len(rows)} items has {_LEAST} characters; name the column that has")
    job.commit_table("dedup/evaluation.parquet", pa.Table.from_pylist(rows, schema=ITEMS))


def _items(path: Path, text: str, name: str) -> Iterator[tuple[str, str]]:
    if path.suffix == ".parquet":
        columns = {**COLUMNS, "text": text, "id": name, "source": name}  # an item may be without an id, a source too
        for table in read(path, columns, only=("source", "text")):
            yield from zip(values(table, "source"), values(table, "text"), strict=True)
        return
    for number, _, row in lines(path):
        yield value_of(path, number, row, ("id", name), needed=False), value_of(path, number, row, ("text", text))


def run(job: Job) -> None:
    """Hold one piece against the items: contaminated/<piece>.parquet; book each document as kept or contaminated."""
    path, items_path = job.inputs
    items = _index(items_path, items_path.stat().st_mtime_ns)
    columns, groups = cast("dict[str, str]", job.config["columns"]), cast("list[int]", job.config["groups"])
    containment, least = float(str(job.config["containment"])), float(str(job.config["jaccard"]))
    rows: list[dict[str, Any]] = []
    kept: list[str] = []
    for table in read(path, columns, groups, only=("id", "text")):
        for key, text in zip(values(table, "id"), values(table, "text"), strict=True):
            found = items.best(folded(text), containment, least)
            if found is None:
                kept.append(key)
            else:
                rows.append({"id": key, **found._asdict()})
    rows.sort(key=lambda row: str(row["id"]))
    job.commit_table(f"contaminated/{job.name}.parquet", pa.Table.from_pylist(rows, schema=CONTAMINATED))
    drops = [(str(row["id"]), "contaminated", f"{row['set']}:{row['item']}") for row in rows]
    job.ledger(kept, drops, rows_in=len(kept) + len(rows) if groups else row_count(path))


class Hit(NamedTuple):
    """The item that a document holds most of; how many items it holds in all."""

    set: str
    item: str
    containment: float
    jaccard: float
    items: int


class Items:
    """The items of evaluation sets, indexed by the hashes of their windows."""

    def __init__(self, table: pa.Table) -> None:
        long = [number for number, text in enumerate(values(table, "text")) if len(text) >= _LEAST]
        held = table.take(pa.array(long, pa.int64()))
        self._sets, self._names = values(held, "set"), values(held, "item")
        self._texts: list[str] = values(held, "text")
        hashes = [_hashes(text) for text in self._texts]
        self._windows = np.array([len(one) for one in hashes], np.int64)
        owners = np.repeat(np.arange(len(hashes)), self._windows)
        flat = np.concatenate(hashes) if hashes else np.empty(0, np.uint32)
        order = np.argsort(flat, kind="stable")
        self._owners = owners[order]
        self._keys, self._starts = np.unique(flat[order], return_index=True)
        self._ends = np.append(self._starts[1:], flat.size)

    def best(self, text: str, containment: float, least: float) -> Hit | None:
        """Return the item that a folded text holds most of, if it holds one: containment or Jaccard reach the bounds.

        Of equal ones the first counts, by set and item.
        """
        found = []
        size = -1  # distinct 5-grams of the text, counted where there is an item to compare
        for number, count in self._shared(text):
            size = _hashes(text, SHINGLE).size if size < 0 else size
            share = _share(self._texts[number], text) if count >= containment * self._windows[number] * _SLACK else 0.0
            value = _jaccard(self._texts[number], text, least, size)
            if share >= containment or value >= least:
                share = share or _share(self._texts[number], text)
                found.append((-max(share, value), self._sets[number], self._names[number], share, value))
        if not found:
            return None
        _, name, item, share, value = min(found)
        return Hit(name, item, share, value, len(found))

    def _shared(self, text: str) -> Iterator[tuple[int, int]]:
        """Items with which the text has windows in common, and how many (of their hashes)."""
        mine = _hashes(text)
        at = np.searchsorted(self._keys, mine)
        at = at[(at < self._keys.size) & (self._keys[np.minimum(at, self._keys.size - 1)] == mine)]
        if not at.size:
            return
        owners = np.concatenate(
            [self._owners[start:end] for start, end in zip(self._starts[at], self._ends[at], strict=True)]
        )
        numbers, counts = np.unique(owners, return_counts=True)
        yield from zip(numbers.tolist(), counts.tolist(), strict=True)


@lru_cache(maxsize=1)
def _index(path: Path, mtime_ns: int) -> Items:
    """The items of a committed file, once a process."""
    del mtime_ns  # another file of the same name is another key
    return Items(read_shard(path))


def _hashes(text: str, width: int = _WINDOW) -> NDArray[np.uint32]:
    """Distinct hashes of the windows of a folded text, ascending; a bounded number of windows at a time."""
    parts = [
        np.unique(shingle_hashes(text[start : start + _BLOCK + width - 1], width))
        for start in range(0, max(1, len(text) - width + 1), _BLOCK)
    ]
    return np.unique(np.concatenate(parts))


def _share(item: str, text: str) -> float:
    """Share of the item's distinct windows that occur in the text."""
    windows = {item[start : start + _WINDOW] for start in range(len(item) - _WINDOW + 1)}
    return sum(window in text for window in windows) / len(windows)


def _jaccard(item: str, text: str, least: float, size: int) -> float:
    """Exact Jaccard of the 5-grams, or 0 where the text's number of them (at least `size`) keeps it below `least`."""
    if least * size > len(shingles(item)):
        return 0.0
    pair = pa.array([item, text], pa.large_string())
    return float(jaccards(pair, np.zeros(1, np.int64), np.ones(1, np.int64))[0])
