"""The kernel without a compiler: the same functions and the same bits as kernel_numba and graph_numba, in numpy.

For machines where numba cannot be installed, and as the other opinion in tests. Some twenty to fifty times slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from corpus.dedup.folding import folded
from corpus.dedup.shingles import avalanche, codepoints, shingle_hashes, shingles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.dedup.folding import FoldTables
    from corpus.dedup.minhash import Signed

    U8 = NDArray[np.uint8]
    U32 = NDArray[np.uint32]
    U64 = NDArray[np.uint64]
    I64 = NDArray[np.int64]

# One block of slots x shingles stays inside a core's second-level cache (128 x 1024 x 4 bytes = 512 KiB).
_BLOCK: Final = 1024
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_WEIGHT: Final = np.uint32(0x9E3779B1)
_ALL: Final = (1 << 64) - 1


def sign_rows(data: U8, offsets: I64, missing: NDArray[np.bool_], fold: FoldTables, a: U32, b: U32, to: Signed) -> None:
    """Fill the row of `to` for every text data[offsets[i]:offsets[i + 1]]."""
    del fold  # Python folds by the rule itself
    view = data.data
    block = np.empty(a.size * _BLOCK, dtype=np.uint32)
    for row in range(offsets.size - 1):
        to.slots[row] = 0xFFFFFFFF
        to.lengths[row], to.texts[row], to.folds[row], to.outcomes[row] = 0, 0, 0, 2
        if missing[row]:
            continue
        try:
            text = str(view[offsets[row] : offsets[row + 1]], "utf-8")
        except UnicodeDecodeError:
            to.outcomes[row] = 3
            continue
        hashes = avalanche(shingle_hashes(folded(text)))
        _lower(to.slots[row], hashes, a, b, block)
        weights = np.arange(1, hashes.size + 1, dtype=np.uint32) * _WEIGHT
        to.lengths[row] = len(text)
        to.texts[row] = _finish(_polynomial(codepoints(text)), len(text))
        to.folds[row] = _finish(int((hashes * weights.astype(np.uint64)).sum(dtype=np.uint64)), hashes.size)
        to.outcomes[row] = 0 if hashes.size else 1


def _lower(row: U32, hashes: U32, a: U32, b: U32, block: U32) -> None:
    for start in range(0, hashes.size, _BLOCK):
        part = hashes[start : start + _BLOCK]
        # A contiguous view of the one buffer, whatever the width of the last block.
        view = block[: a.size * part.size].reshape(a.size, part.size)
        np.multiply(a[:, None], part, out=view)
        np.add(view, b[:, None], out=view)
        np.minimum(row, view.min(axis=1), out=row)


def _polynomial(points: U32) -> int:
    """The sum of points[i] times _GOLDEN ** (n - 1 - i), modulo 2**64."""
    powers = np.full(points.size, _GOLDEN)
    powers[:1] = 1
    return int((points * np.cumprod(powers, dtype=np.uint64)[::-1]).sum(dtype=np.uint64))


def _finish(total: int, length: int) -> int:
    state = total ^ length * int(_GOLDEN) & _ALL
    state = (state ^ state >> 33) * 0xFF51AFD7ED558CCD & _ALL
    state = (state ^ state >> 33) * 0xC4CEB9FE1A85EC53 & _ALL
    return state ^ state >> 33


def band_rows(slots: U32, rows: int, keys: U64) -> None:
    """Fill keys[band, i] from the `rows` slots of each band of signature i."""
    keys[:] = 0
    for band in range(len(keys)):
        key = keys[band]  # a view: what follows is done in place
        for slot in range(band * rows, band * rows + rows):
            key ^= slots[:, slot]
            key *= _GOLDEN
            key ^= key >> np.uint64(29)


def chain(keys: U64, heads: I64, previous: I64) -> None:
    """Fill previous[i] with the last row before i of the same key, or -1."""
    del heads  # what the compiled one counts in
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    previous[:] = -1
    previous[order[1:][same]] = order[:-1][same]


def join_all(parents: I64, left: I64, right: I64) -> None:
    """Join the ends of every edge; then parents[i] is the least number of i's component."""
    for ends in zip(left.tolist(), right.tolist(), strict=True):
        low, high = sorted(_root(parents, end) for end in ends)
        parents[high] = low
    for item in range(parents.size):
        parents[item] = parents[parents[item]]


def _root(parents: I64, item: int) -> int:
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = int(parents[item])
    return item


def verify_pairs(
    data: U8, offsets: I64, left: I64, right: I64, threshold: float, parents: I64, fold: FoldTables,
    jaccards: NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill `jaccards` for texts left[i] and right[i]: exact where at least `threshold`, else -1; NaN where joined."""
    del fold
    view = data.data
    held: tuple[int, set[str] | None] = (-1, None)
    for pair, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if parents.size and _root(parents, i) == _root(parents, j):
            jaccards[pair] = np.nan
            continue
        if held[0] != i:
            held = (i, _shingles(view, offsets, i))
        ours, theirs = held[1], _shingles(view, offsets, j)
        value = -1.0 if ours is None or theirs is None else _jaccard(ours, theirs)
        jaccards[pair] = value if value >= threshold else -1.0
        if parents.size and value >= threshold:
            low, high = sorted((_root(parents, i), _root(parents, j)))
            parents[high] = low


def _shingles(view: memoryview, offsets: I64, row: int) -> set[str] | None:
    try:
        return shingles(folded(str(view[offsets[row] : offsets[row + 1]], "utf-8")))
    except UnicodeDecodeError:
        return None


def _jaccard(left: set[str], right: set[str]) -> float:
    common = len(left & right)
    return common / (len(left) + len(right) - common) if left or right else 1.0
