"""Shingles: the 5-grams of code points that near-duplicate search compares, and their 32-bit hash.

A document is folded once (`corpus.text.fold.fold`: width, variants, case and blank runs; for hashing only, the text
itself is never changed) and seen as the set of all windows of five code points. Five code points suit Japanese, where
words have no blanks between them, and give English the same treatment. A folded text shorter than five code points
is its own single shingle; an empty one has none.

The hash of a shingle is MurmurHash3_x86_32 (A. Appleby, public domain specification, seed 0) of the shingle in
UTF-32LE, that is, one 4-byte block a code point and no tail. It depends on nothing but the code points, so that
signatures made on any machine and in any release can be compared, and any MurmurHash3 library gives the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHINGLE: Final = 5

_C1: Final = np.uint32(0xCC9E2D51)
_C2: Final = np.uint32(0x1B873593)
_ADD: Final = np.uint32(0xE6546B64)
_MIX1: Final = np.uint32(0x85EBCA6B)
_MIX2: Final = np.uint32(0xC2B2AE35)


def codepoints(text: str) -> NDArray[np.uint32]:
    """Return the code points of `text` as a read-only uint32 array; a lone surrogate counts as itself."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def shingles(folded: str) -> set[str]:
    """Return the set of shingles of an already folded text: all windows of five code points.

    A text of one to four code points is its own shingle; an empty text gives the empty set.
    """
    if not folded:
        return set()
    return {folded[i : i + SHINGLE] for i in range(max(1, len(folded) - SHINGLE + 1))}


def shingle_hash(shingle: str) -> int:
    """Return the 32-bit hash (0 <= value < 2**32) of one shingle: MurmurHash3_x86_32 of its UTF-32LE form, seed 0.

    Any string may be given, also one that is shorter or longer than five code points.
    """
    return int(_murmur3(codepoints(shingle).reshape(-1, 1))[0])


def shingle_hashes(folded: str, size: int = SHINGLE) -> NDArray[np.uint32]:
    """Return the hashes of all shingles of a folded text as uint32, in text order, repeats included.

    The length is max(1, len(folded) - 4) for a text that is not empty, and 0 for an empty one.
    """
    points = codepoints(folded)
    if points.size == 0:
        return np.empty(0, dtype=np.uint32)
    width = min(size, points.size)
    count = points.size - width + 1
    return _murmur3([points[i : i + count] for i in range(width)])


def avalanche(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return `values` through the MurmurHash3 finaliser (a bijection on 32 bits), element by element."""
    values = values ^ (values >> np.uint32(16))
    values *= _MIX1
    values ^= values >> np.uint32(13)
    values *= _MIX2
    values ^= values >> np.uint32(16)
    return values


def _murmur3(columns: NDArray[np.uint32] | list[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    """Hash row by row: columns[i][j] is block i of row j. Arrays, not scalars, so that uint32 wraps silently."""
    state = np.zeros(len(columns[0]) if len(columns) else 1, dtype=np.uint32)
    for column in columns:
        block = column * _C1
        block = (block << np.uint32(15)) | (block >> np.uint32(17))
        block *= _C2
        state ^= block
        state = (state << np.uint32(13)) | (state >> np.uint32(19))
        state *= np.uint32(5)
        state += _ADD
    return avalanche(state ^ np.uint32(4 * len(columns)))
