"""What a reader gives back, and the builder that keeps section offsets exact."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from corpus.text.language import language
from corpus.text.scripts import GARBLED, visible_and_garbled

__all__ = ["KINDS", "OUTCOMES", "Extracted", "Section", "TextBuilder", "failure", "finish", "tidy", "tidy_lines"]

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


class Section(NamedTuple):
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
    "en" or "" by the text, `declared_lang` the language tag that the document itself names, "" where it names none.
    `sections` lie in order and do not overlap; all of the text but line ends belongs to one. `pages` holds the start
    offset of each page of a PDF. `kept_share` is visible characters kept over visible characters of the source, 0 to
    1; `garbled_share` the share of characters that belong to no Japanese or English; `noise_share` the share of words
    that are no language (corpus.extract.noise), measured for OCR text alone. `facts` holds what else the source says,
    by name: revision_id, timestamp, abstract, law_num, frames (one URL a line).
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
    declared_lang: str = ""
    noise_share: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


def failure(outcome: str, reason: str, extractor: str = "", version: str = "", *, title: str = "") -> Extracted:
    """An outcome without text; the reason is cut to one line of 300 characters."""
    reason = " ".join(_SURROGATES.sub("\ufffd", reason).split())[:300]
    return Extracted(outcome, reason, "", title, "", (), (), 0.0, 0.0, extractor, version)


_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BLANK: Final = re.compile("[\t\r\n\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f]")
_RUNS: Final = re.compile("  +")
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b\ufeff\ud800-\udfff]+")
# What a clean line does not hold. No such character is printable, and most lines are: to ask that first is faster.
_UNTIDY: Final = re.compile("  |[\x00-\x1f\x7f\u00a0\u00ad\u2000-\u200b\u2028\u2029\u202f\u205f\ufeff\ud800-\udfff]")
_LINE_BLANK: Final = re.compile("[\t\r\u00a0\u2000-\u200a\u202f\u205f]")
_INVISIBLE_LINES: Final = re.compile("[\x00\x0e-\x1f\x7f\u00ad\u200b\ufeff\ud800-\udfff]+")
_UNTIDY_LINES: Final = re.compile(
    "  |[\x00\t\x0b-\x1f\x7f\u00a0\u00ad\u2000-\u200b\u2028\u2029\u202f\u205f\ufeff\ud800-\udfff]"
)


def tidy(text: str) -> str:
    """One line of extracted text: NFC, runs of blanks to one space, no controls; U+3000 inside stays.

    Everything else is left to corpus.text.normalise, so that a document row stays close to its source.
    """
    if ("  " in text or not text.replace("\u3000", "").isprintable()) and _UNTIDY.search(text):
        text = _RUNS.sub(" ", _BLANK.sub(" ", _INVISIBLE.sub("", text)))
    return unicodedata.normalize("NFC", text).strip(" \u3000\x0b\x0c\x85")


def tidy_lines(text: str) -> str:
    """Many lines made tidy at once, but for blanks at their ends; the control characters U+0001 to U+0008 are kept."""
    if _UNTIDY_LINES.search(text):
        text = _INVISIBLE_LINES.sub("", text).replace("\u2028", "\n").replace("\u2029", "\n")
        text = _RUNS.sub(" ", _LINE_BLANK.sub(" ", text))
    return unicodedata.normalize("NFC", text)


@dataclass
class TextBuilder:
    """Collects lines with their kind and path; neighbours of one kind and path become one section."""

    parts: list[str] = field(default_factory=list)
    # kind, path, level, start: a section ends before the line end that the next one follows
    spans: list[tuple[str, str, int, int]] = field(default_factory=list)
    length: int = 0

    def add(self, kind: str, line: str, path: Sequence[str] = ()) -> None:
        """Append one line (tidied; empty ones vanish). `path` is the headings above, outermost first."""
        above = [heading for heading in path if heading]
        self.append(kind, line, " > ".join(above), len(above))

    def append(self, kind: str, line: str, where: str, level: int) -> None:
        """What `add` does, for readers that keep the joined path of many lines at hand."""
        self.append_tidy(kind, tidy(line), where, level)

    def append_tidy(self, kind: str, line: str, where: str, level: int) -> None:
        """`append` for a line that came out of `tidy`, or of `tidy_lines` and a strip."""
        if not line:
            return
        start = self.length + 1 if self.parts else 0
        self.parts.append(line)
        self.length = start + len(line)
        last = self.spans[-1] if self.spans else None
        if last is None or kind == "title" or last[0] != kind or last[1] != where:
            self.spans.append((kind, where, level, start))

    @property
    def sections(self) -> list[Section]:
        """The sections so far, in order."""
        ends = [start - 1 for _, _, _, start in self.spans[1:]] + [self.length]
        return [Section(*span, end) for span, end in zip(self.spans, ends, strict=True)] if self.spans else []

    @property
    def text(self) -> str:
        """The whole text, a line a part."""
        return "\n".join(self.parts)


_SAMPLE: Final = 4_000  # characters of the beginning and of the middle that tell the language of a long text


def _sample(text: str) -> str:
    middle = len(text) // 2
    return text if len(text) <= 2 * _SAMPLE else f"{text[:_SAMPLE]}\n{text[middle : middle + _SAMPLE]}"


def finish(
    builder: TextBuilder,
    *,
    title: str,
    source_chars: int | None = None,
    left_out: int = 0,
    extractor: str,
    version: str,
    pages: tuple[int, ...] = (),
    declared_lang: str = "",
    facts: Mapping[str, str] | None = None,
) -> Extracted:
    """The document of what a builder collected, or the outcome "empty" or "garbled" where it is none.

    For kept_share: `source_chars` is the number of visible characters that the source shows; where it is not given,
    `left_out` is the number of those that the builder does not hold.
    """
    text = builder.text
    kept, share = visible_and_garbled(text)
    title = tidy(title)
    source_chars = kept + left_out if source_chars is None else source_chars
    if not kept:
        return failure("empty", "no text in the document", extractor, version, title=title)
    if kept >= _FEW and share > GARBLED:
        reason = f"{share:.2f} of the characters belong to no Japanese or English text"
        return Extracted("garbled", reason, "", title, "", (), (), 0.0, share, extractor, version)
    return Extracted(
        outcome="ok",
        text=text,
        title=title or builder.parts[0][:120],
        lang=language(_sample(text)) or "",
        sections=tuple(builder.sections),
        pages=pages,
        kept_share=min(1.0, kept / source_chars) if source_chars else 1.0,
        garbled_share=share,
        extractor=extractor,
        extractor_version=version,
        declared_lang=declared_lang,
        facts=dict(facts or {}),
    )
