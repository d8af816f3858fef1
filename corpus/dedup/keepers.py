"""Which copy of a document stays.

Preference, first difference decides: the authority of the source (AUTHORITY, in that order, any other source after
them by name), the newest revision (numbers inside it compare as numbers), the greater length in code points, the
lesser id. All of it is written in the documents themselves, so neither order nor number of workers has a say.

Every document that goes names a document that stays and whose exact Jaccard with it is at least the threshold: the
verified mate of each drop is its keeper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Near = Callable[[int, int], float | None]

# The text of record first; an encyclopaedia quotes the others and is never preferred to them.
AUTHORITY: Final = ("egov", "mod", "nasa", "pmda", "wikipedia")
_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True)
class Candidate:
    """One document as far as the choice of a keeper needs it; `group` numbers its folded text, `text` its exact one.

    `work` names the work that it is a version of, "" for none.
    """

    id: str
    source: str
    revision: str
    work: str
    length: int
    group: int
    text: str


@dataclass(frozen=True)
class Drop:
    """A document that goes, the kept document it is a copy of, their exact Jaccard, and the rule (DUPLICATES)."""

    id: str
    keeper: str
    jaccard: float
    rule: str


def by_preference(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, the one to keep first. Stable sorts, least important key first."""
    ranked = sorted(candidates, key=lambda c: c.id)
    ranked.sort(key=lambda c: c.length, reverse=True)
    ranked.sort(key=lambda c: natural(c.revision), reverse=True)
    ranked.sort(key=lambda c: _authority(c.source))
    return ranked


def choose(members: Sequence[Candidate], near: Near, *, drop_versions: bool = True) -> list[Drop]:
    """Return the documents of one cluster that go, each with a kept document of verified Jaccard >= threshold.

    `near` gives the exact Jaccard of two groups if it is at least the threshold. In order of preference, a document
    goes if a document that stays is near enough to it, and stays otherwise: in a chain of copies the far end is no
    copy of the first link, and is kept. Without `drop_versions` another revision of the same work is no reason to go,
    unless its folded text is the same.
    """
    kept: list[Candidate] = []
    settled: dict[tuple[int, str], tuple[Candidate, float]] = {}  # folded text and work -> who answers for it
    drops: list[Drop] = []
    for document in by_preference(members):
        place = (document.group, "" if drop_versions else document.work)
        if place not in settled:
            settled[place] = _nearest(document, kept, near, drop_versions=drop_versions)
        keeper, value = settled[place]
        if keeper is document:
            kept.append(document)
            continue
        drops.append(Drop(document.id, keeper.id, value, _rule(document, keeper)))
    return drops


def _nearest(
    document: Candidate, kept: Sequence[Candidate], near: Near, *, drop_versions: bool
) -> tuple[Candidate, float]:
    """Return the first kept document that is near enough, or the document itself."""
    for keeper in kept:
        if keeper.group == document.group:
            return keeper, 1.0
        if not drop_versions and _one_work(document, keeper):
            continue
        value = near(keeper.group, document.group)
        if value is not None:
            return keeper, value
    return document, 1.0


def _rule(document: Candidate, keeper: Candidate) -> str:
    if keeper.text == document.text:
        return "exact_duplicate"
    return "version" if _one_work(document, keeper) else "near_duplicate"


def _one_work(left: Candidate, right: Candidate) -> bool:
    return bool(left.work) and left.work == right.work


def _authority(source: str) -> tuple[int, str]:
    return (AUTHORITY.index(source), "") if source in AUTHORITY else (len(AUTHORITY), source)


def natural(revision: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key of a revision in which its numbers compare as numbers, so that 999 comes before 1000."""
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in _PARTS.findall(revision))
