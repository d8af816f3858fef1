"""The encoding of a page by evidence: byte order mark, escape sequences, valid UTF-8, header, meta, trial."""

from __future__ import annotations

import codecs
import re
from typing import Final

__all__ = ["decode"]

_META: Final = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
# Names of the web mapped to the superset that pages under that name really use.
_SUPERSETS: Final = dict.fromkeys(("shift_jis", "sjis", "x-sjis", "ms_kanji", "windows-31j"), "cp932") | dict.fromkeys(
    ("iso-8859-1", "latin-1", "ascii", "us-ascii"), "cp1252"
)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD: Final = 4096  # bytes searched for a declaration, twice what HTML asks for


def decode(data: bytes, content_type: str = "") -> tuple[str, str]:
    """(text, encoding) of a page; never raises, undecodable bytes become U+FFFD.

    Bytes that are valid UTF-8 are UTF-8 whatever a stale declaration says: longer cp932 or EUC-JP text never is. Then
    the header and the page's own declaration are tried strictly, then cp932 and EUC-JP, then the first of all these
    that leaves the fewest undecodable bytes.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    if b"\x1b$" in data or b"\x1b(J" in data:
        return data.decode("iso2022_jp_3", "replace"), "iso2022_jp_3"
    candidates = ["utf-8", *_declared(data, content_type), "cp932", "euc_jp"]
    for name in candidates:
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    attempts = [(data.decode(name, "replace"), name) for name in dict.fromkeys(candidates)]
    return min(attempts, key=lambda attempt: attempt[0].count("\ufffd"))


def _declared(data: bytes, content_type: str) -> list[str]:
    """Known text encodings that the header and the head of the page name, in that order."""
    found = []
    for match in (_META.search(content_type.encode("ascii", "replace")), _META.search(data[:_HEAD])):
        if match is None:
            continue
        name = match[1].decode("ascii").lower()
        name = _SUPERSETS.get(name, name)
        try:
            info = codecs.lookup(name)
        except LookupError:
            continue
        if info._is_text_encoding and info.name not in ("undefined", "idna", "punycode", "unicode_escape"):  # noqa: SLF001
            found.append(info.name)
    return found
