"""Plain text in any encoding that Japanese and English files have."""

from __future__ import annotations

from typing import Final

from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract", "no_text"]

EXTRACTOR: Final = "plain"
VERSION: Final = "1"
MAX_BYTES: Final = 64 * 2**20


def no_text(data: bytes) -> str:
    """Why bytes are not read as text, "" where they are."""
    if len(data) > MAX_BYTES:
        return f"{len(data)} bytes of text, more than {MAX_BYTES}"
    if b"\0" in data[:1024] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "neither text nor a known format"
    return ""


def extract(data: bytes, content_type: str = "") -> Extracted:
    """A text file, line by line; the title is its first line. Bytes that are no text are "garbled" or "unsupported"."""
    wrong = no_text(data)
    if wrong:
        return failure("unsupported", wrong, EXTRACTOR, VERSION)
    text, _ = decode(data, content_type)
    builder = TextBuilder()
    for line in text.splitlines():
        builder.add("body", line)
    return finish(builder, title="", source_chars=visible(text), extractor=EXTRACTOR, version=VERSION)
