"""Which copy of a document stays.

Preference, first difference decides: the authority of the source (AUTHORITY, in that order, any other source after
them by name), the newest revision (numbers inside it compare as numbers), the greater length in code points, the
lesser id. All of it is written in the documents themselves, so neither order nor number of workers has a say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.dedup.verify import Verifier

# The text of record first; an encyclopaedia quotes the others and is never preferred to them.
AUTHORITY: Final = ("egov", "mod", "nasa", "pmda", "wikipedia")
_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True)
class Candidate:
    """One document as far as the choice of a keeper needs it; `group` numbers its folded text, `text` its exact one."""

    id: str
    source: str
    revision: str
    length: int
    group: int
    text: str


@dataclass(frozen=True)
class Drop:
    """A document that goes, the kept document it is a copy of, their exact Jaccard, and exact or minhash."""

    id: str
    keeper: str
    jaccard: float
    rule: str


def by_preference(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, the one to keep first. Stable sorts, least important key first."""
    ranked = sorted(candidates, key=lambda c: c.id)
    ranked.sort(key=lambda c: c.length, reverse=True)
    ranked.sort(key=lambda c: _natural(c.revision), reverse=True)
    ranked.sort(key=lambda c: _authority(c.source))
    return ranked


def choose(members: Sequence[Candidate], verifier: Verifier, threshold: float) -> list[Drop]:
    """Return the documents of one cluster that go, each with a kept document of verified Jaccard >= threshold.

    In order of preference, a document goes if a document that stays is near enough to it, and stays otherwise: in a
    chain of copies the far end is no copy of the first link, and is kept. The rule is "exact" where the texts of
    both are the same code points, else "minhash".
    """
    kept: list[Candidate] = []
    settled: dict[int, tuple[Candidate, float]] = {}  # folded text -> the kept document that answers for it
    drops: list[Drop] = []
    for document in by_preference(members):
        if document.group not in settled:
            settled[document.group] = _nearest(document, kept, verifier, threshold)
        keeper, value = settled[document.group]
        if keeper is document:
            kept.append(document)
            continue
        rule = "exact" if keeper.text == document.text else "minhash"
        drops.append(Drop(document.id, keeper.id, value, rule))
    return drops


def _nearest(
    document: Candidate, kept: Sequence[Candidate], verifier: Verifier, threshold: float
) -> tuple[Candidate, float]:
    """Return the first kept document that is near enough, or the document itself."""
    for keeper in kept:
        value = verifier.similarity(keeper.group, document.group, threshold)
        if value is not None:
            return keeper, value
    return document, 1.0


def _authority(source: str) -> tuple[int, str]:
    return (AUTHORITY.index(source), "") if source in AUTHORITY else (len(AUTHORITY), source)


def _natural(revision: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in _PARTS.findall(revision))
