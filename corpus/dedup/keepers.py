"""Which copy of a document stays.

Preference, first difference decides: the authority of the source (AUTHORITY, in that order, any other source after
them by name), the newest revision (numbers inside it compare as numbers), the greater length in code points, the
lesser id. All of it is written in the documents themselves, so neither order nor number of workers has a say.

Every document that goes names a document that stays and whose exact Jaccard with it is at least the threshold: the
verified mate of each drop is its keeper.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from corpus.dedup.tables import whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["AUTHORITY", "natural", "places", "preference"]

# The text of record first; an encyclopaedia quotes the others and is never preferred to them.
AUTHORITY: Final = ("egov", "mod", "nasa", "pmda", "wikipedia")
_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")


def places(ids: Any) -> NDArray[np.int64]:
    """Return the place of each id in ascending order, int64 (n,); equal ids have places next to each other."""
    return _inverse(np.asarray(pc.sort_indices(whole(ids)), dtype=np.int64))


def preference(ids: NDArray[np.int64], sources: Any, revisions: Any, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each document in order of preference, int64 (n,), the one to keep first.

    `ids` are the `places` of the ids, `sources` and `revisions` Arrow strings, `lengths` int64.
    """
    authority, revision = _ranks(sources, _authority), _ranks(revisions, natural)
    return _inverse(np.lexsort((ids, -lengths, -revision, authority)))


def _ranks(column: Any, key: Callable[[str], Any]) -> NDArray[np.int64]:
    """The rank of each value of a string column by a sort key; values of one key have one rank."""
    encoded: Any = whole(column).dictionary_encode()
    keys = [key(value) for value in encoded.dictionary.to_pylist()]
    rank = {value: number for number, value in enumerate(sorted(set(keys)))}
    numbers = np.array([rank[value] for value in keys], dtype=np.int64)
    return numbers[np.asarray(encoded.indices, dtype=np.int64)] if numbers.size else np.empty(0, dtype=np.int64)


def _inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return place


def _authority(source: str) -> tuple[int, str]:
    return (AUTHORITY.index(source), "") if source in AUTHORITY else (len(AUTHORITY), source)


def natural(revision: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key of a revision in which its numbers compare as numbers, so that 999 comes before 1000."""
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in _PARTS.findall(revision))
