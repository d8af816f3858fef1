"""Statutes event by event: what each element of 法令標準XML means for the text, fed by a parser of XML or JSON trees.

Most elements of a law only hold others, so a reader that is called at the start and end of each one, and does nothing
at most of them, is twice as fast as a walk over a tree, and nesting of any depth is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, TypeAlias

from corpus.extract.model import TextBuilder, tidy

__all__ = ["Handler", "LawEvents", "Source"]

_SKIP: Final = frozenset(("TOC", "Rt", "Fig"))
_LEVELS: Final = ("Part", "Chapter", "Section", "Subsection", "Division")
_HEADINGS: Final = frozenset(("SupplProvisionLabel", *(f"{level}Title" for level in _LEVELS)))
_SUBITEMS: Final = tuple(f"Subitem{n}" for n in range(1, 11))
_LABELS: Final = frozenset(
    ("ArticleTitle", "ParagraphNum", "ItemTitle", "ClassTitle", *(f"{s}Title" for s in _SUBITEMS))
)
_LINES: Final = frozenset(
    (
        *("EnactStatement", "Preamble", "ArticleCaption", "ParagraphCaption", "Item", "Class", "List", "ListSentence"),
        *("Sublist1", "Sublist2", "Sublist3", "TableRow", "TableHeaderRow", "TableStructTitle", "RemarksLabel"),
        *("Remarks", "Note", "RelatedArticleNum", "SupplNote", "AmendProvisionSentence", "NewProvision", "QuoteStruct"),
        *("ArithFormula", "FormatStruct", "StyleStruct", "NoteStruct", "NoteStructTitle", "StyleStructTitle"),
        *("FormatStructTitle", "AmendProvision", "LawTitle", "LawNum", *_SUBITEMS),
    )
)
_CELLS: Final = frozenset(("Column", "TableColumn", "TableHeaderColumn"))
_CAPTIONS: Final = frozenset(("FigStructTitle",))
_APPENDICES: Final = tuple(
    prefix + what
    for prefix in ("Appdx", "SupplProvisionAppdx")
    for what in ("", "Table", "Note", "Style", "Format", "Fig")
)
_APPENDIX_TITLES: Final = tuple(f"{name}Title" for name in _APPENDICES)
_OPAQUE: Final = frozenset(("Paragraph", "AmendProvision", "NewProvision", "QuoteStruct", "EnactStatement", "Preamble"))
_WIDE: Final = "\u2e80"  # from here on characters are those of scripts without blanks between sentences
_DEEPEST: Final = 64  # headings in a path; a law has five levels, and elements that nest without end would pile up
_INDENT: Final = re.compile(r"[ \t\r]*\n[ \t\r\n]*")  # pretty-printing; no meaning inside a Japanese sentence

Attributes: TypeAlias = Sequence[str]
Handler: TypeAlias = Callable[["LawEvents", str], None]


def _amends(attributes: Attributes) -> bool:
    """Whether a supplementary provision names the law that it came with; an empty name is the law's own."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True)).get("AmendLawNum", "") != ""


class Source:
    """What calls LawEvents where no parser of XML does; its handlers are set there."""

    def __init__(self) -> None:
        self.StartElementHandler: Any = None
        self.EndElementHandler: Any = None
        self.CharacterDataHandler: Any = None


