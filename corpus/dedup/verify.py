"""Exact Jaccard of two documents over their shingles (the strings themselves, no hashes), with a bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from corpus.dedup.shingles import shingles

if TYPE_CHECKING:
    from collections.abc import Callable

# About 100 bytes a shingle: at most some 300 MB of sets at once, whatever the size of the corpus.
_BUDGET: Final = 3_000_000


def jaccard(left: set[str], right: set[str]) -> float:
    """Return |left & right| / |left | right|, from 0 to 1; two empty sets are equal and give 1."""
    if not left and not right:
        return 1.0
    common = len(left & right)
    return common / (len(left) + len(right) - common)


class Verifier:
    """Answers with the exact Jaccard of two documents by number; keeps the shingle sets used last.

    `folded` gives the folded text of a document by its number. Not safe to share between threads.
    """

    def __init__(self, folded: Callable[[int], str], budget: int = _BUDGET) -> None:
        self._folded = folded
        self._budget = budget
        self._held = 0
        self._sets: OrderedDict[int, set[str]] = OrderedDict()

    def similarity(self, left: int, right: int, threshold: float) -> float | None:
        """Return the exact Jaccard of two documents if it is at least `threshold`, else None."""
        ours, theirs = self._shingles(left), self._shingles(right)
        small, large = sorted((len(ours), len(theirs)))
        if small < threshold * large:  # the Jaccard can be no higher than the ratio of the sizes
            return None
        value = jaccard(ours, theirs)
        return value if value >= threshold else None

    def _shingles(self, number: int) -> set[str]:
        held = self._sets.get(number)
        if held is not None:
            self._sets.move_to_end(number)
            return held
        made = shingles(self._folded(number))
        self._sets[number] = made
        self._held += len(made)
        while self._held > self._budget and len(self._sets) > 1:
            _, oldest = self._sets.popitem(last=False)
            self._held -= len(oldest)
        return made
