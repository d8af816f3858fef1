"""Banding: which signatures agree in a whole band and so become candidates.

Source: P. Indyk and R. Motwani, "Approximate nearest neighbors", 1998; Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3.4. A band's key is a 64-bit hash of its slots, so two different bands may share a key
(chance 2**-64 a pair): that adds a candidate, which verification then refuses, and never loses one.

The candidates of a band are the pairs of rows with the same key that have fewer than WINDOW rows of that key between
them: in a bucket of up to WINDOW + 1 rows all pairs, in a larger one WINDOW for each row, so that work grows with the
number of documents and never with its square. In a bucket of near copies that still connects all of them; documents
that share no more than boilerplate, thousands to a bucket, meet their true copies in the bands that differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from corpus.base.errors import UsageError
from corpus.dedup.kernel import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["WINDOW", "band_keys", "candidates", "pairs_of", "unique_pairs"]

WINDOW: Final = 64


def band_keys(signatures: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """Return the band keys, uint64 (bands, n), of signatures uint32 (n, bands * rows or more).

    Band b hashes the slots b * rows to b * rows + rows - 1. Raises UsageError where there are too few slots.
    """
    count, slots = signatures.shape
    if bands < 1 or rows < 1 or bands * rows > slots:
        raise UsageError(f"{bands} bands of {rows} rows do not fit a signature of {slots} slots")
    keys = np.empty((bands, count), dtype=np.uint64)
    kernel().band_rows(signatures, rows, keys)
    return keys


def candidates(keys: NDArray[np.uint64], window: int = WINDOW) -> NDArray[np.uint64]:
    """Return the candidate pairs of one band, packed as left << 32 | right with left < right, ascending.

    `keys` are one band's, uint64 (n,), in an order of rows that the input's order has no part in (by id, say). Fewer
    than 2**32 rows. A large band can be cut by any function of the key: the parts' pairs together are the band's.
    """
    if keys.size >= 1 << 32:
        raise UsageError(f"{keys.size} rows in one band: cut it by a prefix of the key first")
    previous = np.empty(keys.size, dtype=np.int64)
    kernel().chain(keys, np.full(1 << max(1, int(keys.size)).bit_length() + 1, -1, dtype=np.int64), previous)
    rows = np.flatnonzero(previous >= 0)
    found: list[NDArray[np.uint64]] = []
    before = previous[rows]
    while rows.size and len(found) < window:
        found.append(before.astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64))
        before = previous[before]
        rows, before = rows[before >= 0], before[before >= 0]
    return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)


def unique_pairs(parts: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Return the packed pairs of several bands, each once, ascending."""
    held = list(parts)
    return np.unique(np.concatenate(held)) if held else np.empty(0, dtype=np.uint64)


def pairs_of(packed: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the left and the right rows, int64, of packed pairs."""
    return (packed >> np.uint64(32)).astype(np.int64), (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
