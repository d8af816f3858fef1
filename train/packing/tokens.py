"""From documents to blocks of tokens: the streams on disk, cut into blocks by arithmetic.

A stage turns the shards of a dataset into two streams of token ids (to train on, and held out) in `tokens/<name>/`:
raw little-endian numbers of 2 or 4 bytes, each document closed by the end-of-text token, in the order of the shards.
One shard and one batch of documents are in memory at a time, and training maps the file, so a corpus may be larger
than memory. Block b of length n is the n tokens from position b n on: no index is needed to find it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.base.commit import sha256_file
from corpus.base.errors import CorruptFileError
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.workspace import Workspace
from train.data import dataset
from train.data.plain import PlainText
from train.models import bases

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Blocks", "Streams", "ensure", "files", "make", "open_streams", "stream", "write_stream"]

_BATCH = 64  # documents given to the tokenizer at once
_INDEX = "index.json"


@dataclass(frozen=True)
class Blocks:
    """A stream of tokens in blocks of equal length, the last one padded.

    `stream`: (tokens,) unsigned integers, in memory or mapped. `chosen`: numbers of the blocks that count, None: all.
    An `end` that would stand alone in the last block is left out: nothing is left to predict there, and a mean over no
    targets is no number.
    """

    stream: NDArray[Any]
    length: int
    pad: int
    chosen: NDArray[np.int64] | None = field(default=None)

    def __len__(self) -> int:
        return self._whole() if self.chosen is None else len(self.chosen)

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return self._used() if self.chosen is None else sum(len(self._part(int(block))) for block in self.chosen)

    def take(self, places: Iterable[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Blocks by their place: ids and labels, both (places, length) int32; labels are -100 on the padding."""
        parts = [self._part(place if self.chosen is None else int(self.chosen[place])) for place in places]
        ids = np.full((len(parts), self.length), self.pad, dtype=np.int32)
        labels = np.full((len(parts), self.length), -100, dtype=np.int32)
        for row, part in enumerate(parts):
            ids[row, : len(part)] = labels[row, : len(part)] = part
        return ids, labels

    def positions(self, places: Iterable[int]) -> NDArray[np.int32] | None:  # noqa: ARG002  those with chats ask
        """Each token's position, (places, length) int32; None: counted from the start of its block."""
        return None

    def at_most(self, number: int) -> Blocks:
        """These blocks, or so many of them at even distances."""
        chosen = np.linspace(0, len(self) - 1, min(number, len(self))).round().astype(np.int64)
        return Blocks(self.stream, self.length, self.pad, chosen)

    def _used(self) -> int:
        return len(self.stream) - (len(self.stream) % self.length == 1)

    def _whole(self) -> int:
        return -(-self._used() // self.length)

    def _part(self, block: int) -> NDArray[Any]:
        part: NDArray[Any] = self.stream[block * self.length : min((block + 1) * self.length, self._used())]
        return part


@dataclass(frozen=True)
class Streams:
    """The two streams of a run, mapped, the end token, and the report of what they were made from."""

    train: NDArray[Any]
    held_out: NDArray[Any]
    end: int
    report: dict[str, Any]

    def blocks(self, length: int, held_out_blocks: int) -> tuple[Blocks, Blocks]:
        """The blocks to train on, and so many to measure by at most: never of the same document."""
        held_out = Blocks(self.held_out, length, self.end).at_most(held_out_blocks)
        return Blocks(self.train, length, self.end), held_out


def stream(documents: Iterable[Sequence[int]], end: int, kind: str = "<u4") -> NDArray[Any]:
    """Documents laid end to end, each closed by `end`."""
    parts = [np.asarray([*document, end], dtype=kind) for document in documents]
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)


def ensure(workspace: Workspace, paths: Sequence[Path], config: Mapping[str, Any]) -> Path:
    """Have the streams of these shards in the workspace; their folder. `config`: base, base_sha256, domain, include.

    Raises EmptyInputError, LicenceError, CorruptFileError, TrainingError.
    """
    name = "-".join([config["domain"], config["base_sha256"][:12], *config["include"]])
    task = Task("tokens", name, "train.packing.tokens:make", tuple(paths), dict(config))
    run_tasks(workspace, [task], prune=False)
    return workspace.path("tokens", name)


def files(folder: Path) -> tuple[Path, Path, Path]:
    """The files of two streams: index, to train on, held out."""
    return folder / _INDEX, folder / "train.tokens", folder / "held_out.tokens"


def make(job: Job) -> None:
    """Stage function: dataset shards and a base's tokenizer -> tokens/<name>."""
    from train.models import loading

    config: Any = job.config
    selection = dataset.select(job.inputs, config["domain"])
    tokenizer = loading.load_tokenizer(bases.resolve(config["base"], job.workspace))
    kind = "<u2" if len(tokenizer) <= 2**16 else "<u4"
    index = {"dtype": kind, "end": tokenizer.eos_token_id, "report": _report(job, selection)}

    def write(folder: Path) -> None:
        at, train, held_out = files(folder)
        for path, rows in ((train, selection.train), (held_out, selection.held_out)):
            write_stream(path, dataset.texts(job.inputs, {row.id for row in rows}), tokenizer, kind)
        at.write_text(json.dumps(index, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    job.commit_folder(f"tokens/{job.name}", write)


def open_streams(folder: Path) -> Streams:
    """Map the streams of a folder. Raises CorruptFileError."""
    at, train, held_out = files(folder)
    try:
        index = json.loads(at.read_text(encoding="utf-8"))
        mapped = [np.memmap(path, dtype=index["dtype"], mode="r") for path in (train, held_out)]
        return Streams(mapped[0], mapped[1], index["end"], index["report"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CorruptFileError(
            f"{folder}: no readable streams of tokens ({error}); run the same command again"
        ) from error


def write_stream(path: Path, documents: Iterator[str], tokenizer: PreTrainedTokenizerBase, kind: str) -> None:
    """Write documents as their tokens, numbers of dtype `kind`, each closed by an end of text, the only one in it."""
    end: Any = tokenizer.eos_token_id
    plain = PlainText(tokenizer)
    with path.open("wb") as file:
        while batch := list(islice(documents, _BATCH)):
            file.write(stream(plain.ids(batch), end, kind).tobytes())


def _report(job: Job, selection: dataset.Selection) -> dict[str, Any]:
    """What the streams hold, for the metadata and the card of a run."""
    rows = selection.train
    include: Any = job.config["include"]
    return {
        "shards": {job.workspace.relative(path): sha256_file(path) for path in job.inputs},
        "rows_read": selection.read,
        "rows_dropped": dict(sorted(selection.dropped.items())),
        "documents": len(rows),
        "held_out_documents": len(selection.held_out),
        "held_out_from": selection.held_out_from,
        "licences": dataset.count_licences(rows),
        "attributions": dataset.attributions(rows),
        "restricted_included": "restricted" in include,
    }
