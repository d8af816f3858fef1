"""Package inserts in the SGML of before 2019: root packins, element names in lower case, Shift_JIS.

No real file could be had, so this reader rests on what is published of the DTD, and assumes:
    variablelabel   the printed label of the element it stands in, first in it: with onswitch="on" it is shown and
                    becomes a heading; else it names the field for programs alone ("順序番号") and goes
    serialno        the number of an item; printed where onoff="on", counted by the editor and not printed where "off"
    item            the name of an item: a heading in the text; of a row in composition and property, its first cell
    detail, low1subitem … low9subitem   text
    approvalbrandname   the name of the product: the title
    graphic         a picture: nothing
    enter, br, or &enter;   a line break
    sup, sub, chr and any other element inside text: its words
End tags may be left out, as SGML allows, attribute values be bare. Numbers, codes and dates of the head are no text.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract", "is_sgml"]

EXTRACTOR: Final = "pmda_sgml"
VERSION: Final = "1"
MAX_BYTES: Final = 16 * 2**20
_ROOT: Final = re.compile(rb"<packins\b|<!doctype\s+packins\b", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w.-]*+)([^<>]*+)>")
_ON: Final = re.compile(r"""\bon(?:switch|off)\s*=\s*["']?on\b""", re.IGNORECASE)
_ENTER: Final = re.compile(r"&enter;?", re.IGNORECASE)
_BLANK: Final = re.compile(r"[ \t\r\n]+")

_ROWS: Final = frozenset(("composition", "property"))
_HEAD: Final = frozenset(
    (
        *("packageinsertno", "companyidentifier", "dateofpreparationorrevision", "sccj", "sccjno", "approvalno"),
        *("licenseno", "yjcode", "brandcode", "startingdateofmarketing", "dateofcompletionofreexamination", "jsccno"),
        *("approvalandlicenseno", "trademarkinenglish", "brandnameinhiragana", "revisionno"),
    )
)
_INLINE: Final = frozenset(("sup", "sub", "chr", "b", "i", "u", "em", "ref", "a", "font", "small", "big"))
_BREAKS: Final = frozenset(("enter", "br"))
_DEEPEST: Final = 64  # headings in a path; no insert nests more than a dozen, and labels that never close would pile up


@dataclass
class _State:
    """Where in the document the reader stands."""

    builder: TextBuilder = field(default_factory=TextBuilder)
    open: list[str] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)  # how often each name is open: end tags may never come
    labels: list[tuple[int, str]] = field(default_factory=list)  # depth of the element that a heading belongs to
    line: list[str] = field(default_factory=list)
    number: str = ""
    row: list[str] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)  # of each open element, whether it is printed
    title: str = ""
    seen: int = 0

    def inside(self, names: frozenset[str]) -> bool:
        """Whether an element of one of these names is open."""
        return any(map(self.count.get, names))

    def path(self) -> list[str]:
        """The headings above."""
        return [text for _, text in self.labels[:_DEEPEST]]


class _Next:
    """Where a mark comes next, asked from left to right: a place is found once, and so is that there is none."""

    def __init__(self, mark: str, text: str) -> None:
        self._mark, self._text = re.compile(mark), text
        self._start = self._end = -1

    def after(self, start: int) -> tuple[int, int]:
        """Start and end of the first mark from `start` on; both are the length of the text and more if none is left."""
        if self._start < start:
            found = self._mark.search(self._text, start)
            self._start, self._end = found.span() if found else (len(self._text) + 1, len(self._text) + 1)
        return self._start, self._end


