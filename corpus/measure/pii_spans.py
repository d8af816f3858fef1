"""Spans of one text that do not overlap, kept in order, so that a directory of 10^5 numbers costs no square."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "mask"
KEEP: Final = "keep"


@dataclass(frozen=True, order=True)
class Span:
    """One finding: code points start to end (exclusive) of the input text, its type, and mask or keep."""

    start: int
    end: int
    type: str
    action: str = MASK


class Spans:
    """An ordered set of spans without overlap; of two that overlap the one that came first stays."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def free(self, start: int, end: int) -> bool:
        """Whether no span overlaps start to end."""
        place = bisect_left(self._spans, end, key=lambda span: span.start)
        return place == 0 or self._spans[place - 1].end <= start

    def add(self, span: Span) -> None:
        """Add a span, if its place is free."""
        if self.free(span.start, span.end):
            insort(self._spans, span)

    def near(self, start: int, end: int, distance: int) -> list[Span]:
        """Return the spans with at most `distance` code points between them and start to end."""
        place = bisect_left(self._spans, start - distance, key=lambda span: span.end)
        last = bisect_left(self._spans, end + distance + 1, key=lambda span: span.start)
        return self._spans[place:last]


def occurrences(text: str, values: Iterable[str], least: int) -> Iterator[tuple[int, str]]:
    """Yield place and value of every occurrence of any value of at least `least` code points; overlaps included.

    One walk over the text, whatever the number of values.
    """
    known = {value for value in values if len(value) >= least}
    lengths: dict[str, set[int]] = defaultdict(set)
    for value in known:
        lengths[value[:least]].add(len(value))
    if not known:
        return
    for at in range(len(text) - least + 1):
        for length in lengths.get(text[at : at + least], ()):
            value = text[at : at + length]
            if value in known:
                yield at, value
