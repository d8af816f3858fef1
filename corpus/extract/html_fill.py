"""What trafilatura drops of an English page although it stands amid the text: short lists, headings, lead sentences.

Its text is the frame. Between two of its paragraphs lists, headings and long paragraphs come back; before the first,
below the headline, lead sentences too; after the last, definitions and items. What is linked, or says nothing, does
not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from corpus.extract.blocks import Block

__all__ = ["IN_TEXT", "filled", "squeezed"]

_SQUEEZED: Final = re.compile(r"[\s|\u3000]+")
_SENTENCE: Final = re.compile(r"[a-z0-9)\"”’'][.!?][\"”’')]*(?:\s|$)")
_COMMENTS: Final = re.compile(r"\b(?:comments?|repl(?:y|ies)|responses?|thoughts|discussion|reviews?)\b", re.IGNORECASE)
IN_TEXT: Final = 0.3  # share of linked characters of a sentence that names other pages
_GAP: Final = 40  # blocks that may have been dropped in one place
_PARAGRAPH: Final = 120  # characters of a paragraph that is no aside
_LEAD: Final = 60  # characters of a sentence between headline and text that is no byline


def squeezed(text: str) -> str:
    """A text without blanks and bars, to compare it with what another tool made of the same page."""
    return _SQUEEZED.sub("", text)


def filled(found: Sequence[Block], blocks: Sequence[Block], second: str) -> list[Block]:
    """The blocks of `found` and those of the page that were dropped around them, in the page's order.

    `second` is the other extractor's text: it must hold a paragraph for that to come back.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for at, block in enumerate(blocks):
        places[squeezed(block.text)].append(at)
    whole = squeezed("".join(block.text for block in found))
    other = set(map(squeezed, second.split("\n")))
    out: list[Block] = []
    last = reached = -1  # the place of the block before, where it is one of the page's, and the farthest one
    for number, block in enumerate(found):
        place = _next(places.get(squeezed(block.text), ()), reached)
        if place is not None:
            between: Sequence[Block] = ()
            if last >= 0 and place - last <= _GAP + 1:
                between = _between(blocks[last + 1 : place], other)
            elif not number:
                between = _above(blocks, place)
            out += [missed for missed in between if squeezed(missed.text) not in whole]
            reached = place
        last = place if place is not None else -1
        out.append(block)
    if last >= 0:
        out += [missed for missed in _below(blocks, last) if squeezed(missed.text) not in whole]
    return out


def _next(places: Sequence[int], reached: int) -> int | None:
    """The first of the places of a text behind what was reached: a page may say it twice."""
    at = bisect_right(places, reached)
    return places[at] if at < len(places) else None


def _fits(block: Block) -> bool:
    return (block.item or block.level > 0) and block.link_share < IN_TEXT


def _between(blocks: Sequence[Block], other: set[str]) -> Sequence[Block]:
    """All, where they are items and headings alone; else the paragraphs that are long, and the headings above them."""
    if all(map(_fits, blocks)):
        return blocks
    kept = [_is_paragraph(block) and squeezed(block.text) in other for block in blocks]
    for place in range(len(blocks) - 2, -1, -1):
        kept[place] = kept[place] or (blocks[place].level > 0 and kept[place + 1])
    return [block for place, block in enumerate(blocks) if kept[place]]


def _is_paragraph(block: Block) -> bool:
    return block.kind == "body" and len(block.text) >= _PARAGRAPH and block.link_share < IN_TEXT and _says(block)


def _above(blocks: Sequence[Block], place: int) -> Sequence[Block]:
    """What stands between the headline and the first paragraph that was found, as far as it is text without a gap."""
    start = place
    while start and place - start < _GAP and blocks[start - 1].level != 1:
        block = blocks[start - 1]
        lead = len(block.text) >= _LEAD and _says(block) and block.link_share < IN_TEXT and block.kind == "body"
        if block.inside > 0.5 or not (lead or _fits(block)):
            break
        start -= 1
    headline = any(block.level == 1 for block in blocks[max(0, start - _GAP) : start])
    return blocks[start:place] if headline and any(map(_says, blocks[start:place])) else ()


def _below(blocks: Sequence[Block], place: int) -> Sequence[Block]:
    """Definitions and items that follow the last paragraph, with their headings, as far as they say something."""
    end = said = place + 1
    while end < len(blocks) and end - place < _GAP and _fits(blocks[end]) and not _COMMENTS.search(blocks[end].text):
        end += 1
        said = end if _says(blocks[end - 1]) else said
    return blocks[place + 1 : said]


def _says(block: Block) -> bool:
    return not block.level and _SENTENCE.search(block.text) is not None
