"""Pairs for plausibility: a passage with a statement that it holds, and with the same statement made wrong.

A document gives a passage of whole sentences and one of them as the grounded answer. The corrupted answer is that
sentence after one change: another number or another name, both taken from another document, or its negation turned
round. What came out must not stand in the passage. So grounded means here what a copy can mean: the answer says what
the passage says. Whether a passage is true, no pair can teach.

A pair is a function of the two texts and the seed alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["CHANGES", "Pair", "grounded", "pair", "passage"]

_BORDER = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+|\n+")
_SHORTEST = 8  # characters of a sentence that can say something
_NUMBER = re.compile(r"[0-9０-９]+(?:[.,][0-9]+)*|[〇一二三四五六七八九十百千]+(?=[年月日条項号人円時分歳回件台])")
_NAMES = (
    re.compile(r"[ァ-ヴー]{3,}"),
    re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}"),
    re.compile(r"[一-龠]{2,6}"),
)
_NEGATIONS: Final = (  # each turns into the other; the longer word first, for it holds the shorter one
    ("なければならない", "なくてもよい"),
    ("ことができない", "ことができる"),
    ("ものとはしない", "ものとする"),
    ("てはならない", "てもよい"),
    ("ではない", "である"),
    ("ありません", "あります"),
    ("しません", "します"),
    *((f" {verb} not ", f" {verb} ") for verb in ("is", "are", "was", "were", "has", "have", "shall", "must", "may")),
)


@dataclass(frozen=True)
class Pair:
    """A passage, an answer that it grounds, the same answer corrupted, and by which of CHANGES."""

    passage: str
    answer: str
    corrupted: str
    change: str


def grounded(passage: str, answer: str) -> str:
    """A passage and an answer as one text: what the plausibility head is trained on and asked about."""
    return f"{passage}\n\n{answer}"


def passage(text: str, characters: int, seed: int) -> str:
    """Whole sentences of a text from a place that the seed chooses, about so many characters; all of a short text."""
    sentences = _sentences(text)
    if not sentences:
        return text.strip()[:characters]
    total = sum(map(len, sentences))
    late = total - characters  # beyond that place too little would follow
    starts = [0]
    for at in range(1, len(sentences)):
        if sum(map(len, sentences[:at])) > late:
            break
        starts.append(at)
    start = random.Random(f"{seed} {text}").choice(starts)
    kept: list[str] = []
    for sentence in sentences[start:]:
        if kept and sum(map(len, kept)) + len(sentence) > characters:
            break
        kept.append(sentence)
    return "\n".join(kept)[:characters]


def pair(text: str, other: str, characters: int, seed: int) -> Pair | None:
    """A pair from a document; numbers and names come from `other`. None where no sentence can be made wrong."""
    shown = passage(text, characters, seed)
    rng = random.Random(f"{seed} {text} {other}")
    sentences = [sentence for sentence in _sentences(shown) if sentence in shown]
    rng.shuffle(sentences)
    for sentence in sentences:
        for change in rng.sample(list(CHANGES), len(CHANGES)):
            corrupted = CHANGES[change](sentence, other, rng)
            if corrupted and corrupted not in shown:
                return Pair(shown, sentence, corrupted, change)
    return None


def _sentences(text: str) -> list[str]:
    parts = (part.strip() for part in _BORDER.split(text))
    return [part for part in parts if len(part) >= _SHORTEST]


def _number(sentence: str, other: str, rng: random.Random) -> str | None:
    return _exchange(sentence, other, _NUMBER, rng, alike=True)


def _name(sentence: str, other: str, rng: random.Random) -> str | None:
    for pattern in _NAMES:
        if changed := _exchange(sentence, other, pattern, rng):
            return changed
    return None


def _negation(sentence: str, _other: str, _rng: random.Random) -> str | None:
    for negative, positive in _NEGATIONS:
        for old, new in ((negative, positive), (positive, negative)):
            if (at := sentence.rfind(old)) >= 0:
                return sentence[:at] + new + sentence[at + len(old) :]
    return None


def _exchange(
    sentence: str, other: str, pattern: re.Pattern[str], rng: random.Random, *, alike: bool = False
) -> str | None:
    """One match of the pattern replaced by a match in another text that the sentence does not hold.

    `alike`: a digit only takes the place of a digit, a character of a character.
    """
    places = list(pattern.finditer(sentence))
    if not places:
        return None
    place = rng.choice(places)
    there = {found for found in pattern.findall(other) if found not in sentence}
    if alike:
        there = {found for found in there if found[0].isdecimal() == place[0][0].isdecimal()}
    if not there:
        return None
    chosen: str = rng.choice(sorted(there))
    return sentence[: place.start()] + chosen + sentence[place.end() :]


CHANGES: Final[dict[str, Callable[[str, str, random.Random], str | None]]] = {
    "number": _number,
    "name": _name,
    "negation": _negation,
}
