"""The quick reader of structure finds what pypdf finds, and refuses what is out of the ordinary."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_samples import Text, make
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    BooleanObject,
    ByteStringObject,
    FloatObject,
    NullObject,
    NumberObject,
    TextStringObject,
    read_object,
)

from corpus.extract import extract
from corpus.extract.pdf.borrowed import as_pypdf, words
from corpus.extract.pdf.facts import look
from corpus.extract.pdf.structure import Structure
from corpus.extract.pdf.syntax import OddSyntaxError, parse

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


def same(own: Any, other: Any) -> bool:
    """Whether a value of ours is the one of pypdf; lists of numbers within lists may be passed over."""
    return str(as_pypdf(own)) == str(other)


@pytest.mark.parametrize("predictor", [1, 12])
def test_as_pypdf(predictor: int) -> None:
    """Objects are those of pypdf, whichever way the table is packed."""
    data = packed(predictor, holes=50)
    expected = PdfReader(io.BytesIO(data))
    pages = Structure(data).pages()
    assert len(pages) == 1
    for name in ("/Type", "/MediaBox"):
        assert same(pages[0][name], expected.pages[0].raw_get(name))
    assert pages[0]["/Contents"].get_object().get_data() == SHOW
    assert pages[0]["/Resources"]["/Font"]["/F1"].get_object() == {
        "/Type": "/Font",
        "/Subtype": "/Type1",
        "/BaseFont": "/Helvetica",
    }
    assert extract(data, url="").text == "The rotor was tested at four speeds."
    assert look(data)[1] is None  # pypdf was not asked


def test_odd_table() -> None:
    """A table packed in another way is left to pypdf, and the text is the same."""
    data = packed(10, holes=50)
    with pytest.raises(OddSyntaxError):
        Structure(data)
    assert extract(data, url="").text == "The rotor was tested at four speeds."


@pytest.mark.parametrize("how", ["AES-256", "AES-256-R5", "AES-128", "RC4-128", "RC4-40"])
def test_encrypted(how: str) -> None:
    """A file with an empty user password is opened as pypdf opens it; one that has another is refused."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(packed(1))))
    writer.add_metadata({"/Title": "速度の試験"})
    plain = io.BytesIO()
    writer.encrypt("", "owner", algorithm=how)
    writer.write(plain)
    structure = Structure(plain.getvalue())
    assert structure.pages()[0]["/Contents"].get_object().get_data().strip() == SHOW
    assert words(structure.title()) == "速度の試験"
    closed = io.BytesIO()
    writer.encrypt("user", "owner", algorithm=how)
    writer.write(closed)
    with pytest.raises(OddSyntaxError):
        Structure(closed.getvalue())
    assert extract(closed.getvalue(), url="").outcome == "encrypted"


def test_hidden_objects() -> None:
    """What an office program lists as free for old readers, and gives in a table that the trailer names, is found."""
    data = packed(1)
    place = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    whole = data[: data.rindex(b"startxref")]
    at = len(whole)
    free = b"".join(b"%010d %05d f \n" % (0, 0) for _ in range(8))
    whole += (
        b"xref\n0 8\n" + free + b"trailer\n<< /Size 8 /Root 1 0 R /XRefStm %d >>\nstartxref\n%d\n%%%%EOF" % (place, at)
    )
    assert Structure(whole).pages()[0]["/Contents"].get_object().get_data() == SHOW


@pytest.mark.parametrize(
    "raw",
    [
        b"<< /A 1 0 R /B [ 1 (x\\)y) /N#20x ] % words\n /C << /D <48 69 2> >> /E -.5 /F true /G null >>",
        b"[ 1 2.5 -3 ]",
        b"(a\\101(b)\\\nc)",
        b"[[1 0 R] /X]",
    ],
)
def test_values(raw: bytes) -> None:
    """Values are those that pypdf reads."""
    reader = PdfReader(io.BytesIO(packed(1)))
    expected = read_object(io.BytesIO(raw + b" "), reader)
    value, end = parse(raw, 0, lambda number, _: reader.get_object(number))
    assert end == len(raw)
    assert flat(value) == flat(expected)


def flat(value: Any) -> Any:
    """A value without the classes of its reader."""
    if hasattr(value, "idnum"):
        return (int(value.idnum), int(value.generation))
    if isinstance(value, dict):
        return {str(name): flat(value.raw_get(name)) for name in value}
    if isinstance(value, list):
        return [flat(part) for part in value]
    if isinstance(value, (ByteStringObject, TextStringObject)):
        return value.original_bytes
    if isinstance(value, (BooleanObject, NullObject)):
        return getattr(value, "value", None)
    return float(value) if type(value) in (int, NumberObject, FloatObject) else value


@pytest.mark.parametrize(
    "raw",
    [b"<< /A 1 /A 2 >>", b"<< /A 1", b"[1 2", b"[" * 100 + b"]" * 100, b"(a", b"<4g>", b"foo", b"", b">>", b"--1"],
)
def test_refused(raw: bytes) -> None:
    """What is no value, or nested without end, is refused."""
    with pytest.raises(OddSyntaxError):
        parse(raw, 0, lambda *_: None)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes(raw: bytes, at: int) -> None:
    """No bytes make the reader fail in another way, or go on for ever."""
    with suppress(OddSyntaxError):
        parse(b"<< /A [ 1 (" + raw + b") >> ] >>", at, lambda *_: None)


@pytest.mark.parametrize(("old", "new"), [(b"/Count 1", b"/Count 2"), (b"/Kids [", b"/Kids [2 0 R ")])
def test_wrong_tree(old: bytes, new: bytes) -> None:
    """A page tree that is not what it says, or stands in itself, is refused."""
    data = make([[Text(50, 700, "The rotor was tested at four speeds.")]])
    assert old in data
    Structure(data).pages()
    with pytest.raises(OddSyntaxError):
        Structure(data.replace(old, new)).pages()
