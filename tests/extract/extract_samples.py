"""Small documents of our own making, in the real formats of the sources."""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

_FOLDER = Path(__file__).parent / "samples"


def _sample(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


LAW = _sample("law.xml")
PACKINS = _sample("packins.xml")
WHITE_PAPER = _sample("white_paper.html")
OLD_WHITE_PAPER = _sample("old_white_paper.html")  # the site serves it in Shift_JIS
WIKI_PAGE = _sample("wiki.html")
WIKITEXT = _sample("article.wikitext")


def make_pdf(pages: list[list[str]], *, japanese: bool = False, title: str = "") -> bytes:
    """A text PDF, a list of lines a page: Helvetica, or a CID font with the predefined CMap 90ms-RKSJ-H."""
    code = "cp932" if japanese else "latin-1"
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Mincho /Encoding /90ms-RKSJ-H /DescendantFonts [4 0 R] >>"
        if japanese
        else b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    )
    descendant = (
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Mincho /DW 1000 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> "
        b"/FontDescriptor << /Type /FontDescriptor /FontName /Mincho /Flags 4 /FontBBox [0 -120 1000 880] "
        b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >>"
    )
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", font, descendant, f"<< /Title ({title}) >>".encode()]
    kids = []
    for lines in pages:
        shown = b"\n".join(b"<%s> Tj T*" % line.encode(code).hex().encode() for line in lines)
        content = zlib.compress(b"BT /F1 11 Tf 14 TL 50 790 Td\n%s\nET" % shown)
        objects.append(b"<< /Length %d /Filter /FlateDecode >> stream\n%s\nendstream" % (len(content), content))
        box = b"/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R %s >>" % (len(objects), box))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return (
        out
        + head
        + b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    )


def make_zip(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), body)
    return out.getvalue()


def make_dump(pages: list[tuple[str, int, str]]) -> bytes:
    """Export XML of (title, namespace, wikitext)."""
    body = "".join(
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n"
        + (f'    <redirect title="{escape(title)}の先" />\n' if text.startswith("#転送") else "")
        + f"    <revision>\n      <id>{number + 500}</id>\n      <timestamp>2026-01-02T03:04:05Z</timestamp>\n"
        f'      <text bytes="{len(text)}" xml:space="preserve">{escape(text)}</text>\n    </revision>\n  </page>\n'
        for number, (title, ns, text) in enumerate(pages, 1)
    )
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja">\n  <siteinfo/>\n'
    return f"{head}{body}</mediawiki>\n".encode()


def cpu_seconds(read: Callable[[], object]) -> float:
    """Processor time that reading a document takes."""
    start = time.process_time()
    read()
    return time.process_time() - start
