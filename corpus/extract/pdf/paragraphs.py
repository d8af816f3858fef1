"""Lines to paragraphs: a line that reaches the margin goes on, whatever its place on the page.

Japanese lines join without a blank, Latin ones with one, and a word cut by a hyphen is made whole unless the document
writes it with a hyphen elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from corpus.extract.pdf.glyphs import Line

__all__ = ["Paragraph", "paragraphs"]

_LIKE: Final = 0.12  # sizes that differ by less are one
_INDENT: Final = 0.7  # of the font size
_CJK: Final = re.compile("[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_OPENING: Final = "“‘\"'「『（(［[〔【〈《"
_DIGITS: Final = "0123456789"
_ENDS: Final = tuple("。．！？!?：:；;")
_STOPS: Final = tuple("。！？!?.")
_CLOSING: Final = "\"'”’」』）)]"
_AT_END: Final = frozenset(_DIGITS + _CLOSING + "】." + "".join(_ENDS))  # every other last character ends no line
_NEW: Final = re.compile(
    r"[・●○◎■□◆◇▶►•◦‣※▲△★☆]|[-–—*] |[①-⑳㉑-㉟]|[（(]\s*(?:[0-9０-９]{1,3}|[ア-ン一二三四五六七八九十]|[a-z])\s*[）)]|"
    r"第\s*[0-9０-９一二三四五六七八九十百]+\s*[章節条部編款項]|[0-9０-９]{1,2}(?:[.．‐－][0-9０-９]{1,2})+[.．]?\s|[0-9０-９]{1,2}[.)）．][\s\u3000]|"
    r"[0-9０-９]{1,3}\u3000|[0-9０-９]{1,2} (?=[\u3040-\u9fff])|[a-z][.)]\s|[A-Z]\)\s|"
    r"[（(]出典|資料[:：]|注[0-9０-９]*[)）:：]|(?:図|表|図表)\s*[0-9０-９]|(?:Figure|Fig\.|Table)\s+[0-9]"
)
_INITIAL: Final = re.compile(r"[A-Z]\.\s")  # of an item, or of a name
_UNCUT: Final = re.compile(r"[!-~]*")
_HANGING: Final = 3.1  # of the font size
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD_END: Final = re.compile(r"([^\W\d_]+)[-‐\u00ad]$")
_COMPOUND: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]++(?:-[^\W\d_]++)*+(?=[^-\w])")
_NOT_WITHIN: Final = re.compile(r"[A-Z0-9０-９(（]")  # what begins anew, or may
_LONG: Final = 50_000  # characters that no paragraph has
_BETWEEN: Final = 14  # paragraphs that may interrupt a sentence
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]+")
_LATIN_END: Final = re.compile("[A-Za-z\u00c0-\u024f]+$")
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Paragraph:
    """Text that belongs together.

    `page`, from 0, is where it begins; `kind` is "" unless its lines had one; `size` its font size in points.
    """

    text: str
    page: int
    size: float
    kind: str
    lines: int


@dataclass(slots=True)
class _Frame:
    """The column in which a line stands: edges and the usual step from line to line."""

    left: float
    right: float
    step: float
    lines: int
    chars: int


@dataclass(slots=True)
class _Tail:
    """The last line of a paragraph, its column and page; the left edge of the paragraph's first line."""

    line: Line
    frame: _Frame
    page: int
    first: float


def paragraphs(pages: Sequence[Sequence[Line]]) -> list[Paragraph]:
    """The paragraphs of a document, page after page in reading order.

    A sentence that a note, a figure or a sidebar interrupts goes on behind it; what interrupts follows its paragraph.
    """
    words = _Words(pages)
    done: list[Paragraph] = []
    tails: list[_Tail] = []
    at = -1  # the paragraph of the line before
    for number, lines in enumerate(pages):
        for line, frame in _framed(lines):
            if at < 0 or not _goes_on(done[at], tails[at], (line, frame, number)):
                at = _interrupted(done, tails, (line, frame, number), at)
            text = line.text.strip(" \u3000")
            if at >= 0:
                done[at].text = words.joined(done[at].text, text)
                done[at].lines += 1
                tails[at] = _Tail(line, frame, number, tails[at].first)
            else:
                at = len(done)
                done.append(Paragraph(text, number, line.size, line.kind, 1))
                tails.append(_Tail(line, frame, number, line.x0))
    return done


