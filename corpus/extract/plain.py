"""Plain text in any encoding that Japanese and English files have."""

from __future__ import annotations

import re
from typing import Final

from corpus.extract.encoding import decode
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract", "no_text"]

EXTRACTOR: Final = "plain"
VERSION: Final = "2"
MAX_BYTES: Final = 64 * 2**20
_HEAD: Final = 1024  # bytes that tell data from text
_FEW_NULS: Final = 100  # a byte in so many may be NUL, and text still; packed data has one in 256
_CONTROLS: Final = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")  # but for tabs, line and page ends, ^Z and escapes


def no_text(data: bytes) -> str:
    """Why bytes are not read as text, "" where they are."""
    if len(data) > MAX_BYTES:
        return f"{len(data)} bytes of text, more than {MAX_BYTES}"
    head = data[:_HEAD]
    if b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""
    words = head.rstrip(b"\0\x1a")  # old files are filled up with them
    few = max(1, words.count(b"\0")) * _FEW_NULS <= len(words)
    if few and not _CONTROLS.search(words):
        return ""
    return "neither text nor a known format"


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