def is_sgml(data: bytes) -> bool:
    """Whether bytes are an insert of the old kind: no XML declaration, no namespace, root packins in any case."""
    head = data[:4096]
    return _ROOT.search(head) is not None and b"<?xml" not in head and b"xmlns" not in head and b"<PackIns" not in head


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One insert."""
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes of SGML, more than {MAX_BYTES}", EXTRACTOR, VERSION)
    text, _ = decode(data, content_type)
    state, at = _State(), 0
    for start, end, tag in _tokens(text):
        _write(state, text[at:start])
        at = end
        name = tag[2].lower() if tag else ""
        if name in _BREAKS:
            state.line.append("\n")
        elif tag and name not in _INLINE:
            _close(state, name) if tag[1] else _open(state, name, tag[3])
    _write(state, text[at:])
    _flush(state)
    _flush_row(state)
    if not re.search(r"</packins\s*>\s*\Z", text, re.IGNORECASE) and text.rstrip()[-1:] != ">":
        return failure("truncated", "the insert ends inside its text", EXTRACTOR, VERSION, title=state.title)
    return finish(
        state.builder,
        title=state.title,
        source_chars=max(state.seen, visible(state.builder.text)),
        extractor=EXTRACTOR,
        version=VERSION,
        declared_lang="ja",
    )


def _tokens(text: str) -> Iterator[tuple[int, int, re.Match[str] | None]]:
    """(start, end, the tag if it is one) of tags, comments, declarations and instructions; any other "<" is text."""
    comment, closing, inner, subset = (_Next(mark, text) for mark in ("-->", ">", r"[\[>]", r"\]\s*>"))
    at = text.find("<")
    while at >= 0:
        tag = _TAG.match(text, at)
        if tag:
            end = tag.end()
        elif text.startswith("<!", at):
            end = comment.after(at + 4)[1] if text.startswith("<!--", at) else len(text) + 1
            if end > len(text):  # no comment, or one that never ends: a declaration, with or without its own subset
                mark, end = inner.after(at + 2)
                end = subset.after(end)[1] if text[mark : mark + 1] == "[" else end
        elif text.startswith("<?", at):
            end = closing.after(at + 2)[1]
        else:
            end = len(text) + 1
        if end <= len(text):
            yield at, end, tag
        at = text.find("<", end if end <= len(text) else at + 1)


def _write(state: _State, text: str) -> None:
    if not text or text.isspace() or not state.open or state.inside(_HEAD):
        return
    state.line.append(html.unescape(_ENTER.sub("\n", _BLANK.sub(" ", text))))


def _open(state: _State, name: str, attributes: str) -> None:
    if name != "variablelabel" and state.open[-1:] == ["variablelabel"]:
        _close(state, "variablelabel")
    if name in ("serialno", "item") and state.open and state.open[-1] in ("serialno", "item", "detail"):
        _close(state, state.open[-1])  # their end tags were left out
    _flush(state)
    if name != "graphic":
        state.open.append(name)
        state.count[name] += 1
        state.shown.append(_ON.search(attributes) is not None)


def _close(state: _State, name: str) -> None:
    if not state.count[name]:
        return
    _flush(state)
    while state.open:
        last = state.open.pop()
        state.count[last] -= 1
        state.shown.pop()
        depth = len(state.open)
        if last in _ROWS:
            _flush_row(state)
        while state.labels and state.labels[-1][0] > depth:
            state.labels.pop()
        if last == name:
            return


def _flush(state: _State) -> None:
    lines = [line.strip(" ") for line in "".join(state.line).split("\n")]
    state.line.clear()
    lines = [line for line in lines if line]
    if not lines or not state.open:
        return
    inner = state.open[-1]
    if inner == "variablelabel":
        if state.shown[-1] and not state.inside(_HEAD):
            _label(state, "".join(lines))
        return
    if inner == "serialno":
        state.number = "".join(lines) if state.shown[-1] else ""
        return
    state.seen += visible("".join(lines))
    _text(state, inner, lines)


def _label(state: _State, label: str) -> None:
    """A label stands for the element around it; those of names and of the head are no headings."""
    owner = state.open[-2] if len(state.open) > 1 else ""
    if owner in ("approvaletc", "detailbrandname", "approvalbrandname", "genericname", "packins"):
        return
    state.builder.add("title", label, state.path())
    state.labels.append((len(state.open) - 1, label))


def _text(state: _State, inner: str, lines: list[str]) -> None:
    path = state.path()
    if inner == "approvalbrandname":
        state.title = state.title or "".join(lines)
        state.builder.add("title", "".join(lines))
        return
    if state.inside(_ROWS):
        if inner == "item":
            _flush_row(state)
        state.row.append(" ".join(lines))
        return
    number, state.number = state.number, ""
    if number:
        lines[0] = f"{number}.\u3000{lines[0]}" if number.isdecimal() else f"{number}\u3000{lines[0]}"
    for line in lines:
        state.builder.add("body", line, path)


def _flush_row(state: _State) -> None:
    if state.row:
        state.builder.add("table", "\u3000".join(state.row), state.path())
        state.row = []