def _interrupted(
    done: Sequence[Paragraph], tails: Sequence[_Tail], after: tuple[Line, _Frame, int], current: int
) -> int:
    """The paragraph that waits for this line behind something in another size or of another kind, or -1."""
    line, frame, page = after
    if line.kind or not _LETTER.search(line.text):
        return -1
    for at in range(len(done) - 1, max(-1, len(done) - _BETWEEN), -1):
        tail = tails[at]
        if page - tail.page > 1:
            return -1
        if done[at].kind or not _alike(tail.line.size, line.size):
            continue
        waits = at != current and len(tail.line.text) > 8
        waits = waits and (_CJK.search(tail.line.text[-1:]) is not None or not _NOT_WITHIN.match(line.text))
        goes_on = waits and _full(tail.line, line, tail.frame) and _overleaf(tail.line, line, frame)
        return at if goes_on else -1
    return -1


def _framed(lines: Sequence[Line]) -> list[tuple[Line, _Frame]]:
    """Each line with its column."""
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks and _one_block(blocks[-1][-1], line):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    frames = [_frame(block) for block in blocks]
    wide = [(block[0].size, frame) for block, frame in zip(blocks, frames, strict=True) if frame.lines >= 3]
    for block, frame in zip(blocks, frames, strict=True):
        if frame.lines < 3:
            size, left = block[0].size, frame.left
            for other, like in wide:
                if abs(like.left - left) < 2.5 * size and _alike(other, size):
                    frame.right = max(frame.right, like.right)
                    frame.left = min(frame.left, like.left)
                    frame.step = min(frame.step, like.step)
                    frame.chars = max(frame.chars, like.chars)
    return [(line, frame) for block, frame in zip(blocks, frames, strict=True) for line in block]


def _one_block(one: Line, two: Line) -> bool:
    if not 0 < one.middle - two.middle < 2.6 * one.size or one.kind != two.kind or not _alike(one.size, two.size):
        return False
    shared = min(one.x1, two.x1) - max(one.x0, two.x0)
    return shared > 0.3 * min(one.x1 - one.x0, two.x1 - two.x0)


