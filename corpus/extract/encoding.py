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
_SWITCH: Final = re.compile(rb"\x1b(\$[@B]|\$\(D|\([BJI])")
_HIGH: Final = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))
_PAIR: Final = re.compile(rb"[\xa1-\xfe]{2}")
_ROMAN: Final = {0x5C: "\u00a5", 0x7E: "\u203e"}  # JIS X 0201 has the signs of yen and overline there
_SAMPLE: Final = 60_000  # bytes that the choice is made by
_STRETCH: Final = re.compile(rb"[\x80-\xff](?:[\x00-\x7f]{0,511}[\x80-\xff]){0,2000}")
_AROUND: Final = 256  # bytes of ASCII kept at either side of a stretch
_JAPANESE: Final = ("cp932", "euc_jp")
_KANA: Final = re.compile("[\u3041-\u30fe、。「」]")
_BAD: Final = re.compile("[\ue000-\uf8ff\ufffd\x80-\x9f]")
_HALF: Final = re.compile("[\uff61-\uff9f]")
_VOICED: Final = re.compile("(?<=[ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<=[ﾊ-ﾎ])ﾟ")
_UNVOICED: Final = re.compile("(?<![ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<![ﾊ-ﾎ])ﾟ")
_BOX: Final = re.compile(r"([\uff71-\uff9f])\1{3,}|(?<=\s)[ｳｺ](?=\s)")  # the lines of tables drawn in DOS
_DECLARED: Final = 0.15  # what the word of a page counts, where its bytes do not belie it
_WIDE: Final = re.compile("[^\x00-\x7f]")
_LATIN: Final = re.compile("[\u00c0-\u00ff\u2010-\u2026\u20ac\u2122\u00a0-\u00bb]")
_RUN: Final = re.compile("[^\x00-\x7f\xa0]{4,}")  # in Latin text nothing but rules and rows of dots


