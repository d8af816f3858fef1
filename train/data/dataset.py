"""Which rows of the dataset's shards may be trained on, and which are held out.

Read in Hugging Face layout below data/dataset: `data/` (open licences) and `cc_by_sa/` always, `restricted/` only
where it is asked for by name. A row is admitted with verdict ALLOW; in `restricted` with ESCALATION, the verdict
that its licence alone gave it. A row without a licence, or with one that its config does not stand for, stops
everything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from corpus.base.config import nearest
from corpus.base.errors import ConfigError, CorruptFileError, EmptyInputError, InputError, LicenceError
from corpus.base.schemas import LICENCES_OPEN, LICENCES_SHARE_ALIKE
from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from labeling.taxonomy import DOMAINS, Domain, Verdict

__all__ = [
    "Row",
    "Selection",
    "admitted",
    "attributions",
    "count_licences",
    "documents",
    "require_domain",
    "select",
    "shards",
    "texts",
]

COLUMNS = ("id", "text", "source", "domain", "verdict", "licence", "attribution")
NEVER_TRAINED = (
    Domain.NSFW_ADULT,
    Domain.NSFW_BLOCK,
)  # such text serves detection and refusal, never generation
_FOLDERS = {"default": "data", "cc_by_sa": "cc_by_sa", "restricted": "restricted"}
_LICENCES = {"default": LICENCES_OPEN, "cc_by_sa": LICENCES_SHARE_ALIKE, "restricted": ("restricted",)}
_SHARD = re.compile(r"-([0-9]{5,})-of-([0-9]{5,})\.parquet$")
_HELD_OUT_SHARE = 10  # one document in ten, where the dataset's validation split has none of the domain


def require_domain(name: str) -> None:
    """Raise ConfigError for what is no domain to train on, and not "all"."""
    known = ("all", *(str(domain) for domain in DOMAINS if domain not in NEVER_TRAINED))
    if name not in known:
        raise ConfigError(f"--domain {name}: no domain to train on; {nearest(name, known)}")


@dataclass(frozen=True)
class Row:
    """A document to train on or to measure by; its text is read when it is needed, a shard at a time."""

    id: str
    source: str
    domain: str
    licence: str
    attribution: str


@dataclass
class Selection:
    """Rows chosen from a dataset: `train`, `held_out`, where the latter come from, and every row read accounted for."""

    train: list[Row] = field(default_factory=list)
    held_out: list[Row] = field(default_factory=list)
    held_out_from: str = "validation"
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def shards(
    workspace: Workspace, include: Sequence[str] = (), splits: Sequence[str] = ("train", "validation")
) -> list[Path]:
    """The dataset's shards of the configs that may be read, sorted.

    Raises InputError where there are none, CorruptFileError where those of a config and split are not 0 to N-1 of N:
    one that no build put there would be trained on, too.
    """
    folders = ["data", "cc_by_sa", *include]
    found = [path for folder in folders for split in splits for path in _of_split(workspace, folder, split)]
    if not found:
        raise InputError(f"no dataset in {workspace.path('dataset')}; make it first: hakusho dataset build")
    return sorted(found)


def _of_split(workspace: Workspace, folder: str, split: str) -> list[Path]:
    paths = sorted(workspace.path("dataset", folder).glob(f"{split}-*.parquet"))
    places = {path: (int(match[1]), int(match[2])) for path in paths if (match := _SHARD.search(path.name))}
    if set(places.values()) != {(number, len(paths)) for number in range(len(paths))}:
        totals = {total for _, total in places.values()}
        whole = {
            (n, t)
            for t in totals
            if t <= len(paths)
            for n in range(t)
            if {(k, t) for k in range(t)} <= set(places.values())
        }
        stray = next((path for path in paths if places.get(path) not in whole), paths[-1])
        raise CorruptFileError(
            f"{stray}: the {split} shards in this folder are not 0 to N-1 of one N; remove what no build put there, "
            "or make the dataset again: hakusho dataset build"
        )
    return paths


def select(paths: Iterable[Path], domain: str) -> Selection:
    """The rows of these shards that may be trained on, in one domain or in "all" of them, sorted by id.

    Held out are the validation split's documents; where it has none of the domain, one training document in ten by the
    hash of its id, which then is not trained on. Raises LicenceError, CorruptFileError (also for an id that occurs
    twice, in one split or in two), and EmptyInputError where there is nothing to train on or to hold out.
    """
    selection = Selection()
    for path, row, reason in _once(paths, domain):
        selection.read += 1
        if reason:
            selection.dropped[reason] += 1
        else:
            (selection.held_out if path.name.startswith("validation-") else selection.train).append(row)
    _hold_out(selection, domain)
    return selection


def admitted(paths: Iterable[Path], domain: str) -> list[Row]:
    """Every row of these shards that may be trained on, sorted by id. Raises LicenceError, CorruptFileError."""
    rows = [row for _, row, reason in _once(paths, domain) if not reason]
    return sorted(rows, key=lambda row: row.id)


def texts(paths: Iterable[Path], wanted: Collection[str]) -> Iterator[str]:
    """The texts of the documents with these ids, in the order of the shards; one shard is in memory at a time."""
    return (text for _, text in documents(paths, wanted))


def documents(paths: Iterable[Path], wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Id and text of the documents with these ids, as `texts` gives them."""
    for path in paths:
        table = read_shard(path, ("id", "text"))
        for key, text in zip(table.column("id").to_pylist(), table.column("text"), strict=True):
            if key in wanted:
                yield str(key), str(text)


