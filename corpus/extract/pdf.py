"""PDF by pypdf: the slowest of the engines and the safest on hostile files.

Page by page: lines, garble alarm, then over the whole document: running heads and page numbers out, lines joined to
sentences. Pages that are garbled are left out and told in `reason`; a document of which most is garbled is none.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version as library_version
from typing import TYPE_CHECKING, Final

from corpus.extract.lines import join_lines, strip_running
from corpus.extract.model import Extracted, TextBuilder, failure, finish, tidy
from corpus.text.normalise import normalise
from corpus.text.scripts import GARBLED, garbled_share, visible

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["EXTRACTOR", "VERSION", "extract"]

EXTRACTOR: Final = "pdf"
VERSION: Final = f"1+pypdf-{library_version('pypdf')}"
MAX_BYTES: Final = 300 * 2**20
MAX_PAGES: Final = 5000
MAX_CHARS: Final = 20_000_000
_FEW: Final = 20  # characters on a page below which the alarm says nothing


@dataclass
class _Pages:
    """Lines of each page (none of a garbled one), and what went wrong."""

    lines: list[list[str]]
    chars: int = 0
    garbled_chars: float = 0.0
    garbled: int = 0
    failed: int = 0
    error: str = ""


def extract(data: bytes) -> Extracted:
    """The text of a PDF; outcomes encrypted, truncated, garbled, empty (a scan without text), unsupported."""
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes, more than {MAX_BYTES}", EXTRACTOR, VERSION)
    with _quiet():
        try:
            return _extract(data)
        except Exception as error:  # noqa: BLE001  a damaged file makes pypdf raise a dozen classes
            ended = b"%%EOF" in data[-2048:]
            reason = f"damaged PDF: {type(error).__name__}: {error}"
            return failure("unsupported" if ended else "truncated", reason, EXTRACTOR, VERSION)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pypdf, which tells each oddity of a file to the log; the outcome says what matters."""
    logger = logging.getLogger("pypdf")
    before = logger.disabled, logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.disabled, logger.level, logger.propagate = before


def _extract(data: bytes) -> Extracted:
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        return failure("encrypted", "the PDF needs a password", EXTRACTOR, VERSION)
    count = len(reader.pages)
    if count > MAX_PAGES:
        return failure("unsupported", f"{count} pages, more than {MAX_PAGES}", EXTRACTOR, VERSION)
    found = _read(reader, count)
    share = found.garbled_chars / found.chars if found.chars else 0.0
    kept_pages = sum(1 for lines in found.lines if lines)
    if found.garbled and found.garbled >= kept_pages:
        reason = f"{found.garbled} of {count} pages garbled ({share:.2f} of the characters): no Unicode tables"
        return Extracted("garbled", reason, garbled_share=share, extractor=EXTRACTOR, extractor_version=VERSION)
    if not kept_pages:
        why = f"; {found.error}" if found.error else ": a scan, or drawn text"
        return failure("empty", f"no text on {count} pages{why}", EXTRACTOR, VERSION)
    return _document(reader, found, count)


def _document(reader: PdfReader, found: _Pages, count: int) -> Extracted:
    paragraphs = join_lines(strip_running(found.lines))
    builder, pages = TextBuilder(), list[int]()
    for page, paragraph in paragraphs:
        while len(pages) <= page:
            pages.append(builder.length + (1 if builder.parts else 0))
        builder.add("body", paragraph)
    pages += [builder.length] * (count - len(pages))
    title = _title(reader)
    done = finish(
        builder, title=title, source_chars=found.chars, extractor=EXTRACTOR, version=VERSION, pages=tuple(pages)
    )
    if done.outcome != "ok" or not (found.garbled or found.failed):
        return done
    reason = f"of {count} pages, {found.garbled} garbled and {found.failed} unreadable were left out"
    return replace(done, reason=reason)


def _read(reader: PdfReader, count: int) -> _Pages:
    found = _Pages([])
    for number in range(count):
        try:
            text = reader.pages[number].extract_text() or ""
        except Exception as error:  # noqa: BLE001  one bad page must not cost the others
            found.failed += 1
            found.error = found.error or f"{type(error).__name__}: {error}"[:200]
            text = ""
        lines = [line for line in (_line(raw) for raw in text.splitlines()) if line]
        page = "\n".join(lines)
        chars = visible(page)
        share = garbled_share(normalise(page))
        found.chars += chars
        found.garbled_chars += share * chars
        if chars >= _FEW and share > GARBLED:
            found.garbled += 1
            lines = []
        found.lines.append(lines)
        if found.chars > MAX_CHARS:
            found.lines += [[] for _ in range(count - number - 1)]
            found.failed += count - number - 1
            break
    return found


def _line(raw: str) -> str:
    """A line of the page; the ideographic space that begins a Japanese paragraph is kept."""
    line = tidy(raw)
    return "\u3000" + line if line and raw.lstrip(" ").startswith("\u3000") else line


def _title(reader: PdfReader) -> str:
    """The title of the metadata, unless it is a file name or unreadable."""
    try:
        title = str((reader.metadata and reader.metadata.title) or "")
    except Exception:  # noqa: BLE001  damaged metadata is no reason to lose the text
        return ""
    title = tidy(title)
    looks_like_file = title.lower().endswith((".pdf", ".doc", ".docx", ".indd", ".xdw", ".dvi", ".ps"))
    unfit = looks_like_file or title.lower() == "untitled" or garbled_share(title) > GARBLED or len(title) < 3
    return "" if unfit else title[:300]
