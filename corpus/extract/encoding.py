"""The encoding of a page by evidence: byte order mark, escape sequences, valid UTF-8, header, meta, and the bytes."""

from __future__ import annotations

import codecs
import re
from typing import Final

__all__ = ["decode"]

_META: Final = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
# Names of the web mapped to the superset that pages under that name really use.
_SUPERSETS: Final = (
    dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j", "ms932"), "cp932")
    | dict.fromkeys(("iso-8859-1", "latin-1", "latin1", "ascii", "us-ascii"), "cp1252")
    | dict.fromkeys(("x-euc-jp", "x-euc", "eucjp", "euc"), "euc_jp")
)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD: Final = 4096  # bytes searched for a declaration, twice what HTML asks for
_ESCAPES: Final = re.compile(rb"\x1b(?:\$[@B(]|\([JI])")
_SAMPLE: Final = 60_000  # bytes that the choice is made by
_KANA: Final = re.compile("[\u3041-\u30fe、。「」]")
_HALF: Final = re.compile("[\uff61-\uff9f\ue000-\uf8ff\ufffd\x80-\x9f]")
_WIDE: Final = re.compile("[^\x00-\x7f]")
_LATIN: Final = re.compile("[\u00c0-\u00ff\u2010-\u2022\u00a0-\u00bb]")


def decode(data: bytes, content_type: str = "") -> tuple[str, str]:
    """(text, encoding) of a page; never raises, undecodable bytes become U+FFFD.

    Bytes that are valid UTF-8 are UTF-8 whatever a stale declaration says: longer cp932 or EUC-JP text never is. Else
    the header's encoding, the page's own and those of Japanese are tried on the bytes, and the text that looks most
    like one wins, so that a lying declaration loses: kana speak for an encoding, half-width katakana and undecodable
    bytes (EUC-JP read as cp932, and the other way round) against it.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    wide = _utf16_without_mark(data)
    if wide:
        return data.decode(wide, "replace"), wide
    if _ESCAPES.search(data):
        return _escaped(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    candidates = list(dict.fromkeys((*_declared(data, content_type), "utf-8", "cp932", "euc_jp", "cp1252")))
    sample = data[:_SAMPLE]
    scores = [(_score(sample, name), -place) for place, name in enumerate(candidates)]
    best = candidates[-max(scores)[1]]
    return data.decode(best, "replace"), best


def _score(sample: bytes, name: str) -> float:
    """How much bytes look like text in an encoding: 1 for plain Japanese, 0 and less for garbage."""
    text = sample.decode(name, "replace")
    wide = len(_WIDE.findall(text))
    if not wide:
        return 0.5
    bad = len(_HALF.findall(text))
    if name == "cp1252":  # reads any bytes; believed where accents stand alone in Latin text
        letters = len(_LATIN.findall(text))
        return 0.3 * (letters - 2 * bad) / wide if wide < 0.1 * len(text) else -1.0
    return (0.2 * wide + len(_KANA.findall(text)) - 3 * bad) / wide


def _utf16_without_mark(data: bytes) -> str:
    head = data[:2000]
    odd, even = head[1::2].count(0), head[::2].count(0)
    if odd > len(head) / 40 and even < odd / 10:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) / 40 and odd < even / 10 else ""


def _escaped(data: bytes) -> tuple[str, str]:
    """ISO-2022-JP in the variant that leaves the fewest undecodable bytes."""
    attempts = [(data.decode(name, "replace"), name) for name in ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_3")]
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