class LawEvents:
    """The state between events; `parser` is what calls: its three *Handler attributes are set here.

    Attributes come as a flat list of names and values, as expat gives them. After the last event `builder`, `title`,
    `number`, `lang`, `skipped` (text left out by rule) and `outside` (text outside a Law) hold what was found.
    """

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.builder = TextBuilder()
        self.title = self.number = self.lang = ""
        self.laws = self.bodies = 0
        self.outside: list[str] = []
        self.skipped: list[str] = []
        self.codes: list[str] = []
        self._buffer: list[str] = []
        self._path: list[str] = []
        self._where: str | None = ""  # None: to be put together anew
        self._level = 0
        self._article, self._kind = "", "body"
        self._held: list[str] = []  # captions that stand before the title of their article
        self._awaiting = False
        self._labelled = False
        self._nested = 0  # open elements inside which headings and articles are quoted ones
        self._depths: list[int] = []
        self._appendices: list[tuple[list[str], str, str]] = []
        self._marks: list[int] = []
        self.skip_depth = 0
        self._gap = ""
        self._inside = self._handlers()
        self._wait_for_law()

    # What the parser calls: outside a law, inside it, and inside what is left out.

    def _wait_for_law(self) -> None:
        self.inside = False
        self.parser.StartElementHandler = self._outside_start
        self.parser.EndElementHandler = None
        self.parser.CharacterDataHandler = self.outside.append

    def _outside_start(self, tag: str, attributes: Attributes) -> None:
        if tag.rpartition(":")[2] != "Law" or self.laws:
            self.outside.append("\n" if tag != "Code" else "\0")
            return
        self.laws = 1
        values = list(attributes)
        self.lang = values[values.index("Lang") + 1] if "Lang" in values[::2] else ""
        self._gap = " " if self.lang == "en" else ""
        self._read_law()

    def _read_law(self) -> None:
        self.inside = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._inside
        self.parser.CharacterDataHandler = self._buffer.append

    def _handlers(self) -> tuple[Callable[[str, Attributes], None], Callable[[str], None]]:
        """What is called at the start and at the end of every element: closures, for they are called so often."""
        starts, ends = self.STARTS.get, self.ENDS.get

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "SupplProvision" and _amends(attributes):
                self.flush()
                self._skip()
                return
            handler = starts(tag)
            if handler is not None:
                handler(self, tag)
            elif ":" in tag:
                start(tag.rpartition(":")[2], attributes)

        def end(tag: str) -> None:
            handler = ends(tag)
            if handler is not None:
                handler(self, tag)
            elif ":" in tag:
                end(tag.rpartition(":")[2])

        return start, end

    def _skip(self, _: str = "") -> None:
        """Leave out the element that begins here."""
        self.inside = False
        self.skip_depth = 1
        self.parser.StartElementHandler = self._skip_start
        self.parser.EndElementHandler = self._skip_end
        self.parser.CharacterDataHandler = self.skipped.append

    def _skip_start(self, _: str, __: Attributes) -> None:
        self.skip_depth += 1

    def _skip_end(self, _: str) -> None:
        self.skip_depth -= 1
        if not self.skip_depth:
            self._read_law()

    # Lines.

    def _take(self) -> str:
        line = "".join(self._buffer)
        self._buffer.clear()
        if "\n" in line:
            line = _INDENT.sub(self._gap, line)
        return line

    def flush(self, _: str = "") -> None:
        """End the line: what most elements do where they begin and where they end."""
        if self._buffer:
            self._write(self._kind)

    def _write(self, kind: str) -> None:
        line = tidy(self._take())
        self._labelled = False
        if self._awaiting:
            self._held.append(line)
        else:
            self._append(kind, line)

    def _append(self, kind: str, line: str) -> None:
        """A tidy line at the place where the law stands, whose name is put together when a line needs it."""
        if self._where is None:
            above = [heading for heading in (*self._path, self._article) if heading]
            self._where, self._level = " > ".join(above), len(above)
        self.builder.append_tidy(kind, line, self._where, self._level)

    def _settle(self) -> None:
        """The title of the article is known, or will not come: its caption can be written."""
        self._awaiting = False
        held, self._held = self._held, []
        for line in held:
            self._append(self._kind, line)

    # The law itself.

    def _law_end(self, _: str) -> None:
        self.flush()
        self._wait_for_law()

    def _body_start(self, _: str) -> None:
        self.flush()
        self.bodies += 1

    def _number_end(self, _: str) -> None:
        line = self._take().strip(" \u3000")
        if not self.number and not self.bodies:
            self.number = line
        elif line:
            self._append("note", tidy(line))

    def _title_end(self, _: str) -> None:
        line = self._take().strip(" \u3000")
        if self.title or self._nested:
            self._append(self._kind, tidy(line))
            return
        self.title = line
        self.builder.append("title", line, "", 0)
        self.builder.append("note", self.number, "", 0)

    # Containers and headings.

    def _container_start(self, _: str) -> None:
        self.flush()
        self._depths.append(len(self._path))

    def _container_end(self, _: str) -> None:
        self.flush()
        height = self._depths.pop() if self._depths else 0
        if not self._nested:
            del self._path[height:]
            self._where = None

    def _heading_end(self, _: str) -> None:
        if self._nested:
            self.flush()
            return
        heading = self._take().strip(" \u3000")
        if heading:
            self._append("title", tidy(heading))
            self._enter(heading)

    def _enter(self, heading: str) -> None:
        if len(self._path) < _DEEPEST:
            self._path.append(heading)
            self._where = None

    def _article_start(self, _: str) -> None:
        self.flush()
        if not self._nested:
            self._awaiting = True
        self._nested += 1

    def _article_end(self, _: str) -> None:
        self._settle()
        self.flush()
        self._nested -= 1
        if not self._nested:
            self._article = ""
            self._where = None

    def _label_start(self, _: str) -> None:
        self._marks.append(len(self._buffer))

    def _label_end(self, tag: str) -> None:
        mark = self._marks.pop() if self._marks else 0
        if self._marks:  # a label inside a label is a part of it, and joining each of a deep nest costs its square
            return
        label = "".join(self._buffer[mark:]).strip()
        if tag == "ArticleTitle" and self._awaiting:
            self._article = label
            self._where = None
            self._settle()
        if label:
            self._buffer.append("\u3000")
            self._labelled = tag == "ArticleTitle"

    def _paragraph_start(self, _: str) -> None:
        if self._awaiting:
            self._settle()
        if not self._labelled:  # the first paragraph goes on in the line of its article's title
            self.flush()
        self._labelled = False
        self._nested += 1

    def _opaque_start(self, tag: str) -> None:
        if tag in _LINES:
            self.flush()
        self._nested += 1

    def _opaque_end(self, _: str) -> None:
        self.flush()
        self._nested -= 1

    def _caption_end(self, _: str) -> None:
        self._write("caption")

    # Tables and appendices.

    def _cell_start(self, _: str) -> None:
        for part in reversed(self._buffer):
            tail = part.rstrip(" \t\r\n")
            if tail:
                if not tail.isspace() and not tail.endswith("\u3000"):
                    self._buffer.append("\u3000")
                return
        if not self._marks:
            self._buffer.clear()  # a line begins with no blanks, and the next cell need not look at them again

    def _sentence_start(self, _: str) -> None:
        """Sentences follow each other without a blank, as Japanese does and Latin script does not."""
        if self._gap and self._buffer:
            last = self._buffer[-1][-1:]
            if " " < last < _WIDE:
                self._buffer.append(self._gap)

    def _table_start(self, _: str) -> None:
        self.flush()
        self._kind = "table" if self._kind == "body" else self._kind

    def _table_end(self, _: str) -> None:
        self.flush()
        self._kind = "body" if self._kind == "table" else self._kind

    def _appendix_start(self, _: str) -> None:
        self.flush()
        self._appendices.append((list(self._path), self._article, self._kind))
        self._kind, self._article = "appendix", ""
        self._nested += 1
        self._where = None

    def _appendix_title_end(self, _: str) -> None:
        title = "".join(self._buffer).strip(" \u3000\n")
        if title and self._appendices:
            self._enter(_INDENT.sub(self._gap, title))
        self.flush()

    def _appendix_end(self, _: str) -> None:
        self.flush()
        self._nested -= 1
        if self._appendices:
            self._path, self._article, self._kind = self._appendices.pop()
            self._where = None

    # What happens at the start and at the end of each element; the others only hold text.

    LABELS: ClassVar[frozenset[str]] = _LABELS - {"ArticleTitle"}  # those that do nothing where they are empty
    TURNS: ClassVar[frozenset[str]] = frozenset(("Law", "SupplProvision")) | _SKIP  # from where other functions read on

    STARTS: ClassVar[dict[str, Handler]] = {
        **dict.fromkeys((*_LINES, *_HEADINGS, *_CAPTIONS), flush),
        **dict.fromkeys(_SKIP, _skip),
        **dict.fromkeys(_CELLS, _cell_start),
        **dict.fromkeys(_LABELS, _label_start),
        **dict.fromkeys(_OPAQUE, _opaque_start),
        **dict.fromkeys(("SupplProvision", *_LEVELS), _container_start),
        **dict.fromkeys(_APPENDICES, _appendix_start),
        **dict.fromkeys(_APPENDIX_TITLES, flush),
        "Article": _article_start,
        "Paragraph": _paragraph_start,
        "LawBody": _body_start,
        "Sentence": _sentence_start,
        "TableStruct": _table_start,
    }
    ENDS: ClassVar[dict[str, Handler]] = {
        **dict.fromkeys(_LINES, flush),
        **dict.fromkeys(_HEADINGS, _heading_end),
        **dict.fromkeys(_LABELS, _label_end),
        **dict.fromkeys(_CAPTIONS, _caption_end),
        **dict.fromkeys(_OPAQUE, _opaque_end),
        **dict.fromkeys(("SupplProvision", *_LEVELS), _container_end),
        **dict.fromkeys(_APPENDICES, _appendix_end),
        **dict.fromkeys(_APPENDIX_TITLES, _appendix_title_end),
        "Article": _article_end,
        "Law": _law_end,
        "LawTitle": _title_end,
        "LawNum": _number_end,
        "TableStruct": _table_end,
    }
