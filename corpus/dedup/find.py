"""The search as a whole: signed documents in, two tables out."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.errors import InputError
from corpus.dedup.clusters import candidate_rows, components
from corpus.dedup.folding import folded
from corpus.dedup.keepers import Candidate, Drop, choose
from corpus.dedup.minhash import sign_folded
from corpus.dedup.tables import CLUSTERS, DUPLICATES, SIGNATURES, values, whole
from corpus.dedup.verify import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from corpus.dedup.settings import DedupSettings

_FACTS = ("source", "revision", "work")  # what the choice of a keeper looks at, beside the text


class Found(NamedTuple):
    """What a search gives: DUPLICATES (one row a document that goes) and CLUSTERS (one row a document), by id."""

    duplicates: pa.Table
    clusters: pa.Table


def sign(documents: pa.Table, settings: DedupSettings) -> pa.Table:
    """Return the SIGNATURES rows of a table with string columns id and text; source, revision, work where it has them.

    Rows keep their order. Raises InputError when one of them is null.
    """
    for name in ("id", "text", *_FACTS):
        if name in documents.column_names and documents[name].null_count:
            empty = f"{documents[name].null_count} of {documents.num_rows} rows"
            raise InputError(f"{empty} have no {name}: fill or drop them")
    texts: list[str] = values(documents, "text")
    plain = [folded(text) for text in texts]
    distinct = list(dict.fromkeys(plain))  # copies are signed once
    number = {text: index for index, text in enumerate(distinct)}
    slots = sign_folded(distinct, settings.num_perm, settings.seed)[[number[text] for text in plain]]
    offsets = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(settings.num_perm)
    columns: list[Any] = [documents["id"], *(_strings(documents, name) for name in _FACTS)]
    columns += [
        pa.array([len(text) for text in texts], pa.int32()),
        pa.array([_digest(text) for text in texts], pa.string()),
        pa.array([_digest(text) for text in plain], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(slots.reshape(-1))),
    ]
    return pa.Table.from_arrays([whole(column) for column in columns], schema=SIGNATURES)


def find(
    signed: pa.Table,
    texts: Callable[[Sequence[str]], Mapping[str, str]],
    settings: DedupSettings,
) -> Found:
    """Return the duplicates and clusters of SIGNATURES rows made with the same settings.

    `texts` gives the texts of the ids it is asked for: one call, with the few documents that share a band with
    another. The result depends on the documents only, not on their order. Raises InputError for an id that occurs
    twice or signatures of another size.
    """
    rows = signed.sort_by("id")
    ids: list[str] = values(rows, "id")
    _check(ids, rows, settings)
    representatives, groups = _groups(values(rows, "fold_hash"))
    slots = _slots(rows, settings)[representatives]
    near = candidate_rows(slots, settings)
    wanted = texts([ids[representatives[number]] for number in near])
    verifier = Verifier(lambda number: folded(wanted[ids[representatives[near[number]]]]))
    roots = components(slots[near], settings, verifier)
    # Every group of equal folded texts has a component: its candidate's root, or itself.
    component = list(range(len(representatives)))
    for number, root in zip(near.tolist(), roots, strict=True):
        component[number] = int(near[root])
    place = {number: index for index, number in enumerate(near.tolist())}
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[component[group]].append(row)
    clusters = {row: ids[rows_of[0]] for rows_of in members.values() for row in rows_of}
    drops: list[tuple[Drop, str]] = []
    facts = _facts(rows)

    def close(left: int, right: int) -> float | None:
        return verifier.similarity(left, right, settings.threshold)

    newest_only = settings.versions == "newest"
    for rows_of in members.values():
        if len(rows_of) > 1:
            candidates = [facts(row, place.get(groups[row], -1)) for row in rows_of]
            drops += [(drop, ids[rows_of[0]]) for drop in choose(candidates, close, drop_versions=newest_only)]
    return Found(_duplicates(drops), pa.table([ids, [clusters[row] for row in range(len(ids))]], schema=CLUSTERS))


def texts_of(tables: Iterable[pa.Table]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Return a `texts` function for `find` over tables with columns id and text, read one after the other."""

    def pick(ids: Sequence[str]) -> Mapping[str, str]:
        wanted = pa.array(ids, pa.string())
        found: dict[str, str] = {}
        for table in tables:
            some = table.filter(pc.is_in(table["id"], value_set=wanted))
            found.update(zip(values(some, "id"), values(some, "text"), strict=True))
        return found

    return pick


def join_inputs(tables: Sequence[pa.Table]) -> pa.Table:
    """Return several inputs as one table of strings: id, text, source, revision and work ("" where one has none)."""
    names = ("id", "text", *_FACTS)
    return pa.concat_tables([pa.table({name: _strings(table, name) for name in names}) for table in tables])


def _strings(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return pa.array([""] * table.num_rows, pa.string())
    try:
        column: Any = table[name].cast(pa.string())
    except pa.ArrowException as error:
        raise InputError(f"column {name} is {table[name].type}: it must be text, numbers or dates") from error
    return column if name in ("id", "text") else pc.fill_null(column, "")


def _check(ids: Sequence[str], rows: pa.Table, settings: DedupSettings) -> None:
    for before, after in itertools.pairwise(ids):
        if before == after:
            raise InputError(f"id {after!r} occurs more than once: ids must be unique over all inputs")
    lengths = pc.unique(pc.list_value_length(rows["signature"])).to_pylist()
    if lengths not in ([], [settings.num_perm]):
        raise InputError(
            f"signatures have {', '.join(map(str, sorted(lengths)))} slots, not {settings.num_perm}: "
            "sign the documents again with the same bands and rows"
        )


def _groups(fold_hashes: Sequence[str]) -> tuple[list[int], list[int]]:
    """Number the distinct folded texts in order of appearance: first row of each, and the number of every row."""
    numbers: dict[str, int] = {}
    first: list[int] = []
    groups: list[int] = []
    for row, value in enumerate(fold_hashes):
        number = numbers.setdefault(value, len(first))
        if number == len(first):
            first.append(row)
        groups.append(number)
    return first, groups


def _slots(rows: pa.Table, settings: DedupSettings) -> np.ndarray[Any, np.dtype[np.uint32]]:
    flat: Any = whole(rows["signature"]).flatten()
    slots: np.ndarray[Any, np.dtype[np.uint32]] = flat.to_numpy(zero_copy_only=False)
    return slots.reshape(rows.num_rows, settings.num_perm)


def _facts(rows: pa.Table) -> Callable[[int, int], Candidate]:
    ids, (sources, revisions, works) = values(rows, "id"), (values(rows, name) for name in _FACTS)
    lengths, hashes = values(rows, "length"), values(rows, "text_hash")

    def fact(row: int, group: int) -> Candidate:
        return Candidate(ids[row], sources[row], revisions[row], works[row], lengths[row], group, hashes[row])

    return fact


def _duplicates(drops: Iterable[tuple[Drop, str]]) -> pa.Table:
    ordered = sorted(drops, key=lambda pair: pair[0].id)
    columns: list[list[Any]] = [
        [drop.id for drop, _ in ordered],
        [drop.keeper for drop, _ in ordered],
        [drop.jaccard for drop, _ in ordered],
        [cluster for _, cluster in ordered],
        [drop.rule for drop, _ in ordered],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, DUPLICATES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=DUPLICATES)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
