"""The main text of any page: trafilatura finds it, resiliparse is the second opinion, our blocks are what is kept.

English article pages: trafilatura's own text, precision favoured (the best of its modes on hand-made gold). Lists,
headings and paragraphs that it drops are put back (corpus.extract.html_fill). Only where it keeps a small part of what
resiliparse keeps does the vote below decide.
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
from corpus.extract.html_fill import IN_TEXT, filled, squeezed
from corpus.extract.html_layout import furniture
from corpus.text.scripts import visible

__all__ = ["Main", "main_blocks"]

ALARM: Final = 0.3  # of resiliparse's text: where trafilatura keeps less, it has lost the page
_ARTICLE: Final = 1000  # visible characters that are an article, however much stands around it
_MIN: Final = 200  # visible characters of a text that can be a whole article
_NAVIGATION: Final = 0.5  # share of linked characters
_LINK: Final = 0.8  # of a line that is one link
_FEW: Final = 2  # lines of links that are no list
_NAME: Final = 20  # characters of the name of a list
_GRAM: Final = 6
_SAME: Final = 0.6  # share of a block's 6-grams that a text holds, where it holds the block
_SENTENCE: Final = re.compile("[。！？」]|[a-z][.!?](?:\\s|$)")
_FOOT: Final = re.compile(
    r"copyright|©|all rights reserved|無断転載|著作権は|お問い?合わせ先?[:：]?$|ページの?先頭|"
    r"トップへ|印刷する|シェアする|javascript|cookie|クッキー|プライバシーポリシー",
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
    gone = set(map(squeezed, shown.split("\n"))) - {squeezed(block.text) for block in open_blocks}
    second = _resiliparse(html)
    wanted = visible(second)
    found, got, lost = _opinion(html, blocks, gone, wanted, precise=lang != "ja")
    if lang != "ja" and lost:
        found, got, lost = _opinion(html, blocks, gone, wanted, precise=False)
        lost = got < _ARTICLE if lost else lost  # a long article under a hundred comments is no lost page
    if lang != "ja" and found and not lost:
        return Main(filled(found, open_blocks, second), "trafilatura")
    voted = list(_vote(open_blocks, found, second))
    if _size(voted) < max(0.9 * min(got, _unlinked(found, blocks)), 1):
        return Main(found, "trafilatura") if found else Main(_not_navigation(open_blocks), "blocks")
    return Main(voted, "vote")


def _opinion(
    html: str, blocks: list[Block], gone: set[str], wanted: int, *, precise: bool
) -> tuple[list[Block], int, bool]:
    """Trafilatura's blocks but those that are `gone`, their visible characters, and whether that is too little."""
    whole = _trafilatura(html, blocks, precise=precise)
    found = [block for block in whole if squeezed(block.text) not in gone]
    got, had = _size(found), _size(whole)
    lost = (block.text for block in whole if squeezed(block.text) in gone)
    if got < had / 4 and any(map(_SENTENCE.search, lost)):  # the markup calls the article itself navigation
        found, got = whole, had
    return found, got, got < ALARM * wanted or got < min(_MIN, wanted)


def _size(blocks: list[Block]) -> int:
    return visible("\n".join(block.text for block in blocks))


def _unlinked(found: list[Block], blocks: list[Block]) -> int:
    """The visible characters that link nowhere, all where links are few or nearly all that a page says."""
    links = {squeezed(block.text) for block in blocks if block.link_share >= _LINK}
    said = [block for block in found if squeezed(block.text) not in links]
    size, got = _size(said), _size(found)
    return size if len(found) - len(said) > _FEW and size > got / 4 else got


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
    for place in range(len(blocks) - 2, -1, -1):  # a heading above what is kept is, too
        if blocks[place].level and kept[place + 1] and not linked[place] and not _FOOT.search(blocks[place].text):
            kept[place] = True
    for place, block in enumerate(blocks):
        if kept[place] and not (_heads_nothing(place, blocks, kept) if block.level else _labels(place, linked, blocks)):
            yield block


def _heads_nothing(place: int, blocks: list[Block], kept: list[bool]) -> bool:
    """Whether all that a heading stands above was left out."""
    below = place + 1
    while below < len(blocks) and not blocks[below].level:
        if kept[below]:
            return False
        below += 1
    return below > place + 1


def _labels(place: int, linked: list[bool], blocks: list[Block]) -> bool:
    """Whether a block is no heading by its markup and stands above a list of links all the same."""
    text, below = blocks[place].text, linked[place + 1 : place + 2 + _FEW]
    return len(below) > _FEW and all(below) and len(text) < _NAME and not _SENTENCE.search(text)


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
    while last + 1 < len(blocks):
        following = last + 1 + (blocks[last + 1].level > 0)  # a heading of its own may stand above
        if following == len(blocks) or not _goes_on(blocks[following]):
            break
        last = following
    return first, last


def _goes_on(block: Block) -> bool:
    """Whether a block below the last paragraph is a list or table that belongs to it."""
    return (block.item or block.kind == "table") and block.link_share < IN_TEXT


def _grams(text: str) -> set[str]:
    text = squeezed(text)
    return {text[at : at + _GRAM] for at in range(max(1, len(text) - _GRAM + 1))}


def _held(text: str, grams: set[str]) -> bool:
    own = squeezed(text)
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