def _frame(block: Sequence[Line]) -> _Frame:
    steps = sorted(one.middle - two.middle for one, two in pairwise(block))
    step = steps[len(steps) // 2] if steps else 1.7 * block[0].size
    lefts, rights = sorted(line.x0 for line in block), sorted(line.x1 for line in block)
    few = len(block) // 10  # lines that stand out, or hang over the margin
    return _Frame(lefts[few], rights[-1 - few], step, len(block), _longest(block))


def _longest(block: Sequence[Line]) -> int:
    """Characters of the longest line, one that stands out aside."""
    lengths = sorted(len(line.text) for line in block)
    return lengths[-2] if len(lengths) > 4 else lengths[-1]


def _alike(one: float, two: float) -> bool:
    return one - two <= _LIKE * one if one > two else two - one <= _LIKE * two


def _stopped(text: str) -> bool:
    """Whether a text ends with a full stop, brackets aside."""
    return text[-1:] in _AT_END and text.rstrip(_CLOSING).endswith(_STOPS)


def _ended(text: str) -> bool:
    """Whether a text ends with a mark that may end a line, brackets and the number of a note aside."""
    if text[-1:] not in _AT_END:
        return False
    whole = text.rstrip(_DIGITS)
    if len(text) - len(whole) > 3:
        return False
    whole = whole.rstrip(_CLOSING + "】")
    if whole.endswith("."):
        return len(whole) == 1 or whole[-2] not in _DIGITS
    return whole.endswith(_ENDS)


def _goes_on(paragraph: Paragraph, before: _Tail, after: tuple[Line, _Frame, int]) -> bool:
    """Whether the line after belongs to the paragraph that ends with the line before."""
    one, frame, page = before.line, before.frame, before.page
    two, other, following = after
    if one.kind or two.kind or not _alike(one.size, two.size) or len(paragraph.text) > _LONG:
        return False
    if not (_LETTER.search(two.text) and _LETTER.search(one.text)):
        return _rest(one.text, two.text.strip(" "))
    if _cut_word(one.text, two.text):
        return True
    below = page == following and frame is other
    step = max(1.45 * frame.step, frame.step + 0.5 * one.size)
    if (below and one.middle - two.middle > step) or not _full(one, two, frame):
        return False
    return _in_line(paragraph, before.first, one, two) if below else _overleaf(one, two, other)


def _rest(text: str, line: str) -> bool:
    """Whether a line without letters is the rest of a sentence: its last numbers, what closes its bracket."""
    if _stopped(text):
        return False
    opened = max(text.rfind("（"), text.rfind("(")) > max(text.rfind("）"), text.rfind(")"))
    return line[:1] in "。、）」』" or (opened and line[-1:] in "。、）)") or (line[-1:] == "。" and len(line) > 1)


def _in_line(paragraph: Paragraph, first: float, one: Line, two: Line) -> bool:
    """Whether the left edge of a line says that no new paragraph begins with it."""
    stopped = _stopped(one.text)
    if _NEW.match(two.text) and (stopped or not _CJK.search(one.text[-1:])):
        return False
    if stopped and _INITIAL.match(two.text):
        return False
    size = one.size
    shift = two.x0 - one.x0
    unended = not _ended(one.text)
    if unended and two.text[:1].islower():
        return True
    if paragraph.lines > 1:
        return abs(shift) < _INDENT * size or (shift < 0 and abs(two.x0 - first) < _INDENT * size)
    if shift > _INDENT * size:
        return shift < 6 * size and (
            _NEW.match(paragraph.text) is not None or (unended and _CJK.match(two.text[:1]) is not None)
        )
    return shift > -4.5 * size


def _overleaf(one: Line, two: Line, frame: _Frame) -> bool:
    """Whether a sentence goes on in the next column or on the next page."""
    if _ended(one.text) or _NEW.match(two.text):
        return False
    if two.x0 - frame.left > _INDENT * two.size:
        return False
    capital = two.text[:1].isupper() and not _CJK.match(two.text[:1])
    return not capital or len(one.text) > 30


def _full(one: Line, two: Line, frame: _Frame) -> bool:
    """Whether a line ends because the margin is reached: its column has no room for what comes next.

    Room is measured in points, and in characters where a writer has cut lines by counting them. A sentence without its
    end may leave more of it: another line's punctuation hangs over the margin, or a word was not to be cut.
    """
    room, left = frame.right - one.x1, frame.chars - len(one.text)
    word = two.text.split(" ", 1)[0]
    if _CJK.search(one.text[-1:]) or _CJK.match(word[:1]):
        wide = 1.6 if _ended(one.text) else max(_HANGING, 0.5 * _uncut(two.text) + 1.6)
        return (
            room < wide * one.size or left <= 1 or (one.text[-1] in "、，" and room < 0.5 * (frame.right - frame.left))
        )
    if two.text[:1].islower() and not _ended(one.text):
        return True  # a sentence that goes on
    width = (two.x1 - two.x0) / max(1, len(two.text)) * (len(word) + 1)
    return room < max(width, 1.2 * one.size) or left < len(word) + 1


def _uncut(line: str) -> int:
    """Characters at the start of a line that no one parts: a Latin word, a number, an address."""
    found = _UNCUT.match(line)
    return len(found[0]) if found else 0


def _cut_word(one: str, two: str) -> bool:
    return len(one) > 2 and one[-1] in "-‐\u00ad" and one[-2].isalpha() and two[:1].islower()


class _Words:
    """Joins lines, with the words of the document at hand for the hyphens."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self._pages = pages
        self._known: set[str] | None = None
        self._latin: set[str] | None = None

    def joined(self, text: str, line: str) -> str:
        """A paragraph with one more line."""
        if _cut_word(text, line):
            head, tail = _WORD_END.search(text), _WORD.match(line)
            if (
                head
                and tail
                and f"{head[1]}-{tail[0]}".lower() in self.known
                and (f"{head[1]}{tail[0]}".lower() not in self.known)
            ):
                return text + line
            return text[:-1] + line
        if not text or not line:
            return text + line
        japanese = _CJK.match(text[-1]) or _CJK.match(line[0])
        if japanese or text[-1] == "-" or (_CJK.search(text[-30:]) and self._cut(text, line)):
            return text + line
        return f"{text} {line}"

    def _cut(self, text: str, line: str) -> bool:
        """Whether a Japanese writer, who knows no blanks, has cut a number or a Latin word at the margin."""
        last, first = text[-1], line[0]
        if last.isdigit() and first.isdigit():
            return True
        head, tail = _LATIN_END.search(text), _LATIN.match(line)
        if head and tail:
            return f"{head[0]}{tail[0]}" in self.latin
        return first in "-.,%/)‐~" or last in "(/‐~" or (last in ".," and first.isdigit())

    @property
    def known(self) -> set[str]:
        """Every word that stands within a line, and every pair of words with a hyphen between."""
        if self._known is None:
            whole = "_".join(line.text for page in self._pages for line in page)  # neither a word's end nor its middle
            self._known = set(map(str.lower, _COMPOUND.findall(whole)))
        return self._known

    @property
    def latin(self) -> set[str]:
        """Every run of Latin letters that stands in a line."""
        if self._latin is None:
            self._latin = set(_LATIN.findall("\n".join(line.text for page in self._pages for line in page)))
        return self._latin
