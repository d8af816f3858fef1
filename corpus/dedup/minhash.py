"""MinHash signatures, bit for bit those of datasketch 2.x in its scheme "affine32".

`MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)` of datasketch, fed with `shingle_hash` of every
shingle, holds exactly one row of `signatures`: a user can load our rows into its `LeanMinHash` and `MinHashLSH`.
The scheme: h = fmix32(hash), slot k = min over the shingles of a_k * h + b_k mod 2**32 with odd a_k; a and b come
from numpy's legacy generator RandomState(seed), whose stream numpy guarantees never to change.
Source: A. Broder, "On the resemblance and containment of documents", 1997; datasketch issue 212 for the scheme.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from corpus.base.errors import InputError, UsageError
from corpus.dedup.folding import folded
from corpus.dedup.shingles import avalanche, shingle_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

# One block of slots x shingles stays inside a core's second-level cache (128 x 1024 x 4 bytes = 512 KiB).
_BLOCK: Final = 1024
_HALF: Final = re.compile("[\ud800-\udfff]")
_EMPTY: Final = np.uint32(0xFFFFFFFF)


@lru_cache(maxsize=16)
def permutations(num_perm: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the multipliers a (odd) and the offsets b, each uint32 of shape (num_perm,), for this seed.

    Raises UsageError when num_perm < 1 or the seed is outside 0 .. 2**32 - 1.
    """
    if num_perm < 1:
        raise UsageError(f"num_perm is {num_perm}: a signature needs at least one slot")
    if not 0 <= seed < 1 << 32:
        raise UsageError(f"seed is {seed}: give a number from 0 to 4294967295")
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return a, b


def sign_folded(texts: Iterable[str], count: int, num_perm: int = 128, seed: int = 1) -> NDArray[np.uint32]:
    """Return the signatures of `count` already folded texts as uint32 of shape (count, num_perm).

    A text without shingles (empty after folding) has 0xFFFFFFFF in every slot. Raises UsageError as `permutations`.
    """
    a, b = permutations(num_perm, seed)
    multiply, offset = a[:, None], b[:, None]
    block = np.empty(num_perm * _BLOCK, dtype=np.uint32)
    out = np.full((count, num_perm), _EMPTY, dtype=np.uint32)
    for row, text in zip(out, texts, strict=True):
        hashes = avalanche(shingle_hashes(text))
        for start in range(0, hashes.size, _BLOCK):
            part = hashes[start : start + _BLOCK]
            # A contiguous view of the one buffer, whatever the width of the last block.
            view = block[: num_perm * part.size].reshape(num_perm, part.size)
            np.multiply(multiply, part, out=view)
            np.add(view, offset, out=view)
            np.minimum(row, view.min(axis=1), out=row)
    return out


def signatures(
    texts: pa.Array[Any] | pa.ChunkedArray[Any] | Sequence[str], num_perm: int = 128, seed: int = 1
) -> NDArray[np.uint32]:
    """Return one MinHash signature a text: uint32 of shape (len(texts), num_perm).

    `texts` is an Arrow array (or chunked array) or a list of strings; each is folded for hashing here. Raises
    InputError when a text is null, no string, or holds half of a surrogate pair; UsageError when num_perm or seed is
    out of range.
    """
    plain: list[Any] = list(texts) if isinstance(texts, Sequence) else texts.to_pylist()
    nulls = sum(text is None for text in plain)
    if nulls:
        raise InputError(f"{nulls} of {len(plain)} texts are null: give every document a text, or drop it first")
    for number, text in enumerate(plain):
        if not isinstance(text, str):
            raise InputError(f"text {number} (from 0) is {type(text).__name__}: give strings")
        if _HALF.search(text):  # Arrow and Parquet cannot hold such a text, so its signature would belong to no row
            raise InputError(f"text {number} (from 0) holds half of a surrogate pair, which is no character: mend it")
    return sign_folded((folded(text) for text in plain), len(plain), num_perm, seed)
