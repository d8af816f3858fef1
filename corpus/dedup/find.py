"""The search over tables: documents to signatures, signatures and texts to the two tables of the outcome."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.errors import InputError
from corpus.dedup.bands import band_keys
from corpus.dedup.copies import Copies, Rows, copies
from corpus.dedup.keepers import places, preference
from corpus.dedup.minhash import BROKEN, buffers
from corpus.dedup.minhash import sign as sign_texts
from corpus.dedup.tables import CLUSTERS, DUPLICATES, SIGNATURES, values, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from corpus.dedup.minhash import Buffers
    from corpus.dedup.settings import DedupSettings

    Ints = NDArray[np.int64]

__all__ = ["Found", "find", "join_inputs", "outcome", "ranked", "sign", "texts_of"]

_FACTS = ("source", "revision", "work")  # what the choice of a keeper looks at, beside the text


class Found(NamedTuple):
    """What a search gives: DUPLICATES (one row a document that goes) and CLUSTERS (one row a document), by id."""

    duplicates: pa.Table
    clusters: pa.Table


def sign(documents: pa.Table, settings: DedupSettings) -> pa.Table:
    """Return the SIGNATURES rows of a table with string columns id and text; source, revision, work where it has them.

    Rows keep their order. Raises InputError when one of them is null, or a text is no UTF-8.
    """
    for name in ("id", "text", *_FACTS):
        if name in documents.column_names and documents[name].null_count:
            empty = f"{documents[name].null_count} of {documents.num_rows} rows"
            raise InputError(f"{empty} have no {name}: fill or drop them")
    signed = sign_texts(documents["text"], settings.num_perm, settings.seed)
    broken = np.flatnonzero(signed.outcomes == BROKEN)
    if broken.size:
        raise InputError(
            f"the text of {documents['id'][int(broken[0])]} holds bytes that are no UTF-8: mend or drop it"
        )
    offsets = np.arange(documents.num_rows + 1, dtype=np.int32) * np.int32(settings.num_perm)
    # The folded text's own hash and one of its signature: together 128 bits, so that no two texts pass for one.
    folds = np.stack([signed.folds, band_keys(signed.slots, 1, settings.num_perm)[0]], axis=1)
    columns: list[Any] = [documents["id"], *(_strings(documents, name) for name in _FACTS)]
    columns += [
        pa.array(signed.lengths.astype(np.int32)),
        pa.array(_digests(documents["text"]), pa.string()),
        pa.array([row.hex() for row in folds.byteswap().view("V16").ravel().tolist()], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(signed.slots.reshape(-1))),
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
    ids = whole(signed["id"])
    rows = ranked(
        ids,
        [whole(signed[name]) for name in _FACTS],
        np.asarray(signed["length"], dtype=np.int64),
        _codes(signed["text_hash"]),
        _codes(signed["fold_hash"]),
    )
    keys = band_keys(_slots(signed, settings), settings.bands, settings.rows)

    def fetch(asked: Ints) -> Buffers:
        names = ids.take(pa.array(asked)).to_pylist()
        found = texts(names)
        return buffers(pa.array([found[name] for name in names], pa.large_string()))

    return outcome(ids, rows, copies(rows, keys.__getitem__, fetch, settings))


def ranked(ids: Any, facts: Sequence[Any], lengths: Ints, texts: Ints, folds: Ints) -> Rows:
    """Return the rows of a search. `facts` are the Arrow string columns source, revision and work.

    Raises InputError for an id that occurs twice.
    """
    names = places(ids)
    order = pa.array(np.argsort(names))
    ordered = ids.take(order)
    twice = pc.index(pc.equal(ordered[1:], ordered[:-1]), True).as_py() if len(ordered) > 1 else -1
    if twice >= 0:
        raise InputError(f"id {ordered[twice].as_py()!r} occurs more than once: ids must be unique over all inputs")
    source, revision, work = facts
    works = _codes(work)
    works[np.asarray(pc.binary_length(work)) == 0] = -1
    return Rows(preference(names, source, revision, lengths), names, texts, folds, works)


def outcome(ids: Any, rows: Rows, found: Copies) -> Found:
    """Return the outcome of a search as tables, by id."""
    by_name = np.argsort(rows.names)
    clusters = pa.table([ids.take(pa.array(by_name)), ids.take(pa.array(found.clusters[by_name]))], schema=CLUSTERS)
    gone = by_name[found.keepers[by_name] >= 0]
    keepers = found.keepers[gone]
    versions = (rows.works[gone] == rows.works[keepers]) & (rows.works[gone] >= 0)
    rules = np.where(rows.texts[gone] == rows.texts[keepers], 0, np.where(versions, 1, 2)).astype(np.int8)
    names: Any = pa.array(["exact_duplicate", "version", "near_duplicate"])
    columns = [ids.take(pa.array(gone)), ids.take(pa.array(keepers)), pa.array(found.jaccards[gone])]
    columns += [ids.take(pa.array(found.clusters[gone])), names.take(pa.array(rules))]
    return Found(pa.Table.from_arrays(columns, schema=DUPLICATES), clusters)


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


def _slots(rows: pa.Table, settings: DedupSettings) -> NDArray[np.uint32]:
    lengths = pc.unique(pc.list_value_length(rows["signature"])).to_pylist()
    if lengths not in ([], [settings.num_perm]):
        raise InputError(
            f"signatures have {', '.join(map(str, sorted(lengths)))} slots, not {settings.num_perm}: "
            "sign the documents again with the same bands and rows"
        )
    flat: Any = whole(rows["signature"]).flatten()
    slots: NDArray[np.uint32] = flat.to_numpy(zero_copy_only=False)
    return slots.reshape(rows.num_rows, settings.num_perm)


def _codes(column: Any) -> Ints:
    """A number for each value of a column, equal where the values are."""
    encoded: Any = whole(column).dictionary_encode()
    return np.array(encoded.indices, dtype=np.int64)


def _digests(texts: Any) -> list[str]:
    """The first 32 hex digits of the SHA-256 of each text's UTF-8."""
    found: list[str] = []
    for chunk in texts.chunks:
        data, offsets, _ = buffers(chunk)
        ends = offsets.tolist()
        view = data.data
        found += [hashlib.sha256(view[start:end]).hexdigest()[:32] for start, end in itertools.pairwise(ends)]
    return found