def decode(data: bytes, content_type: str = "") -> tuple[str, str]:
    """(text, encoding) of a page; never raises, undecodable bytes become U+FFFD.

    Bytes that are valid UTF-8 are UTF-8 whatever a stale declaration says: longer cp932 or EUC-JP text never is. Else
    the header's encoding, the page's own and those of Japanese are tried on the bytes, and the text that looks most
    like one wins, so that a lying declaration loses: kana speak for an encoding, undecodable bytes (EUC-JP read as
    cp932, and the other way round) against it. EUC-JP and ISO-2022-JP are what the web means by them, with the rows
    that NEC added.
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
    best = _best(_sample(data), _declared(data, content_type))
    return data.decode(best, _errors(best)), best


def _best(sample: bytes, declared: list[str]) -> str:
    """The encoding that makes the most of a sample; of equals the one that was declared, then the first."""
    candidates = list(dict.fromkeys((*declared, "utf-8", *_JAPANESE, "cp1252")))
    texts = {name: _decoded(sample, name) for name in candidates}
    valid = {name for name, text in texts.items() if "\ufffd" not in text}
    if any(name in valid for name in declared if name in _JAPANESE) and "cp1252" not in declared:
        candidates.remove("cp1252")
    scores = []
    for place, name in enumerate(candidates):
        believed = _DECLARED if name in declared and name in valid and name != "cp1252" else 0.0
        rivals = name in _JAPANESE and any(other in valid for other in _JAPANESE if other != name)
        scores.append((_score(texts[name], name, rivals=rivals) + believed, -place))
    return candidates[-max(scores)[1]]


def _sample(data: bytes) -> bytes:
    """The stretches with other bytes than ASCII and a little around them: scripts and style sheets say nothing."""
    parts: list[bytes] = []
    size = end = 0
    for match in _STRETCH.finditer(data):
        start, end = max(end, match.start() - _AROUND), match.end() + _AROUND
        parts.append(data[start:end])
        size += len(parts[-1])
        if size >= _SAMPLE:
            break
    return b"".join(parts)[:_SAMPLE]


def _errors(name: str) -> str:
    return _NEC_ROWS if name == "euc_jp" else "replace"


def _decoded(sample: bytes, name: str) -> str:
    """The text of a sample, which may end inside a character."""
    return codecs.getincrementaldecoder(name)(_errors(name)).decode(sample)


def _score(text: str, name: str, *, rivals: bool) -> float:
    """How much bytes read in an encoding look like text: 1 for plain Japanese, 0 and less for garbage.

    `rivals`: another encoding of Japanese reads the bytes, too. Then half-width katakana may be the halves of kanji,
    and the voiced marks among them tell, which stand below certain kana only.
    """
    wide = len(_WIDE.findall(text))
    if not wide:
        return 0.5
    bad = len(_BAD.findall(text))
    if name == "cp1252":  # reads any bytes; believed where accents stand alone in Latin text
        letters = len(_LATIN.findall(text))
        bad += sum(len(run) for run in _RUN.findall(text) if len(set(run)) > 2)
        return 0.3 * (letters - 2 * bad) / wide if wide < 0.1 * len(text) else -1.0
    bad += sum(len(line[0]) for line in _BOX.finditer(text))
    points = 0.2 * wide + len(_KANA.findall(text)) - 3 * bad
    if rivals:
        half, voiced, garbage = (len(sign.findall(text)) for sign in (_HALF, _VOICED, _UNVOICED))
        points += 3 * voiced - garbage - 0.1 * half
    return points / wide


def _nec_rows(error: UnicodeError) -> tuple[str, int]:
    """Two bytes that Python's EUC-JP does not know as the character that cp932 has at their row and cell.

    Row 13 (①, Ⅲ, ㈱) and rows 89 to 92 are part of EUC-JP on the web. What no table has takes two bytes all the same,
    so that the next ones stay pairs.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if len(pair) < 2 or not all(0xA1 <= byte <= 0xFE for byte in pair):
        return "\ufffd", error.start + 1
    row, cell = pair[0] - 0xA1, pair[1] - 0xA1
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = cell + 0x9F if row % 2 else cell + (0x40 if cell < 63 else 0x41)
    text = bytes((lead, trail)).decode("cp932", "replace")
    return text if len(text) == 1 else "\ufffd", error.start + 2


_NEC_ROWS: Final = "hakusho.nec_rows"
codecs.register_error(_NEC_ROWS, _nec_rows)


def _utf16_without_mark(data: bytes) -> str:
    head = data[:2000]
    odd, even = head[1::2].count(0), head[::2].count(0)
    if odd > len(head) / 40 and even < odd / 10:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) / 40 and odd < even / 10 else ""


def _escaped(data: bytes) -> tuple[str, str]:
    """ISO-2022-JP as the web means it, or the variant of JIS X 0213 where that leaves fewer undecodable bytes."""
    attempts = [(_iso2022(data), "iso2022_jp"), (data.decode("iso2022_jp_3", "replace"), "iso2022_jp_3")]
    return min(attempts, key=lambda attempt: attempt[0].count("\ufffd"))


def _iso2022(data: bytes) -> str:
    """Python's ISO-2022-JP, and the rows that NEC added, JIS X 0212 and half-width katakana, which mail and pages hold.

    The pairs of bytes are those of EUC-JP without their high bits.
    """
    first, *rest = _SWITCH.split(data)
    out = [first.decode("ascii", "replace")]
    for switch, part in zip(rest[::2], rest[1::2], strict=True):
        if switch[:1] == b"$":
            pairs = part.translate(_HIGH)
            out.append((_PAIR.sub(b"\x8f\\g<0>", pairs) if switch == b"$(D" else pairs).decode("euc_jp", _NEC_ROWS))
        elif switch == b"(I":
            out.append(part.translate(_HIGH).decode("cp932", "replace"))
        else:
            text = part.decode("ascii", "replace")
            out.append(text.translate(_ROMAN) if switch == b"(J" else text)
    return "".join(out).replace("\x1b", "\ufffd")  # a set of characters that is none of these


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
