"""PDFs that mean harm: bombs, loops, nesting, wrong tables. Each is small and made when it is asked for."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from pdf_samples import Builder, Text, make, stream

__all__ = ["hostile"]

_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_SHOW = b"BT /F1 10 Tf 50 700 Td (The rotor was tested at four speeds.) Tj ET\n"
_MIB = 2**20


def _zeros(mib: int, fill: bytes = b" ") -> bytes:
    """Packed blanks: one packed piece over and over (the checksum at the end is wrong; nobody should get there)."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(fill * _MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + piece * mib + packer.flush()


def _page(content: bytes, *, resources: bytes = b"", page: bytes = b"", more: tuple[bytes, ...] = ()) -> bytes:
    """One page; `content` is a whole stream object, numbered 5; `more` objects are numbered from 6."""
    box = b"" if b"/MediaBox" in page else b"/MediaBox [0 0 595 842]"
    fonts = b"" if b"/Font" in resources else b"/Font << /F1 4 0 R >>"
    builder = Builder(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R %s /Contents 5 0 R /Resources << %s %s >> %s >>"
            % (box, fonts, resources, page),
            _FONT,
            content,
            *more,
        ]
    )
    return builder.file(1, builder.add(b"<< /Producer (Hakusho tests) >>"))


def _raw(data: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    return b"<< /Length %d /Filter %s >>\nstream\n%s\nendstream" % (len(data), filters, data)


def _bomb_content(mib: int) -> bytes:
    return _page(_raw(_zeros(mib)))


def _bomb_twice(mib: int) -> bytes:
    """A few kilobytes: packed twice."""
    return _page(_raw(zlib.compress(_zeros(mib), 9), b"[/FlateDecode /FlateDecode]"))


def _bomb_many(mib: int) -> bytes:
    """Fifty streams of one page, each within limits."""
    some = _raw(_zeros(mib // 30))
    places = b" ".join(b"%d 0 R" % (6 + n) for n in range(50))
    whole = _page(stream(_SHOW), more=(some,) * 50)
    return whole.replace(b"/Contents 5 0 R", b"/Contents [" + places + b"]")


def _bomb_font(mib: int) -> bytes:
    fonts = (
        b"/Font << /F1 << /Type /Font /Subtype /TrueType /BaseFont /A /FirstChar 32 /LastChar 32 /Widths [500] "
        b"/FontDescriptor 6 0 R >> >>"
    )
    descriptor = b"<< /Type /FontDescriptor /FontName /A /Flags 4 /FontFile2 7 0 R >>"
    return _page(stream(_SHOW), resources=fonts, more=(descriptor, _raw(_zeros(mib, b"\0"))))


def _bomb_table(table: bytes) -> bytes:
    """A font whose table of characters is the one given."""
    fonts = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >> >>"
    return _page(stream(_SHOW), resources=fonts, more=(table,))


def _wide_range() -> bytes:
    head = b"1 begincodespacerange\n<00000000> <ffffffff>\nendcodespacerange\n"
    return _bomb_table(stream(head + b"1 beginbfrange\n<00000000> <ffffffff> <0041>\nendbfrange\n" * 100))


def _bomb_letter(mib: int) -> bytes:
    """A font whose letters are drawings (Type 3), one of them a bomb."""
    fonts = (
        b"/Font << /F1 << /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [.1 0 0 .1 0 0] /FirstChar 84 "
        b"/LastChar 84 /Widths [9] /CharProcs << /T 6 0 R >> /Encoding << /Differences [84 /T] >> >> >>"
    )
    return _page(stream(_SHOW), resources=fonts, more=(_raw(_zeros(mib)),))


def _bomb_colours(mib: int) -> bytes:
    """A colour profile, which is no text, that is a bomb."""
    space = b"/ColorSpace << /C [/ICCBased 6 0 R] >>"
    profile = _raw(_zeros(mib)).replace(b"<< ", b"<< /N 3 ", 1)
    return _page(stream(b"/C cs 0 0 0 sc\n" + _SHOW), resources=space, more=(profile,))


def _bomb_shades(mib: int) -> bytes:
    """A shading whose function is a bomb."""
    shades = b"/Shading << /S << /ShadingType 1 /ColorSpace /DeviceRGB /Function 6 0 R >> >>"
    function = _raw(_zeros(mib)).replace(
        b"<< ", b"<< /FunctionType 0 /Domain [0 1 0 1] /Range [0 1 0 1 0 1] /Size [20000 20000] /BitsPerSample 8 ", 1
    )
    return _page(stream(b"/S sh\n" + _SHOW), resources=shades, more=(function,))


def _bomb_objects(mib: int) -> bytes:
    """An object stream that unpacks to a bomb, named by a cross-reference stream."""
    body = b"%PDF-1.7\n1 0 obj\n" + b"<< /Type /ObjStm /N 2 /First 8 /Length 0 /Filter /FlateDecode >>\nstream\n"
    start = len(b"%PDF-1.7\n")
    data = body + _zeros(mib) + b"\nendstream\nendobj\n"
    rows = b"\0\0\0\0\0\xff" + b"\1" + start.to_bytes(4, "big") + b"\0" + b"\2\0\0\0\1\0" + b"\2\0\0\0\1\1"
    rows += b"\1" + len(data).to_bytes(4, "big") + b"\0"
    table = b"<< /Type /XRef /Size 5 /W [1 4 1] /Root 2 0 R /Length %d >>\nstream\n%s\nendstream" % (len(rows), rows)
    return data + b"4 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF" % len(data)


def _forms(depth: int, calls: int) -> bytes:
    """Forms that each call the next one many times."""
    more = []
    for level in range(depth):
        last = level == depth - 1
        content = _SHOW if last else b"/X Do\n" * calls
        below = b"" if last else b"/XObject << /X %d 0 R >>" % (7 + level)
        more.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] "
            b"/Resources << /Font << /F1 4 0 R >> %s >> /Length %d >>\n"
            b"stream\n%s\nendstream" % (below, len(content), content)
        )
    return _page(stream(b"/X Do\n" * calls), resources=b"/XObject << /X 6 0 R >>", more=tuple(more))


def _form_of_itself() -> bytes:
    form = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >> /Length 12 >>\n"
        b"stream\n/X Do /X Do \nendstream"
    )
    return _page(stream(_SHOW + b"/X Do\n"), resources=b"/XObject << /X 6 0 R >>", more=(form,))


