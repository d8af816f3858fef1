"""The main text of any page: trafilatura finds it, resiliparse is the second opinion, our blocks are what is kept.

English article pages: trafilatura's own text, precision favoured (the best of its modes on hand-made gold). Lists and
headings that it drops between two paragraphs are put back. Only where it keeps a small part of what resiliparse keeps
does the vote below decide.
Japanese pages: trafilatura finds the right place and drops a tenth of it, whole sections of official pages; resiliparse
keeps everything and navigation with it. So every block of the page is voted on: kept where trafilatura has it, where it
stands between blocks that trafilatura has and is no navigation, or where resiliparse has it and it is a sentence.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from corpus.extract.blocks import Block
from corpus.extract.html_layout import furniture
from corpus.text.scripts import visible

__all__ = ["Main", "main_blocks"]

ALARM: Final = 0.3  # of resiliparse's text: where trafilatura keeps less, it has lost the page
_ARTICLE: Final = 1000  # visible characters that are an article, however much stands around it
_MIN: Final = 200  # visible characters of a text that can be a whole article
_NAVIGATION: Final = 0.5  # share of linked characters
_GRAM: Final = 6
_IN_TEXT: Final = 0.3  # share of linked characters of a sentence that names other pages
_GAP: Final = 40  # blocks that trafilatura may have dropped in one place
_SAME: Final = 0.6  # share of a block's 6-grams that a text holds, where it holds the block
_SENTENCE: Final = re.compile("[。！？」]|[a-z][.!?](?:\\s|$)")
_SQUEEZED: Final = re.compile(r"[\s|\u3000]+")
_FOOT: Final = re.compile(
    r"copyright|©|all rights reserved|無断転載|著作権は|お問い?合わせ先?[:：]?$|ページの?先頭|トップへ|印刷する|"
    r"シェアする|javascript|cookie|クッキー|プライバシーポリシー",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Main:
    """The blocks of the main text, and how they were found: trafilatura, vote, or blocks (all of the page)."""

    blocks: list[Block]
    how: str


def main_blocks(html: str, shown: str, blocks: list[Block], lang: str) -> Main:
    """What of a page is its text.

    `shown` is all that it shows, a block a line; `blocks` are those of the page without what is navigation by its
    markup.
    """
    shut = furniture(blocks)
    open_blocks = [block for place, block in enumerate(blocks) if place not in shut]
    gone = set(map(_squeezed, shown.split("\n"))) - {_squeezed(block.text) for block in open_blocks}
    second = _resiliparse(html)
    wanted = visible(second)
    found, got, lost = _opinion(html, blocks, gone, wanted, precise=lang != "ja")
    if lang != "ja" and lost:
        found, got, lost = _opinion(html, blocks, gone, wanted, precise=False)
        lost = got < _ARTICLE if lost else lost  # a long article under a hundred comments is no lost page
    if lang != "ja" and found and not lost:
        return Main(_filled(found, open_blocks), "trafilatura")
    voted = list(_vote(open_blocks, found, second))
    if _size(voted) < max(0.9 * got, 1):
        return Main(found, "trafilatura") if found else Main(_not_navigation(open_blocks), "blocks")
    return Main(voted, "vote")


def _opinion(
    html: str, blocks: list[Block], gone: set[str], wanted: int, *, precise: bool
) -> tuple[list[Block], int, bool]:
    """Trafilatura's blocks but those that are `gone`, their visible characters, and whether that is too little."""
    whole = _trafilatura(html, blocks, precise=precise)
    found = [block for block in whole if _squeezed(block.text) not in gone]
    got, had = _size(found), _size(whole)
    if got < had / 4:  # the markup calls the article itself navigation
        found, got = whole, had
    return found, got, got < ALARM * wanted or got < min(_MIN, wanted)


def _filled(found: list[Block], blocks: list[Block]) -> list[Block]:
    """Trafilatura's blocks with the lists and headings between two of them, which it drops where they are short."""
    places = {_squeezed(block.text): place for place, block in enumerate(blocks)}
    whole = _squeezed("".join(block.text for block in found))
    out: list[Block] = []
    last = None
    for block in found:
        place = places.get(_squeezed(block.text))
        if place is not None and last is not None and last < place:
            between = blocks[last + 1 : place]
            if len(between) <= _GAP and all((b.item or b.level) and b.link_share < _IN_TEXT for b in between):
                out += [missed for missed in between if _squeezed(missed.text) not in whole]
        last = place
        out.append(block)
    return out


def _size(blocks: list[Block]) -> int:
    return visible("\n".join(block.text for block in blocks))


def _not_navigation(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if block.kind != "body" or block.link_share < _NAVIGATION]


