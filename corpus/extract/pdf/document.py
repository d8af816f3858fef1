"""A PDF as a document: pages read by the router, cleaned, and put together with sections and a page map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version as library_version
from typing import Final

from corpus.extract.model import Extracted, TextBuilder, failure, finish, tidy
from corpus.extract.pdf.facts import PasswordError
from corpus.extract.pdf.order import reading_order
from corpus.extract.pdf.paragraphs import paragraphs
from corpus.extract.pdf.router import ReadPage, read_pages
from corpus.extract.pdf.running import without_furniture
from corpus.extract.pdf.sections import add_sections
from corpus.extract.pdf.tables import rows
from corpus.text.scripts import GARBLED, garbled_share

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "pdf"
VERSION: Final = "3+" + "+".join(f"{name}-{library_version(name)}" for name in ("pypdf", "pypdfium2", "pdfminer.six"))
MAX_BYTES: Final = 300 * 2**20


def extract(data: bytes) -> Extracted:
    """The text of a PDF; outcomes encrypted, truncated, garbled, empty (a scan without text), unsupported."""
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes, more than {MAX_BYTES}", EXTRACTOR, VERSION)
    try:
        return _extract(data)
    except PasswordError:
        return failure("encrypted", "the PDF needs a password", EXTRACTOR, VERSION)
    except Exception as error:  # noqa: BLE001  a damaged file makes the engines raise dozens of classes
        ended = b"%%EOF" in data[-2048:]
        reason = f"damaged PDF: {type(error).__name__}: {error}"
        return failure("unsupported" if ended else "truncated", reason, EXTRACTOR, VERSION)


@dataclass
class _Told:
    """What the pages told, for outcome and reason."""

    garbled: int = 0
    failed: int = 0
    kept: int = 0
    chars: int = 0
    garbled_chars: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)


def _extract(data: bytes) -> Extracted:
    facts, pages = read_pages(data)
    told = _tell(pages)
    count = facts.count
    share = told.garbled_chars / told.chars if told.chars else 0.0
    if told.garbled and told.garbled >= told.kept:
        reason = f"{told.garbled} of {count} pages garbled ({share:.2f} of the characters): no Unicode tables"
        return Extracted("garbled", reason, garbled_share=share, extractor=EXTRACTOR, extractor_version=VERSION)
    why = next(iter(told.errors), "")
    if not told.kept:
        if told.failed == count and why:
            return failure("unsupported", f"no page can be read; {why}", EXTRACTOR, VERSION)
        reason = f"no text on {count} pages" + (f"; {why}" if why else ": a scan, or drawn text")
        return failure("empty", reason, EXTRACTOR, VERSION)
    return _document(pages, told, facts.title, count)


def _tell(pages: Sequence[ReadPage]) -> _Told:
    told = _Told()
    for page in pages:
        told.chars += page.chars
        told.garbled_chars += page.share * page.chars
        told.garbled += page.garbled
        told.failed += bool(page.error)
        told.kept += bool(page.lines) and not page.garbled
        if page.error:
            told.errors[page.error] += 1
    return told


def _document(pages: Sequence[ReadPage], told: _Told, title: str, count: int) -> Extracted:
    heights = [page.height for page in pages]
    kept = without_furniture([[] if page.garbled else page.lines for page in pages], heights)
    found = paragraphs([rows(reading_order(lines)) for lines in kept])
    builder = TextBuilder()
    starts = add_sections(builder, found)
    done = finish(
        builder,
        title=_fit(title),
        source_chars=sum(page.chars for page in pages if not page.garbled),
        extractor=EXTRACTOR,
        version=VERSION,
        pages=_page_map(starts, count, builder.length),
    )
    if done.outcome != "ok" or not (told.garbled or told.failed):
        return done
    return replace(done, reason=f"of {count} pages, {told.garbled} garbled and {told.failed} unreadable were left out")


def _page_map(starts: Sequence[int], count: int, length: int) -> tuple[int, ...]:
    """Where each page begins; one that begins no paragraph begins where the next one does."""
    pages, following = list[int](), length
    for page in range(count - 1, -1, -1):
        following = starts[page] if page < len(starts) and starts[page] >= 0 else following
        pages.append(following)
    return tuple(pages[::-1])


def _fit(title: str) -> str:
    """The title of the metadata, unless it is a file name or unreadable."""
    title = tidy(title)
    looks_like_file = title.lower().endswith((".pdf", ".doc", ".docx", ".indd", ".xdw", ".dvi", ".ps"))
    unfit = looks_like_file or title.lower() == "untitled" or garbled_share(title) > GARBLED or len(title) < 3
    return "" if unfit else title[:300]
