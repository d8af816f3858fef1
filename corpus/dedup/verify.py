"""Exact Jaccard of pairs of documents: over the sets of their shingles, with no estimate and no sample.

Shingles are told apart by a 64-bit hash of all their code points. Two different ones of a pair of documents share it
with a chance of some n**2 / 2**65 for n shingles: one in a million million for a pair of 4,000 each. The memory for a
pair does not grow beyond some hundred megabytes, however long the two texts are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from corpus.base.errors import InputError
from corpus.dedup.folding import tables
from corpus.dedup.kernel import kernel
from corpus.dedup.minhash import buffers

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

__all__ = ["Edges", "jaccards", "verified_edges"]


class Edges(NamedTuple):
    """Pairs of rows and their exact Jaccard: int64, int64, float64, each (n,); left < right."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    jaccard: NDArray[np.float64]


def jaccards(texts: pa.Array[Any], left: Rows, right: Rows) -> NDArray[np.float64]:
    """Return the exact Jaccard, 0 to 1, of texts left[i] and right[i]; two texts without shingles are equal.

    `texts` is an Arrow string array, not chunked. Sort by `left` for speed: its set is kept from pair to pair. Raises
    InputError where one of the texts is null or no UTF-8.
    """
    values = _values(texts, left, right, 0.0, spanning=False)
    refused = np.flatnonzero(values < 0)
    if refused.size:
        raise InputError(f"text {left[refused[0]]} or {right[refused[0]]} (from 0) is null or no UTF-8")
    return values


def verified_edges(texts: pa.Array[Any], left: Rows, right: Rows, threshold: float, *, spanning: bool = False) -> Edges:
    """Return the candidate pairs whose exact Jaccard is at least `threshold`, in their order.

    With `spanning` a pair whose ends are connected by edges found before is left unchecked: the edges connect the same
    documents, in time that grows with the documents of a group of copies and not with its pairs. A text that is null
    or no UTF-8 has no edge.
    """
    values = _values(texts, left, right, threshold, spanning=spanning)
    held = values >= threshold  # neither -1 nor NaN is
    return Edges(left[held], right[held], values[held])


def _values(texts: pa.Array[Any], left: Rows, right: Rows, threshold: float, *, spanning: bool) -> NDArray[np.float64]:
    values = np.empty(left.size, dtype=np.float64)
    data, offsets, missing = buffers(texts)
    parents = np.arange(len(texts) if spanning else 0, dtype=np.int64)
    usable = ~(missing[left] | missing[right])
    if usable.all():
        kernel().verify_pairs(data, offsets, left, right, threshold, parents, tables(), values)
        return values
    values[:] = -1.0
    some = np.empty(int(usable.sum()), dtype=np.float64)
    kernel().verify_pairs(data, offsets, left[usable], right[usable], threshold, parents, tables(), some)
    values[usable] = some
    return values
