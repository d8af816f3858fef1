"""Deduplication of Parquet files as one call: two passes over the files, one process, bounded memory.

The first pass signs; band keys go to disk as they come. The second reads the texts of the documents that share a band
with another, and these alone, into one file that the comparison maps; a corpus that fits in a quarter of the memory it
may take is not read again. What stays in memory is some 100 bytes a document beside its id. `corpus.dedup.stages` does
the same work as tasks that any executor runs and that survive a kill; this is for a corpus that one machine reads in
minutes, and for programs that use the search as a library.
"""

from __future__ import annotations

import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.base.errors import EmptyInputError, InputError
from corpus.dedup.bands import band_keys
from corpus.dedup.copies import copies
from corpus.dedup.find import Found, outcome, ranked
from corpus.dedup.minhash import BROKEN, NULL, buffers, sign
from corpus.dedup.settings import DedupSettings
from corpus.dedup.spill import BandFiles, TextFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from corpus.dedup.minhash import Buffers

__all__ = ["deduplicate"]

_BATCH = 2048  # documents read and signed at a time
_FACTS = ("source", "revision", "work")


class _Pass(NamedTuple):
    """What the first pass keeps of a batch."""

    ids: Any
    texts: Any  # None once the corpus is too large to be held
    facts: tuple[Any, ...]
    keys: NDArray[np.uint64]
    numbers: NDArray[np.int64]  # (4, n): length, hash of the text, of its folded form, of its signature


def deduplicate(
    paths: Sequence[Path],
    settings: DedupSettings | None = None,
    *,
    id_column: str = "id",
    text_column: str = "text",
    memory: int = 1 << 30,
    threads: int = 1,
    folder: Path | None = None,
) -> Found:
    """Return the DUPLICATES and CLUSTERS of all documents in some Parquet files.

    Columns source, revision and work, where there, help to choose what stays. `memory` bounds the bytes that looking
    for candidates takes, `threads` sign at once; neither changes the outcome. Temporary files, 8 bytes a document and
    band and the texts that are compared, lie in `folder` (the system's by default). Raises InputError for a file
    without these columns, an id that occurs twice, a text that is null or no UTF-8; EmptyInputError for no document.
    """
    chosen = settings or DedupSettings()
    with (
        tempfile.TemporaryDirectory(prefix="hakusho-dedup-", dir=folder) as place,
        closing(BandFiles(Path(place), chosen.bands)) as bands,
    ):
        parts: list[_Pass] = []
        held = 0
        for part in _signed(paths, (id_column, text_column), chosen, threads):
            bands.add(part.keys)
            held += part.texts.nbytes
            parts.append(part._replace(keys=part.keys[:, :0]))
            if held > memory // 4:
                parts = [one._replace(texts=None) for one in parts]
        bands.close()
        if not parts:
            raise EmptyInputError(f"{', '.join(map(str, paths))}: no rows; give files with at least one document")
        ids = pa.chunked_array([part.ids for part in parts], pa.string()).combine_chunks()
        facts = [pa.chunked_array([part.facts[n] for part in parts], pa.string()).combine_chunks() for n in range(3)]
        lengths, hashes, folds, slots = np.concatenate([part.numbers for part in parts], axis=1)
        read = [] if held > memory // 4 else [part.texts for part in parts]
        del parts
        rows = ranked(ids, facts, lengths, hashes, _codes(folds, slots))
        store = TextFile(Path(place) / "texts")

        def fetch(asked: NDArray[np.int64]) -> Buffers:
            start = 0
            for texts in read or (batch.column(0) for batch in _batches(paths, (text_column,))):
                low, high = np.searchsorted(asked, (start, start + len(texts)))
                store.add(buffers(texts.take(pa.array(asked[low:high] - start, pa.int64()))))
                start += len(texts)
            return store.buffers()

        return outcome(ids, rows, copies(rows, bands.band, fetch, chosen, memory))


def _signed(paths: Sequence[Path], columns: tuple[str, str], settings: DedupSettings, threads: int) -> Iterator[_Pass]:
    def work(batch: pa.RecordBatch) -> _Pass:
        return _first_pass(batch, settings)

    yield from _in_threads(work, _batches(paths, columns), threads)


def _in_threads(
    work: Callable[[pa.RecordBatch], _Pass], batches: Iterator[pa.RecordBatch], threads: int
) -> Iterator[_Pass]:
    """The results in order; never more than twice as many batches in memory as there are threads."""
    if threads <= 1:
        yield from map(work, batches)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Any] = deque()
        for batch in batches:
            running.append(pool.submit(work, batch))
            if len(running) >= 2 * threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _batches(paths: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The columns of all files, and behind an id the facts that a file has."""
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                there = set(file.schema_arrow.names)
                missing = [name for name in columns if name not in there]
                if missing:
                    raise InputError(f"{path}: no column {missing[0]!r}; there are {', '.join(sorted(there))}")
                wanted = [*columns, *(name for name in _FACTS if name in there and len(columns) > 1)]
                for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
                    yield batch.select(wanted)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def _first_pass(batch: pa.RecordBatch, settings: DedupSettings) -> _Pass:
    ids, texts = batch.column(0), batch.column(1)
    if ids.null_count:
        raise InputError(f"{ids.null_count} of {len(ids)} rows have no id: fill or drop them")
    signed = sign(texts, settings.num_perm, settings.seed)
    for outcome_, said in ((NULL, "is null"), (BROKEN, "holds bytes that are no UTF-8")):
        rows = np.flatnonzero(signed.outcomes == outcome_)
        if rows.size:
            raise InputError(f"the text of {ids[int(rows[0])].as_py()!r} {said}: mend or drop it")
    numbers = np.stack(
        [
            signed.lengths,
            signed.texts.view(np.int64),
            signed.folds.view(np.int64),
            band_keys(signed.slots, 1, settings.num_perm)[0].view(np.int64),
        ]
    )
    names = batch.schema.names
    facts = tuple(
        batch.column(name).cast(pa.string()).fill_null("") if name in names else pa.array([""] * len(ids), pa.string())
        for name in _FACTS
    )
    return _Pass(ids.cast(pa.string()), texts, facts, band_keys(signed.slots, settings.bands, settings.rows), numbers)


def _codes(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row, equal where all columns are."""
    order = np.lexsort(columns)
    new = np.zeros(order.size, dtype=np.bool_)
    for column in columns:
        new[1:] |= column[order[1:]] != column[order[:-1]]
    codes = np.empty(order.size, dtype=np.int64)
    codes[order] = np.cumsum(new)
    return codes
