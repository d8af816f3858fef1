"""A deterministic PDF writer: Helvetica for English, an unembedded CID font with a ToUnicode map for Japanese.

Structure by ISO 32000-1: a content stream a page, the classic cross-reference table, a file identifier made of the
content.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

_LEADING, _TOP, _LEFT = 16, 790, 60


def wrap(text: str, width: int) -> list[str]:
    """Break paragraphs into lines of at most `width` characters: at blanks, or anywhere in text without blanks."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        words = (
            paragraph.split(" ")
            if paragraph.isascii()
            else [paragraph[i : i + width] for i in range(0, len(paragraph), width)]
        )
        line = ""
        for word in words:
            if line and (not paragraph.isascii() or len(line) + 1 + len(word) > width):
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def pages(lines: Sequence[str], *, rows: int = 44, head: str = "") -> list[list[str]]:
    """Cut lines into pages of `rows`; each page gets the running head and its number, as printed reports do."""
    cut = [list(lines[i : i + rows]) for i in range(0, len(lines), rows)] or [[]]
    return [([f"{head}    {n}", ""] if head else []) + page for n, page in enumerate(cut, 1)]


def write(sheets: Sequence[Sequence[str]], *, title: str, japanese: bool = False) -> bytes:
    """Make a PDF of the given pages of lines; the same input gives the same bytes."""
    font = (
        _japanese_font(sorted({c for sheet in sheets for line in sheet for c in line}))
        if japanese
        else [b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    )
    info = b"<< /Title <feff" + title.encode("utf-16-be").hex().encode() + b"> /Producer (Hakusho miniature) >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", info, *font]
    kids = []
    for sheet in sheets:
        content = zlib.compress(_content(sheet, japanese), 9)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 4 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    return _assemble(objects)


def _content(lines: Sequence[str], japanese: bool) -> bytes:
    code = "utf-16-be" if japanese else "cp1252"
    shown = b"\n".join(b"<%s> Tj T*" % line.encode(code).hex().encode() if line else b"T*" for line in lines)
    return b"BT /F1 %d Tf %d TL %d %d Td\n%s\nET" % (11 if japanese else 10, _LEADING, _LEFT, _TOP, shown)


def _japanese_font(characters: Sequence[str]) -> list[bytes]:
    """Objects 4 to 7: codes are UTF-16; viewers find glyphs by UniJIS-UCS2-H, readers the text by ToUnicode."""
    blocks = [characters[i : i + 100] for i in range(0, len(characters), 100)]
    maps = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(f"<{ord(c):04x}> <{ord(c):04x}>" for c in block) + "\nendbfchar"
        for block in blocks
    )
    cmap = zlib.compress(
        (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /HakushoUCS2 def\n"
            "/CMapType 2 def\n"
            f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{maps}\nendcmap\nend\nend\n"
        ).encode(),
        9,
    )
    return [
        (
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light-UniJIS-UCS2-H /Encoding /UniJIS-UCS2-H "
            b"/DescendantFonts [5 0 R] /ToUnicode 7 0 R >>"
        ),
        (
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light /DW 1000 /FontDescriptor 6 0 R "
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>"
        ),
        (
            b"<< /Type /FontDescriptor /FontName /Ryumin-Light /Flags 6 /FontBBox [-170 -331 1024 903] "
            b"/ItalicAngle 0 /Ascent 723 /Descent -241 /CapHeight 709 /StemV 69 >>"
        ),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(cmap), cmap),
    ]


def _assemble(objects: Sequence[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    name = hashlib.sha256(out).hexdigest()[:32].encode()
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 3 0 R /ID [<%s> <%s>] >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, name, name, len(out))
    )
