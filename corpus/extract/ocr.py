"""OCR text of scanned reports, as NTRS keeps it beside a PDF: pages of hard-broken lines with running heads.

Running heads and page numbers go, lines are joined to paragraphs, words cut at a line's end are whole again, rows of
tables stay rows, and what is a formula or scraps is marked: a section of kind "note". The abstract is a section of its
own and a fact of the document; how noisy the recognition is, is measured (corpus.extract.noise).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.noise import noise_share
from corpus.extract.pdf.formulas import is_debris
from corpus.extract.plain import no_text
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract", "is_ocr_text"]

EXTRACTOR: Final = "ocr"
VERSION: Final = "1"
_NAME: Final = re.compile(r".*/(?:19|20)\d{9}(?:_[^/]*)?\.txt", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d+")
_PAGE_NUMBER: Final = re.compile(r"\s*[-–—]?\s*(?:page\s+)?(\d{1,4}|[ivxl]{1,6})\s*[-–—]?\s*", re.IGNORECASE)
_CELLS: Final = re.compile(r"\S {3,}(?=\S)|\t")
_CUT: Final = re.compile(r"(?<=[a-z])[-‐¬]$")
_HEADING: Final = re.compile(
    r"(?:(?:[0-9]{1,2}(?:\.[0-9]{1,2})*|[IVX]{1,5}|[A-Z])\.?\s+)?"
    r"(abstract|summary|introduction|conclusions?|concluding remarks|references|acknowledge?ments?|nomenclature|"
    r"symbols|results(?: and discussion)?|discussion|appendix(?: [A-Z])?)[.:]?",
    re.IGNORECASE,
)
_CAPITALS: Final = re.compile(r"(?:[0-9IVX]+(?:\.[0-9]+)*\.?\s+)?[A-Z][A-Z0-9 ,.:;&()/'-]{3,70}")
_EQUATION: Final = re.compile(r"=.*\(\d{1,3}[a-z]?\)$")
_NEAR: Final = 3  # lines of a page's edge that a running head stands in


def is_ocr_text(url: str) -> bool:
    """Whether an address is that of a full text of NTRS, or a file is named like one."""
    parts = urlsplit(url)
    return _NAME.fullmatch(parts.path) is not None and parts.hostname in (None, "ntrs.nasa.gov")


def extract(data: bytes, content_type: str = "") -> Extracted:
    """One report. Bytes that are no text are "unsupported"."""
    wrong = no_text(data)
    if wrong:
        return failure("unsupported", wrong, EXTRACTOR, VERSION)
    text, _ = decode(data, content_type)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    pages = [page.split("\n") for page in text.split("\f")]
    kept = _without_heads(pages)
    builder, starts = TextBuilder(), list[int]()
    path: list[str] = []
    for page in kept:
        starts.append(builder.length + 1 if builder.parts else 0)
        for line in _paragraphs(page):
            _add(builder, line, path)
    abstract = "\n".join(builder.text[s.start : s.end] for s in builder.sections if _is_abstract(s.path, s.kind))
    done = finish(
        builder,
        title="",
        source_chars=visible(text),
        extractor=EXTRACTOR,
        version=VERSION,
        pages=tuple(starts) if len(pages) > 1 else (),
        facts={"abstract": abstract} if abstract else None,
    )
    return replace(done, noise_share=noise_share(done.text)) if done.outcome == "ok" else done


def _is_abstract(path: str, kind: str) -> bool:
    return kind == "body" and path.lower().strip(" .:") in ("abstract", "summary")


def _add(builder: TextBuilder, line: str, path: list[str]) -> None:
    if _EQUATION.search(line) and is_debris(line):
        builder.add("note", line, path)
    elif _CELLS.search(line):
        builder.add("table", "\u3000".join(part for part in re.split(r" {3,}|\t+", line) if part), path)
    elif _HEADING.fullmatch(line) or (_CAPITALS.fullmatch(line) and sum(map(str.isalpha, line)) > 0.6 * len(line)):
        path[:] = [line]
        builder.add("title", line)
    else:
        builder.add("note" if is_debris(line) else "body", line, path)


def _without_heads(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without lines that are the same but for a number that counts up, and without numbers alone.

    Where no form feed parts the pages, the same is looked for in the whole text.
    """
    places = [(page, row) for page, lines in enumerate(pages) for row in _edge_rows(lines, whole=len(pages) == 1)]
    alike: dict[str, list[tuple[int, int, int]]] = {}
    for page, row in places:
        line = " ".join(pages[page][row].split())
        match = _PAGE_NUMBER.fullmatch(line)
        numbers = _DIGITS.findall(line)
        if match is not None:
            alike.setdefault("#", []).append((page, row, int(match[1]) if match[1].isdecimal() else 0))
        elif len(line) < 100 and line:
            last = int(numbers[-1][:9]) if numbers else 0
            alike.setdefault(_DIGITS.sub("#", line), []).append((page, row, last))
    gone = {(page, row) for found in alike.values() for page, row in _counting(found, len(pages))}
    return [[line for row, line in enumerate(lines) if (page, row) not in gone] for page, lines in enumerate(pages)]


def _edge_rows(lines: list[str], *, whole: bool) -> list[int]:
    rows = [row for row, line in enumerate(lines) if line.strip()]
    return rows if whole or len(rows) <= 2 * _NEAR else rows[:_NEAR] + rows[-_NEAR:]


def _counting(found: list[tuple[int, int, int]], pages: int) -> Iterator[tuple[int, int]]:
    """The places of a line whose number counts up from page to page, or that stands on most pages."""
    if pages > 2 and len({page for page, *_ in found}) >= max(3, 0.6 * pages):
        yield from ((page, row) for page, row, _ in found)
        return
    for before, after in pairwise(found):
        if after[2] == before[2] + 1 and (after[0] != before[0] or after[1] - before[1] > 2 * _NEAR):
            yield before[:2]
            yield after[:2]


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Lines joined: one goes on in the next where it is nearly as long as the page is wide."""
    widths = sorted(len(line.rstrip()) for line in lines if line.strip())
    wide = 0.7 * widths[int(0.9 * (len(widths) - 1))] if widths else 0
    current = ""
    full = False
    for line in (line.rstrip() for line in lines):
        bare = line.strip()
        alone = not bare or _CELLS.search(bare) is not None or _HEADING.fullmatch(bare) is not None
        if current and (alone or not full or line.startswith(("    ", "\t"))):
            yield current
            current = ""
        if alone:
            if bare:
                yield bare
            full = False
            continue
        if not current:
            current = bare
        elif _CUT.search(current) and bare[0].islower():
            current = current[:-1] + bare
        else:
            current = f"{current} {bare}"
        full = len(line) >= wide
    if current:
        yield current
