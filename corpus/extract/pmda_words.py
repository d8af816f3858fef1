"""The words of an insert: Lang elements as lines, with what their references stand for.

<?enter?> is a line break, and a Comment (注釈) inside a sentence a line of its own. ApprovalBrandNameRef becomes the
name of the brand, EmbeddingText what it repeats of the composition. HeaderRef, which is empty, becomes the number of
what it points at; those that stand in no brackets get them, as on paper (［9.1.1、16.6.1参照］). One that points
nowhere goes, with its brackets where nothing else stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.xmlparse import local_name
from corpus.text.scripts import visible

__all__ = ["BloatError", "Words", "langs"]

_BLANK: Final = re.compile(r"[ \t\r\n]+")
# Characters that XML cannot hold stand for line ends, and for the beginning and the end of a reference's number.
_ENTER: Final = "\x00"
_MARK: Final = "\x01([^\x02]*)\x02"
_NUMBER: Final = re.compile(_MARK)
_INSIDE: Final = "［\\[（(］\\]）)\x00"
_BRACKETED: Final = re.compile(f"([［\\[（(])([^{_INSIDE}\x01]*\x01[^{_INSIDE}]*)([］\\]）)])")
_JOINT: Final = r"\s*+(?:[,，、]\s*+)?"
_RUN: Final = re.compile(f"{_MARK}(?:{_JOINT}{_MARK})*(?P<said>(?=[ 」』]*(?:を|も)?(?:参照|の項|項)))?")
_REFERENCE: Final = re.compile(r"[\s,，、・「」]|及び|または|又は|の項|項|[をも]|参照|のこと|すること|。")


class BloatError(Exception):
    """References that make far more text of a document than it holds."""


@dataclass
class Words:
    """What references of a document mean, and how much of its words was read.

    `brands`, `numbers` and `texts` (what EmbeddingText repeats) are by id. `room` is how many characters may still come
    that the source does not hold.
    """

    brands: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    room: int = 0
    _read: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Visible characters of the source that were given out."""
        return visible("".join(self._read))

    def lines(self, node: etree._Element) -> list[str]:
        """The lines of all Lang elements of a node; those inside another are part of it. Raises BloatError."""
        return [line for lang in langs(node) for line in self._of_lang(lang)]

    def brand(self, ids: str) -> str:
        """The names of the brands of these ids, which blanks part. Raises BloatError."""
        names = [self.brands[name] for name in dict.fromkeys(ids.split()) if name in self.brands]
        self.spend(sum(map(len, names)))
        return "、".join(names)

    def spend(self, characters: int) -> None:
        """Note that so many characters come that the source does not hold. Raises BloatError."""
        self.room -= characters
        if self.room < 0:
            raise BloatError

    def _of_lang(self, lang: etree._Element) -> Iterator[str]:
        text = "".join(self._parts(lang))
        if "\x01" in text:
            text = _RUN.sub(_around_run, _BRACKETED.sub(_in_brackets, text))
        for line in text.split(_ENTER):
            if whole := _BLANK.sub(" ", line).strip():
                yield whole

    def _parts(self, node: etree._Element) -> Iterator[str]:
        """Depth is bounded by the parser (256), so recursion is safe."""
        yield self._own(node.text)
        for child in node:
            name = local_name(child)
            if name.endswith("NameRef"):
                yield self.brand(child.get("ref", ""))
            elif name == "EmbeddingText":
                text = self.texts.get(child.get("ref", ""), "")
                self.spend(len(text))
                yield text
            elif name == "HeaderRef" and not "".join(child.itertext()).strip():
                yield f"\x01{self.numbers.get(child.get('ref', ''), '')}\x02"
            if name:
                aside = _ENTER if name == "Comment" else ""
                yield aside
                yield from self._parts(child)
                yield aside
            elif child.tag is etree.ProcessingInstruction and child.target == "enter":
                yield _ENTER
            yield self._own(child.tail)

    def _own(self, text: str | None) -> str:
        if not text:
            return ""
        self._read.append(text)
        return text


def langs(node: etree._Element) -> Iterator[etree._Element]:
    """The Lang elements of a node that stand in no other, in order."""
    if local_name(node) == "Lang":
        yield node
        return
    for child in node:
        yield from langs(child)


def _in_brackets(match: re.Match[str]) -> str:
    """A bracket with its numbers; nothing where it was a reference alone and points nowhere."""
    before, inside, after = match.groups()
    numbers = [number for number in _NUMBER.findall(inside) if number]
    if all(_NUMBER.findall(inside)) or _REFERENCE.sub("", _NUMBER.sub("", inside)):
        return before + _NUMBER.sub(r"\1", inside) + after
    return f"{before}{'、'.join(numbers)}参照{after}" if numbers else ""


def _around_run(match: re.Match[str]) -> str:
    """Numbers that stand in no bracket get theirs, unless the sentence itself says that they are references."""
    numbers = [number for number in _NUMBER.findall(match[0]) if number]
    if match["said"] is not None:
        return "、".join(numbers)
    return f"［{'、'.join(numbers)}参照］" if numbers else ""
