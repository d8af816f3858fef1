"""MinHash signatures, bit for bit those of datasketch 2.x in its scheme "affine32".

`MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)` of datasketch, fed with `shingle_hash` of every
shingle, holds exactly one row of `signatures`: a user can load our rows into its `LeanMinHash` and `MinHashLSH`.
The scheme: h = fmix32(hash), slot k = min over the shingles of a_k * h + b_k mod 2**32 with odd a_k; a and b come
from numpy's legacy generator RandomState(seed), whose stream numpy guarantees never to change.
Source: A. Broder, "On the resemblance and containment of documents", 1997; datasketch issue 212 for the scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from corpus.base.errors import InputError, UsageError
from corpus.dedup.folding import tables
from corpus.dedup.kernel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BROKEN", "EMPTY", "NULL", "SIGNED", "Buffers", "Signed", "buffers", "permutations", "sign", "signatures"]

# What became of a text, in `Signed.outcomes`: signed; nothing left after folding; null; bytes that are no UTF-8.
SIGNED: Final = 0
EMPTY: Final = 1
NULL: Final = 2
BROKEN: Final = 3


class Signed(NamedTuple):
    """What one pass over n texts gives; all but `outcomes` is 0 for a text that is NULL or BROKEN.

    `slots` uint32 (n, num_perm): signatures, 0xFFFFFFFF in every slot where there is nothing to sign. `lengths` int64
    (n,): code points of the text. `texts` and `folds` uint64 (n,): hashes of the text as it is, and of its folded
    form; no cryptographic ones. `outcomes` uint8 (n,): SIGNED, EMPTY, NULL or BROKEN.
    """

    slots: NDArray[np.uint32]
    lengths: NDArray[np.int64]
    texts: NDArray[np.uint64]
    folds: NDArray[np.uint64]
    outcomes: NDArray[np.uint8]

    @classmethod
    def empty(cls, count: int, num_perm: int) -> Signed:
        """Rows to be filled."""
        return cls(
            np.empty((count, num_perm), dtype=np.uint32),
            np.empty(count, dtype=np.int64),
            np.empty(count, dtype=np.uint64),
            np.empty(count, dtype=np.uint64),
            np.empty(count, dtype=np.uint8),
        )

    def part(self, start: int, end: int) -> Signed:
        """The rows from start to end, as views."""
        here = slice(start, end)
        return Signed(self.slots[here], self.lengths[here], self.texts[here], self.folds[here], self.outcomes[here])


class Buffers(NamedTuple):
    """An Arrow string array as numpy sees it without a copy: text i is data[offsets[i]:offsets[i + 1]], or missing.

    `data` uint8, `offsets` int64 (n + 1,), `missing` bool (n,).
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    missing: NDArray[np.bool_]


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


def buffers(texts: pa.Array[Any]) -> Buffers:
    """Return the buffers of a string array (string, large_string, string_view or a dictionary of them; slices too).

    Raises InputError for an array of another type.
    """
    kind = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise InputError(f"texts are of Arrow type {texts.type}: give strings")
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    _, places, data = texts.buffers()
    wide: Any = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    count = len(texts)
    held = memoryview(places) if places is not None and count else np.zeros(1, dtype=wide).data
    offsets = np.frombuffer(held, wide)[texts.offset : texts.offset + count + 1] if count else np.frombuffer(held, wide)
    missing = texts.is_null().to_numpy(zero_copy_only=False) if texts.null_count else np.zeros(count, dtype=np.bool_)
    plain = np.frombuffer(memoryview(data) if data is not None and data.size else b"\0", np.uint8)
    return Buffers(plain, offsets.astype(np.int64), missing)


def sign(texts: pa.Array[Any] | pa.ChunkedArray[Any], num_perm: int = 128, seed: int = 1) -> Signed:
    """Return the signatures and hashes of n texts, and what became of each; a text that cannot be signed stops none.

    `texts` is an Arrow string array, chunked or not; each is folded for hashing here. A text of one to four code
    points is its own single shingle. One thread; other threads may run meanwhile. Memory beside the result does not
    grow with the length of a text. Raises InputError for an array of another type, UsageError as `permutations`.
    """
    a, b = permutations(num_perm, seed)
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    count = sum(len(chunk) for chunk in chunks)
    done = Signed.empty(count, num_perm)
    start = 0
    for chunk in chunks:
        kernel().sign_rows(*buffers(chunk), tables(), a, b, done.part(start, start + len(chunk)))
        start += len(chunk)
    return done


def signatures(
    texts: pa.Array[Any] | pa.ChunkedArray[Any] | Sequence[str], num_perm: int = 128, seed: int = 1
) -> NDArray[np.uint32]:
    """Return one MinHash signature a text: uint32 of shape (len(texts), num_perm).

    `texts` is an Arrow array (or chunked array) or a list of strings; each is folded for hashing here. Raises
    InputError when a text is null, no string, no UTF-8, or holds half of a surrogate pair; UsageError when num_perm or
    seed is out of range. `sign` says what became of each text instead.
    """
    done = sign(_strings(texts) if isinstance(texts, Sequence) else texts, num_perm, seed)
    nulls = int((done.outcomes == NULL).sum())
    if nulls:
        raise InputError(f"{nulls} of {len(texts)} texts are null: give every document a text, or drop it first")
    broken = np.flatnonzero(done.outcomes == BROKEN)
    if broken.size:
        raise InputError(f"text {broken[0]} (from 0) holds bytes that are no UTF-8: decode it with its own encoding")
    return done.slots


def _strings(texts: Sequence[str]) -> pa.Array[Any]:
    for number, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise InputError(f"text {number} (from 0) is {type(text).__name__}: give strings")
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # Arrow and Parquet cannot hold half of a pair, so its signature would belong to no row
        number = next(i for i, text in enumerate(texts) if text is not None and not _whole(text))
        raise InputError(
            f"text {number} (from 0) holds half of a surrogate pair, which is no character: mend it"
        ) from None


def _whole(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)
