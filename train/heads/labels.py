"""Labelled texts for the heads, and which of them a step takes.

Three sources. Prompts: a file with `verdict` and `domain` a row, either of which may be missing. Documents: passages of
the dataset's rows that may be trained on; their domain is the row's, their verdict ALLOW, for that is what admitted
them (a row under restricted rights was held back by its licence and has no verdict to learn from). Pairs: the same
documents with a grounded and a corrupted answer (train.heads.plausible), for plausibility. Prompts with a verdict are
also what the model's own verdict is judged on, for confidence: right or not is seen while training.

Held out are the documents that the run holds out, their pairs, and one prompt in five by the hash of its text. Which
rows a step takes follows from its number, as with blocks: there is no cursor to be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from corpus.base.errors import EmptyInputError, InputError
from corpus.base.shards import read_input
from labeling.taxonomy import DOMAINS, VERDICTS, Domain, Verdict
from train.data import dataset
from train.data.order import batch_indices
from train.heads.plausible import grounded, pair, passage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["SOURCES", "Example", "Labelled", "collect", "documents", "prompts"]

SOURCES: Final = ("prompts", "documents", "pairs")
_CHARACTERS = 240  # of a passage
_HELD_OUT_SHARE = 5  # one prompt in five


@dataclass(frozen=True)
class Example:
    """A text with what is known of it; `prompt`: the model's own verdict on it can be judged."""

    text: str
    verdict: Verdict | None = None
    domain: Domain | None = None
    plausible: bool | None = None
    prompt: bool = False

    @property
    def labels(self) -> dict[str, int | None]:
        """Class ids by head; None: missing. Confidence is not known before the model has said its verdict."""
        return {
            "safety": None if self.verdict is None else self.verdict.code,
            "domain": None if self.domain is None else self.domain.code,
            "plausibility": None if self.plausible is None else int(self.plausible),
        }


@dataclass(frozen=True)
class Labelled:
    """Examples by source, with the token ids of each; a source may have none."""

    examples: Mapping[str, Sequence[Example]]
    ids: Mapping[str, Sequence[Sequence[int]]] = field(repr=False)

    def step(self, step: int, number: int, seed: int) -> list[tuple[str, int]]:
        """(source, row) of what a step (from 0) takes: `number` of each source that has any, each epoch anew ordered.

        A small source may come round more than once in a step, under large numbers.
        """
        return [
            (source, row)
            for place, source in enumerate(SOURCES)
            if self.examples[source]
            for row in batch_indices(step, number, len(self.examples[source]), seed + place)
        ]

    def every(self) -> list[tuple[str, int]]:
        """All of them."""
        return [(source, row) for source in SOURCES for row in range(len(self.examples[source]))]


def prompts(path: Path) -> tuple[list[Example], list[Example]]:
    """To train on and held out, from Parquet or JSONL with id, text, and verdict or domain or both.

    Raises InputError (missing, unreadable, a label that is none), EmptyInputError where no row has a label.
    """
    rows = read_input(path, ("verdict", "domain")).to_pylist()
    found: dict[str, Example] = {}
    for row in rows:
        verdict = _label(row, "verdict", VERDICTS, path)
        domain = _label(row, "domain", DOMAINS, path)
        if (verdict is not None or domain is not None) and row["text"].strip():
            found[row["text"]] = Example(row["text"], verdict, domain, prompt=True)
    if not found:
        raise EmptyInputError(f"{path}: no row has a verdict or a domain; label it first: hakusho label --task prompt")
    parts: tuple[list[Example], list[Example]] = ([], [])
    for text, one in found.items():
        parts[sha256(text.encode()).digest()[0] % _HELD_OUT_SHARE == 0].append(one)
    return parts


def documents(
    paths: Sequence[Path], domain: str, most: int, seed: int
) -> tuple[dict[str, list[Example]], dict[str, list[Example]]]:
    """Passages and pairs of a dataset's admitted rows, to train on and held out; at most `most` documents a domain.

    Whatever a run on `domain` holds out is held out here, too, and nothing is that it trains on; of other domains it is
    as train.data.dataset.select says. Raises LicenceError, CorruptFileError, EmptyInputError as that does.
    """
    whole, of_run = dataset.select(paths, "all"), dataset.select(paths, domain)
    trained = {row.id for row in of_run.train}
    held = {row.id: row for row in (*whole.held_out, *of_run.held_out) if row.id not in trained}
    rest = [row for row in (*whole.train, *whole.held_out) if row.id not in held]
    return _of_rows(paths, rest, most, seed), _of_rows(paths, held.values(), most, seed)


def collect(tokenizer: PreTrainedTokenizerBase, examples: Mapping[str, Sequence[Example]], length: int) -> Labelled:
    """Give examples their token ids, at most the last `length`."""
    from train.heads.model import encode  # a command looks at its prompts before it loads torch

    whole = {source: list(examples.get(source, ())) for source in SOURCES}
    ids = {source: encode(tokenizer, [one.text for one in rows], length) for source, rows in whole.items()}
    return Labelled(whole, ids)


def _of_rows(paths: Sequence[Path], rows: Iterable[dataset.Row], most: int, seed: int) -> dict[str, list[Example]]:
    chosen: dict[str, dataset.Row] = {}
    taken: dict[str, int] = {}
    for row in sorted(rows, key=lambda one: sha256(one.id.encode()).digest()):
        if taken.get(row.domain, 0) < most:
            taken[row.domain] = taken.get(row.domain, 0) + 1
            chosen[row.id] = row
    texts = dict(sorted(dataset.documents(paths, chosen)))
    passages = [
        Example(
            passage(text, _CHARACTERS, seed),
            None if chosen[key].licence == "restricted" else Verdict.ALLOW,
            Domain(chosen[key].domain),
        )
        for key, text in texts.items()
    ]
    whole = list(texts.values())
    made = [pair(text, whole[place - 1], _CHARACTERS, seed) for place, text in enumerate(whole)]
    pairs = [
        Example(grounded(one.passage, answer), plausible=answer == one.answer)
        for one in made
        if one is not None
        for answer in (one.answer, one.corrupted)
    ]
    return {"documents": passages, "pairs": pairs}


def _label(row: Mapping[str, Any], name: str, known: Sequence[Any], path: Path) -> Any:
    """The label of a row as a member of the vocabulary, None where it has none."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if value not in known:
        raise InputError(f"{path}: row {row['id']}: {name} {value!r} is none of {', '.join(known)}; mend the row")
    return known[known.index(value)]