def _vote(blocks: list[Block], found: list[Block], second: str) -> Iterator[Block]:
    first_grams = _grams("".join(block.text for block in found))
    second_grams = _grams(second)
    ours = [_held(block.text, first_grams) for block in blocks]
    linked = [block.link_share >= _NAVIGATION for block in blocks]
    kept: list[bool] = []
    first, last = _core(blocks, [mine and not link for mine, link in zip(ours, linked, strict=True)])
    for place, block in enumerate(blocks):
        footing = linked[place] or (len(block.text) < 100 and _FOOT.search(block.text) is not None)
        if first <= place <= last:
            keep = ours[place] or not footing
        else:
            keep = not footing and (
                ours[place] or (_SENTENCE.search(block.text) is not None and _held(block.text, second_grams))
            )
        kept.append(keep)
    for place, block in enumerate(blocks):
        if kept[place] and not (block.level and _heads_nothing(place, blocks, kept)):
            yield block


def _heads_nothing(place: int, blocks: list[Block], kept: list[bool]) -> bool:
    """Whether all that a heading stands above was left out."""
    below = place + 1
    while below < len(blocks) and not blocks[below].level:
        if kept[below]:
            return False
        below += 1
    return below > place + 1


def _core(blocks: list[Block], ours: list[bool]) -> tuple[int, int]:
    """The first and the last place between which the main text lies, stray blocks at either end left out.

    A block far from the next one that trafilatura has, with more navigation than text between them, is a stray one.
    """
    held = [place for place, mine in enumerate(ours) if mine]
    if not held:
        return 0, -1
    sizes = [len(block.text) for block in blocks]
    runs: list[list[int]] = [[held[0], held[0], sizes[held[0]]]]
    for place in held[1:]:
        between = range(runs[-1][1] + 1, place)
        linked = sum(sizes[n] for n in between if blocks[n].link_share >= _NAVIGATION)
        if linked > _MIN and linked > sum(sizes[n] for n in between) / 2:
            runs.append([place, place, 0])
        runs[-1][1] = place
        runs[-1][2] += sizes[place]
    most = max(run[2] for run in runs)
    kept = [run for run in runs if run[2] >= most / 3]
    first, last = kept[0][0], kept[-1][1]
    while last + 1 < len(blocks) and _goes_on(blocks[last + 1]):
        last += 1
    return first, last


def _goes_on(block: Block) -> bool:
    """Whether a block below the last paragraph is a list or table that belongs to it."""
    return (block.item or block.kind == "table") and block.link_share < _IN_TEXT


def _squeezed(text: str) -> str:
    return _SQUEEZED.sub("", text)


def _grams(text: str) -> set[str]:
    text = _squeezed(text)
    return {text[at : at + _GRAM] for at in range(max(1, len(text) - _GRAM + 1))}


def _held(text: str, grams: set[str]) -> bool:
    own = _squeezed(text)
    if len(own) < _GRAM:
        return any(own in gram for gram in grams) if own and len(grams) < 400 else False
    mine = [own[at : at + _GRAM] for at in range(len(own) - _GRAM + 1)]
    return sum(gram in grams for gram in mine) >= _SAME * len(mine)


def _resiliparse(html: str) -> str:
    """The second opinion, "" where it fails."""
    from resiliparse.extract.html2text import extract_plain_text

    try:
        return str(extract_plain_text(html, main_content=True, alt_texts=False, comments=False, list_bullets=False))
    except Exception:  # noqa: BLE001  it fails on broken pages in its own ways; the other opinions stand
        return ""


def _trafilatura(html: str, blocks: list[Block], *, precise: bool) -> list[Block]:
    """What trafilatura takes for the main text, line by line; none where it finds none or fails."""
    import trafilatura

    logger = logging.getLogger("trafilatura")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        text = trafilatura.extract(
            html, include_comments=False, include_tables=True, deduplicate=False, favor_precision=precise
        )
    except Exception:  # noqa: BLE001  it fails on broken pages in many ways; the vote over the blocks does not
        return []
    finally:
        logger.setLevel(level)
    levels = {block.text: block.level for block in blocks if block.level}
    return [block for line in (text or "").split("\n") if (block := _block(line.strip(), levels)) is not None]


def _block(line: str, levels: dict[str, int]) -> Block | None:
    """A line of trafilatura's text: a heading where the page has one of these words, a row, or a paragraph."""
    if line.startswith("|"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        row = "\u3000".join(cell for cell in cells if cell.strip("-: "))
        return Block("table", row, 0, 0.0) if row else None
    line = line.removeprefix("- ")
    return Block("title" if line in levels else "body", line, levels.get(line, 0), 0.0) if line else None
