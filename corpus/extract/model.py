"""What a reader gives back, and the builder that keeps section offsets exact."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from corpus.text.language import language
from corpus.text.scripts import GARBLED, garbled_share, visible

__all__ = ["KINDS", "OUTCOMES", "Extracted", "Section", "TextBuilder", "failure", "finish", "tidy"]

KINDS: Final = ("title", "body", "table", "appendix", "note", "caption")
OUTCOMES: Final = (
    "ok",
    "empty",  # nothing to read
    "garbled",  # text came out, and it is not language: wrong font tables or encoding
    "encrypted",  # a password is needed
    "truncated",  # the end is missing
    "challenge",  # an access challenge in place of the page
    "error_page",  # an error or maintenance page served as if it were the document
    "unsupported",  # no reader, too large, or not well-formed
    "redirect",  # wiki: another page is meant
    "disambiguation",  # wiki: a list of pages of the same name
    "list",  # wiki: a list of pages
    "stub",  # wiki: too short to be an article
)
_FEW: Final = 20  # characters below which the garble alarm says nothing


@dataclass(frozen=True)
class Section:
    """A part of the text.

    `kind` is one of KINDS, `path` the headings above joined by " > ", `level` the depth of the innermost (0: none),
    `start` and `end` code points of the text, end exclusive.
    """

    kind: str
    path: str
    level: int
    start: int
    end: int


@dataclass(frozen=True)
class Extracted:
    """What came out of one document.

    `outcome` is one of OUTCOMES, "ok" alone means a document; `reason` is one line for the ledger. `lang` is "ja",
    "en" or "" by the text. `sections` lie in order and do not overlap; all of the text but line ends belongs to one.
    `pages` holds the start offset of each page of a PDF. `kept_share` is visible characters kept over visible
    characters of the source, 0 to 1; `garbled_share` the share of characters that belong to no Japanese or English.
    """

    outcome: str
    reason: str = ""
    text: str = ""
    title: str = ""
    lang: str = ""
    sections: tuple[Section, ...] = ()
    pages: tuple[int, ...] = ()
    kept_share: float = 0.0
    garbled_share: float = 0.0
    extractor: str = ""
    extractor_version: str = ""


def failure(outcome: str, reason: str, extractor: str = "", version: str = "", *, title: str = "") -> Extracted:
    """An outcome without text; the reason is cut to one line of 300 characters."""
    return Extracted(outcome, " ".join(reason.split())[:300], "", title, "", (), (), 0.0, 0.0, extractor, version)


_BLANKS: Final = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f]+")
_INVISIBLE: Final = (*range(9), *range(0xE, 0x20), 0x7F, 0xAD, 0x200B, 0xFEFF, *range(0xD800, 0xE000))
_BROKEN: Final[dict[int, None]] = dict.fromkeys(_INVISIBLE)


def tidy(text: str) -> str:
    """One line of extracted text: NFC, runs of blanks to one space, no controls; U+3000 inside stays.

    Everything else is left to corpus.text.normalise, so that a document row stays close to its source.
    """
    text = text.replace("\r", " ").replace("\n", " ").replace("\u2028", " ").replace("\u2029", " ")
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text.translate(_BROKEN))).strip(" \u3000\x0b\x0c\x85")


@dataclass
class TextBuilder:
    """Collects lines with their kind and path; neighbours of one kind and path become one section."""

    parts: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    length: int = 0

    def add(self, kind: str, line: str, path: Sequence[str] = ()) -> None:
        """Append one line (tidied; empty ones vanish). `path` is the headings above, outermost first."""
        line = tidy(line)
        if not line:
            return
        start = self.length + 1 if self.parts else 0
        self.parts.append(line)
        self.length = start + len(line)
        where = " > ".join(heading for heading in path if heading)
        last = self.sections[-1] if self.sections else None
        if last is not None and kind != "title" and (last.kind, last.path) == (kind, where):
            self.sections[-1] = Section(kind, where, last.level, last.start, self.length)
        else:
            level = sum(1 for heading in path if heading)
            self.sections.append(Section(kind, where, level, start, self.length))

    @property
    def text(self) -> str:
        """The whole text, a line a part."""
        return "\n".join(self.parts)


def finish(
    builder: TextBuilder, *, title: str, source_chars: int, extractor: str, version: str, pages: tuple[int, ...] = ()
) -> Extracted:
    """The document of what a builder collected, or the outcome "empty" or "garbled" where it is none.

    `source_chars` is the number of visible characters that the source shows, for kept_share.
    """
    text = builder.text
    kept = visible(text)
    title = tidy(title)
    if not kept:
        return failure("empty", "no text in the document", extractor, version, title=title)
    share = garbled_share(text)
    if kept >= _FEW and share > GARBLED:
        reason = f"{share:.2f} of the characters belong to no Japanese or English text"
        return Extracted("garbled", reason, "", title, "", (), (), 0.0, share, extractor, version)
    return Extracted(
        outcome="ok",
        text=text,
        title=title or builder.parts[0][:120],
        lang=language(text) or "",
        sections=tuple(builder.sections),
        pages=pages,
        kept_share=min(1.0, kept / source_chars) if source_chars else 1.0,
        garbled_share=share,
        extractor=extractor,
        extractor_version=version,
    )
