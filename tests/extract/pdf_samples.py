"""PDFs of our own making: text set where we want it, in every kind of Japanese font, and files that mean harm."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

__all__ = ["ENCODINGS", "Text", "column", "japanese_codes", "make", "stream"]

ENCODINGS = {
    "UniJIS-UCS2-H": "utf-16-be",
    "UniJIS-UTF16-H": "utf-16-be",
    "90ms-RKSJ-H": "cp932",
    "EUC-H": "euc_jp",
    "H": "jis",
    "Identity-H": "cid",
    "UniJIS-UCS2-V": "utf-16-be",
    "90ms-RKSJ-V": "cp932",
    "EUC-V": "euc_jp",
    "V": "jis",
    "Identity-V": "cid",
}


@dataclass(frozen=True)
class Text:
    """A string set at a place (points from the lower left), in a size, in a font of FONTS, or on its right side."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "latin"
    lying: bool = False


@dataclass
class Builder:
    """Objects of a file, numbered from 1."""

    objects: list[bytes] = field(default_factory=list)

    def add(self, body: bytes) -> int:
        """One more object; its number."""
        self.objects.append(body)
        return len(self.objects)

    def file(self, root: int, info: int) -> bytes:
        """The whole file."""
        out, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, table)
        ends = (len(places) + 1, root, info, len(out))
        return out + head + b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % ends


def stream(data: bytes, more: bytes = b"", *, packed: bool = True) -> bytes:
    """A stream object."""
    data = zlib.compress(data) if packed else data
    kind = b"/Filter /FlateDecode" if packed else b""
    return b"<< /Length %d %s %s >>\nstream\n%s\nendstream" % (len(data), kind, more, data)


@cache
def _cids() -> Mapping[str, int]:
    """CID of a character in Adobe-Japan1 (the first that has it)."""
    from pdfminer.cmapdb import CMapDB

    table = CMapDB.get_unicode_map("Adobe-Japan1").cid2unichr
    return {character: cid for cid, character in sorted(table.items(), reverse=True)}


def japanese_codes(text: str, encoding: str) -> bytes:
    """The codes of a text under a predefined CMap."""
    way = ENCODINGS[encoding]
    if way == "cid":
        return b"".join(_cids()[character].to_bytes(2, "big") for character in text)
    if way == "jis":
        return b"".join(bytes(byte & 0x7F for byte in character.encode("euc_jp")) for character in text)
    return text.encode(way)


def _font(builder: Builder, name: str) -> bytes:
    if name == "latin":
        return b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    descriptor = builder.add(
        b"<< /Type /FontDescriptor /FontName /Ryumin-Light /Flags 6 /FontBBox [-170 -331 1024 903] "
        b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 709 /StemV 69 >>"
    )
    below = builder.add(
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light /DW 1000 /FontDescriptor %d 0 R "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >> >>" % descriptor
    )
    kind = name.encode()
    return b"<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light-%s /Encoding /%s /DescendantFonts [%d 0 R] >>" % (
        kind,
        kind,
        below,
    )


def make(pages: Sequence[Sequence[Text]], *, size: tuple[int, int] = (595, 842), more: bytes = b"") -> bytes:
    """A file of these pages; `more` goes into every page dictionary."""
    builder = Builder([b"", b""])
    names = sorted({text.font for page in pages for text in page})
    fonts = {name: builder.add(_font(builder, name)) for name in names}
    resources = b" ".join(b"/F%d %d 0 R" % (names.index(name), number) for name, number in fonts.items())
    kids = []
    for page in pages:
        shown = []
        for text in page:
            code = text.text.encode("cp1252") if text.font == "latin" else japanese_codes(text.text, text.font)
            place = (b"0 -1 1 0 %.2f %.2f Tm" if text.lying else b"%.2f %.2f Td") % (text.x, text.y)
            shown.append(
                b"BT /F%d %.2f Tf %s <%s> Tj ET" % (names.index(text.font), text.size, place, code.hex().encode())
            )
        content = builder.add(stream(b"\n".join(shown)))
        kids.append(
            builder.add(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
                b"/Resources << /Font << %s >> >> %s >>" % (*size, content, resources, more)
            )
        )
    builder.objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    builder.objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % k for k in kids),
    )
    return builder.file(1, builder.add(b"<< /Producer (Hakusho tests) >>"))


def column(
    lines: Sequence[str], x: float, y: float, *, size: float = 10, leading: float = 14, font: str = "latin"
) -> list[Text]:
    """Lines one below the other, each indented by its leading ideographic spaces."""
    return [
        Text(
            x + size * (len(line) - len(line.lstrip("\u3000"))), y - leading * place, line.lstrip("\u3000"), size, font
        )
        for place, line in enumerate(lines)
        if line.strip()
    ]