def _page_loop() -> bytes:
    return _page(stream(_SHOW)).replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")


def _page_tree(depth: int) -> bytes:
    """Page tree nodes below each other."""
    nodes = [
        b"<< /Type /Pages /Parent %d 0 R /Count 1 /Kids [%d 0 R] >>"
        % (5 + n if n else 2, 7 + n if n < depth - 1 else 3)
        for n in range(depth)
    ]
    return _page(stream(_SHOW), more=tuple(nodes)).replace(b"/Kids [3 0 R]", b"/Kids [6 0 R]")


def _many_pages() -> bytes:
    return _page(stream(_SHOW)).replace(b"/Count 1", b"/Count 2000000000")


def _same_page(times: int) -> bytes:
    """One page that stands many times in the tree."""
    return _page(stream(_SHOW)).replace(b"/Count 1 /Kids [3 0 R]", b"/Count %d /Kids [%s]" % (times, b"3 0 R " * times))


def _nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return _page(stream(_SHOW), page=b"/Extra " + opening * depth + b" 1 " + closing * depth)


def _operators(many: int) -> bytes:
    return _page(stream(b"0 0 m\n" * many))


def _letters(many: int) -> bytes:
    """Letters in one string, all in one place."""
    return _page(stream(b"BT /F1 1 Tf 50 700 Td 0 Tz (" + b"x" * many + b") Tj ET"))


def _scattered(many: int) -> bytes:
    """Words without any order."""
    words = [b"1 0 0 1 %d %d Tm (w%d) Tj" % (n * 7919 % 560, n * 104_729 % 800, n) for n in range(many)]
    return _page(stream(b"BT /F1 2 Tf " + b"\n".join(words) + b" ET"))


def _upward(many: int) -> bytes:
    """Lines drawn from the bottom to the top, each above the one before."""
    lines = [b"1 0 0 1 50 %.2f Tm (line of words %d of it) Tj" % (n * 800 / many, n) for n in range(many)]
    return _page(stream(b"BT /F1 1 Tf " + b"\n".join(lines) + b" ET"))


def _dots(many: int) -> bytes:
    """Lines of dots, blanks and digits, on which a careless pattern takes for ever."""
    lines = [b"1 0 0 1 50 %d Tm (%s) Tj" % (n, b". " * many + b"- 1 x") for n in range(100, 800, 14)]
    return _page(stream(b"BT /F1 1 Tf " + b"\n".join(lines) + b" ET"))


def _numbers() -> bytes:
    words = b" ".join([b"1e400 0 0 -1e400 1e38 nan Tm (a) Tj 99999999999999999999 0 Td (b) Tj"] * 300)
    return _page(stream(b"BT /F1 1e30 Tf " + words + b" ET"), page=b"/MediaBox [0 0 1e30 -1e30]")


