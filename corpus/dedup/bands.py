"""Banding: which signatures agree in a whole band and so become candidates.

Source: P. Indyk and R. Motwani, "Approximate nearest neighbors", 1998; Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3.4. A band's key is a 64-bit hash of its slots, so two different bands may share a key
(chance 2**-64 a pair): that adds a candidate, which verification then refuses, and never loses one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


def band_keys(signatures: NDArray[np.uint32], band: int, rows: int) -> NDArray[np.uint64]:
    """Return one uint64 key a signature for band number `band` (slots band*rows to band*rows + rows - 1)."""
    keys = np.zeros(len(signatures), dtype=np.uint64)
    for slot in range(band * rows, band * rows + rows):
        keys ^= signatures[:, slot]
        keys *= _MULTIPLIER
        keys ^= keys >> np.uint64(29)
    return keys


def buckets(keys: NDArray[np.uint64]) -> Iterator[NDArray[np.intp]]:
    """Yield, for each key that occurs more than once, the ascending row numbers that hold it."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if keys.size else np.empty(0, dtype=np.intp)
    sizes = np.diff(np.r_[starts, keys.size])
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        yield order[start : start + size]
