"""The quick reader of tables and object streams finds what pypdf itself finds."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from pypdf import PdfReader

from corpus.extract import extract
from corpus.extract.pdf.quick import QuickReader

OBJECTS = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
)
SHOW = b"BT /F1 10 Tf 50 700 Td (The rotor was tested at four speeds.) Tj ET"


def packed(predictor: int, *, holes: int = 0) -> bytes:
    """A file whose objects lie in an object stream (5) and whose table is a stream (7), with free entries behind."""
    places, body = [], b""
    for number, item in enumerate(OBJECTS, 1):
        places.append(b"%d %d" % (number, len(body)))
        body += item + b" "
    head = b" ".join(places) + b" "
    data, starts = b"%PDF-1.7\n", {}
    for number, kind, content in ((5, b"/Type /ObjStm /N 4 /First %d" % len(head), head + body), (6, b"", SHOW)):
        starts[number] = len(data)
        packed = zlib.compress(content)
        data += b"%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n" % (number, kind, len(packed))
        data += packed + b"\nendstream\nendobj\n"
    starts[7] = len(data)
    rows = [
        (0, 0, 255),
        *((2, 5, at) for at in range(4)),
        *((1, starts[n], 0) for n in (5, 6, 7)),
        *[(0, 0, 0)] * holes,
    ]
    plain = [bytes((kind,)) + second.to_bytes(3, "big") + bytes((third,)) for kind, second, third in rows]
    before, table = bytes(5), b""
    for row in plain:
        up = bytes((one - two) % 256 for one, two in zip(row, before, strict=True))
        table += {1: row, 10: b"\0" + row, 12: b"\2" + up}[predictor]
        before = row
    how = b"/DecodeParms << /Predictor %d /Columns 5 >>" % predictor if predictor > 1 else b""
    whole = zlib.compress(table)
    data += (
        b"7 0 obj\n<< /Type /XRef /Size %d /W [1 3 1] /Root 1 0 R /Filter /FlateDecode %s /Length %d >>\nstream\n"
        % (
            len(rows),
            how,
            len(whole),
        )
    )
    return data + whole + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % starts[7]


@pytest.mark.parametrize(("predictor", "quick"), [(1, True), (12, True), (10, False)])
def test_as_pypdf(predictor: int, quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places and objects are those of pypdf, whichever way the table is packed; an unusual one is left to pypdf."""
    data = packed(predictor, holes=50)
    expected = PdfReader(io.BytesIO(data))
    left: list[int] = []
    own = PdfReader._read_pdf15_xref_stream

    def counted(reader: PdfReader, stream: Any) -> Any:
        left.append(1)
        return own(reader, stream)

    monkeypatch.setattr(PdfReader, "_read_pdf15_xref_stream", counted)
    reader = QuickReader(io.BytesIO(data))
    assert bool(left) is not quick
    assert (reader.xref, reader.xref_objStm) == (expected.xref, expected.xref_objStm)
    assert [page.extract_text() for page in reader.pages] == [page.extract_text() for page in expected.pages]
    assert extract(data, url="").text == "The rotor was tested at four speeds."
