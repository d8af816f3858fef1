"""The compiled kernel of the candidate graph: band keys, rows of equal keys, components. See kernel_numba."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.dedup.jit import compiled

if TYPE_CHECKING:
    from corpus.dedup.jit import I64, U32, U64

u64 = np.uint64

_GOLDEN = u64(0x9E3779B97F4A7C15)


@compiled
def band_rows(slots: U32, rows: int, keys: U64) -> None:
    """Fill keys[band, i] from the `rows` slots of each band of signature i."""
    for i in range(slots.shape[0]):
        for band in range(keys.shape[0]):
            key = u64(0)
            for slot in range(band * rows, band * rows + rows):
                key = u64(u64(key ^ u64(slots[i, slot])) * _GOLDEN)
                key ^= key >> u64(29)
            keys[band, i] = key


@compiled
def chain(keys: U64, heads: I64, previous: I64) -> None:
    """Fill previous[i] with the last row before i of the same key, or -1; `heads` is -1 everywhere, 2**k > rows."""
    last = u64(heads.size - 1)
    for row in range(keys.size):
        slot = u64(u64(keys[row] * _GOLDEN) >> u64(20)) & last
        while heads[slot] >= 0 and keys[heads[slot]] != keys[row]:
            slot = u64(slot + u64(1)) & last
        previous[row] = heads[slot]
        heads[slot] = row


@compiled
def join_all(parents: I64, left: I64, right: I64) -> None:
    """Join the ends of every edge; then parents[i] is the least number of i's component."""
    for edge in range(left.size):
        low, high = left[edge], right[edge]
        while parents[low] != low:
            parents[low] = parents[parents[low]]
            low = parents[low]
        while parents[high] != high:
            parents[high] = parents[parents[high]]
            high = parents[high]
        parents[max(low, high)] = min(low, high)
    for item in range(parents.size):
        parents[item] = parents[parents[item]]  # a parent is less than its child, so it is settled already