def _filters(many: int) -> bytes:
    return _page(_raw(b"00>", b"[" + b"/ASCIIHexDecode " * many + b"]"))


def _fonts(many: int) -> bytes:
    names = b" ".join(b"/F%d << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>" % n for n in range(many))
    return _page(stream(_SHOW), resources=b"/Font << " + names + b" >>")


def _previous() -> bytes:
    """A trailer whose table before is itself."""
    data = _page(stream(_SHOW))
    place = data.rindex(b"xref\n0 ")
    return data.replace(b"trailer\n<<", b"trailer\n<< /Prev %d" % place)


def _wrong_places() -> bytes:
    """Every entry of the table is wrong, and so is its own place."""
    data = _page(stream(_SHOW))
    return data.replace(b"0000000", b"0007777").replace(b"startxref\n", b"startxref\n9")


def _wide_table() -> bytes:
    table = b"<< /Type /XRef /Size 2000000000 /W [8 8 8] /Index [0 2000000000] /Root 1 0 R /Length 24 >>"
    data = _page(stream(_SHOW))
    return (
        data[: data.rindex(b"xref\n0 ")]
        + b"9 0 obj\n"
        + table
        + b"\nstream\n"
        + b"\xff" * 24
        + (b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % data.rindex(b"xref\n0 "))
    )


def _length() -> bytes:
    return _page(stream(_SHOW)).replace(b"/Length", b"/Length 99999999999 /L", 1)


def _length_loop() -> bytes:
    """The length of a stream is the stream."""
    return _page(b"<< /Length 5 0 R >>\nstream\n" + _SHOW + b"\nendstream")


def _title_loop() -> bytes:
    data = _page(stream(_SHOW))
    return data.replace(b"/Producer (Hakusho tests)", b"/Title 6 0 R /Producer 6 0 R").replace(b"/Info 6", b"/Info 6")


def _object_loop() -> bytes:
    """An object that is a reference to itself stands where fonts are looked up."""
    return _page(stream(_SHOW), resources=b"/Font 6 0 R", more=(b"6 0 R",))


def _cut() -> bytes:
    data = make([[Text(50, 700, "The rotor was tested at four speeds.")]] * 3)
    return data[: len(data) // 2]


def hostile(share: float = 1.0) -> dict[str, Callable[[], bytes]]:
    """Every kind of harm; `share` of the whole size, for tests that must be cheap."""

    def many(count: int) -> int:
        return int(count * share)

    packed = many(1200)  # MiB
    return {
        "bomb: content": lambda: _bomb_content(packed),
        "bomb: packed twice": lambda: _bomb_twice(packed),
        "bomb: fifty streams within limits": lambda: _bomb_many(packed),
        "bomb: font": lambda: _bomb_font(packed),
        "bomb: letter of a Type 3 font": lambda: _bomb_letter(packed),
        "bomb: colour profile": lambda: _bomb_colours(packed),
        "bomb: function of a shading": lambda: _bomb_shades(packed),
        "bomb: object stream": lambda: _bomb_objects(packed),
        "bomb: ToUnicode": lambda: _bomb_table(_raw(_zeros(packed))),
        "ToUnicode of four thousand million characters": _wide_range,
        "forms ten times ten times ten": lambda: _forms(12, 10),
        "forms a thousand deep": lambda: _forms(1000, 1),
        "forms twice forty times": lambda: _forms(40, 2),
        "form of itself": _form_of_itself,
        "page tree of itself": _page_loop,
        "page tree of many levels": lambda: _page_tree(many(5000)),
        "two thousand million pages": _many_pages,
        "one page over and over": lambda: _same_page(many(20_000)),
        "arrays in arrays": lambda: _nested(b"[", b"]", many(100_000)),
        "dictionaries in dictionaries": lambda: _nested(b"<</A", b">>", many(100_000)),
        "millions of operators": lambda: _operators(many(5_000_000)),
        "a million letters in one place": lambda: _letters(many(1_000_000)),
        "words without order": lambda: _scattered(many(60_000)),
        "lines from below": lambda: _upward(many(16_000)),
        "dots without end": lambda: _dots(many(3000)),
        "numbers beyond all": _numbers,
        "thousands of filters": lambda: _filters(many(20_000)),
        "thousands of fonts": lambda: _fonts(many(50_000)),
        "table before itself": _previous,
        "wrong places": _wrong_places,
        "table of two thousand million entries": _wide_table,
        "wrong length": _length,
        "length of itself": _length_loop,
        "title of itself": _title_loop,
        "object of itself": _object_loop,
        "cut in the middle": _cut,
    }