def count_licences(rows: Iterable[Row]) -> dict[str, int]:
    """Documents by licence."""
    return dict(sorted(Counter(row.licence for row in rows).items()))


def attributions(rows: Iterable[Row]) -> list[str]:
    """The credit lines of documents, each once."""
    return sorted({row.attribution for row in rows if row.attribution})


def _once(paths: Iterable[Path], domain: str) -> Iterator[tuple[Path, Row, str]]:
    """Each row of some shards, with its shard and why it is left out; an id that occurs twice is an error."""
    seen: dict[str, Path] = {}
    for path in paths:
        for row, reason in _judged(path, domain):
            if row.id in seen:
                raise CorruptFileError(
                    f"{path}: document {row.id} is in {seen[row.id].name}, too; make the dataset again: "
                    "hakusho dataset build"
                )
            seen[row.id] = path
            yield path, row, reason


def _judged(path: Path, domain: str) -> Iterator[tuple[Row, str]]:
    """Each row of a shard, with why it is left out, "" where it is not."""
    config = next(name for name, folder in _FOLDERS.items() if folder == path.parent.name)
    try:
        records = read_shard(path, COLUMNS).to_pylist()
        for record in records:
            row = Row(**{name: record[name] for name in Row.__dataclass_fields__})
            reason = _refusal(row, record["verdict"], config, domain, path)
            yield row, reason or ("" if record["text"].strip() else "empty")
    except (KeyError, pa.ArrowException) as error:
        raise CorruptFileError(f"{path}: no shard of the dataset ({error}); run hakusho dataset build") from error


def _refusal(row: Row, verdict: str, config: str, domain: str, path: Path) -> str:
    if row.licence not in _LICENCES[config]:
        raise LicenceError(
            f"{path}: document {row.id} has licence {row.licence or 'none'}, which config {config} does not allow; "
            "no licence, no training: mend the row's licence and build the dataset again"
        )
    allowed = Verdict.ESCALATION if config == "restricted" else Verdict.ALLOW
    if verdict != allowed:
        return "verdict"
    if row.domain in NEVER_TRAINED:
        return "never_trained"
    if domain not in ("all", row.domain):
        return "other_domain"
    return ""


def _hold_out(selection: Selection, domain: str) -> None:
    for rows in (selection.train, selection.held_out):
        rows.sort(key=lambda row: row.id)
    if not selection.held_out:
        selection.held_out_from = "train"
        number = max(1, len(selection.train) // _HELD_OUT_SHARE) if len(selection.train) > 1 else 0
        chosen = {row.id for row in sorted(selection.train, key=lambda row: sha256(row.id.encode()).digest())[:number]}
        selection.held_out = [row for row in selection.train if row.id in chosen]
        selection.train = [row for row in selection.train if row.id not in chosen]
    if not selection.train or not selection.held_out:
        drops = (
            ", ".join(f"{number} {reason}" for reason, number in sorted(selection.dropped.items())) or "none dropped"
        )
        raise EmptyInputError(
            f"too few documents of domain {domain} to train on and to hold out: {len(selection.train)} of "
            f"{selection.read} rows ({drops}); harvest more, or choose another --domain"
        )
