"""What a PDF holds and does not show: text outside the page, in hidden layers, not painted, white on white."""

from __future__ import annotations

import pytest
from pdf_samples import Builder, Text, column, japanese_codes, make, stream

from corpus.extract import extract

KANJI = "UniJIS-UCS2-H"
SHOWN = {"latin": "The committee met in the spring of the year.", KANJI: "委員会は春に開かれ、報告を決めた。"}
UNSEEN = {"latin": "Nobody sees this sentence of the file.", KANJI: "この文はだれにも見えない。"}
LAYERS = b"<< /OCGs [%d 0 R %d 0 R] /D << %s >> >>"
PICTURE = b"q 400 0 0 300 40 400 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q\n"


def shown(text: str, font: str, y: int) -> bytes:
    """The operators that show a text."""
    code = text.encode() if font == "latin" else japanese_codes(text, font)
    return b"BT /F1 10 Tf 60 %d Td <%s> Tj ET\n" % (y, code.hex().encode())


def text_of(
    font: str,
    content: bytes,
    *,
    default: bytes = b"",
    usage: bytes = b"",
    names: bytes = b"On Off",
    of: str = "A",
) -> str:
    """What comes out of a page of this content, drawn with one font; /A and /B are layers of these names.

    Its forms /X, /Y and /Z show the sentence that is not to be seen: marked as of layer B, in the layer named, in none.
    """
    file = make([[Text(0, 0, "x" if font == "latin" else "字", 1, font)]])
    begin = file.index(b"/Resources << /Font << /F0 ") + len(b"/Resources << /Font << /F0 ")
    builder = Builder([b""] * 2)
    parts = [part.partition(b" obj\n")[2] for part in file.split(b"\nendobj\n")]
    builder.objects = parts[:-1]
    one, two = (builder.add(b"<< /Type /OCG /Name (%s) %s >>" % (name, usage)) for name in names.split())
    number = int(file[begin:].split()[0])
    inner = b"<< /Font << /F1 %d 0 R >> /Properties << /A %d 0 R /B %d 0 R >> >>" % (number, one, two)
    text = shown(UNSEEN[font], font, 500)
    marked = builder.add(form(b"/OC /B BDC " + text + b"EMC", inner))
    layered = builder.add(form(text, inner, b"/OC %d 0 R" % {"A": one, "B": two}[of]))
    free = builder.add(form(text, inner))
    page = builder.add(
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources "
        b"<< /Font << /F1 %d 0 R >> /Properties << /A %d 0 R /B %d 0 R >> "
        b"/XObject << /X %d 0 R /Y %d 0 R /Z %d 0 R >> >> >>"
        % (builder.add(stream(content)), number, one, two, marked, layered, free)
    )
    builder.objects[0] = b"<< /Type /Catalog /Pages 2 0 R /OCProperties %s >>" % (
        LAYERS % (one, two, default.replace(b"@A", b"%d 0 R" % one).replace(b"@B", b"%d 0 R" % two))
    )
    builder.objects[1] = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % page
    done = extract(builder.file(1, builder.add(b"<< >>")), url="")
    assert done.outcome == "ok"
    return done.text


def form(content: bytes, resources: bytes, more: bytes = b"") -> bytes:
    """A form of this content."""
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] %s /Resources %s" % (more, resources))


@pytest.mark.parametrize("font", ["latin", KANJI])
@pytest.mark.parametrize(
    ("default", "usage", "names", "hidden"),
    [
        (b"/OFF [@B]", b"", b"On Off", True),
        (b"/BaseState /OFF /ON [@A]", b"", b"On Off", True),
        (b"/ON [@A @B]", b"", b"On Off", False),
        (b"/OFF [@B]", b"", b"Same Same", False),
        (
            b"/OFF [@B] /AS [<< /Event /View /OCGs [@B] >>]",
            b"/Usage << /View << /ViewState /ON >> >>",
            b"On Off",
            False,
        ),
    ],
)
def test_hidden_layers(font: str, default: bytes, usage: bytes, names: bytes, hidden: bool) -> None:
    """Text of a layer that is off is not read, unless a use of the file shows it, or another layer has its name."""
    layer = b"/OC /A BDC " + shown(SHOWN[font], font, 700) + b"EMC\n/OC /B BDC "
    for content in (layer + shown(UNSEEN[font], font, 500) + b"EMC", layer + b"EMC /X Do"):
        found = text_of(font, content, default=default, usage=usage, names=names)
        assert SHOWN[font] in found
        assert (UNSEEN[font] not in found) is hidden


@pytest.mark.parametrize("font", ["latin", KANJI])
@pytest.mark.parametrize("mode", [b"3", b"7", b"0", b"2"])
def test_text_that_is_not_painted(font: str, mode: bytes) -> None:
    """Text without paint is not read, unless a picture lies under it, as in a scan."""
    visible, other = shown(SHOWN[font], font, 300), mode + b" Tr " + shown(UNSEEN[font], font, 500)
    bare, over = text_of(font, visible + other), text_of(font, PICTURE + visible + other)
    assert SHOWN[font] in bare
    assert (UNSEEN[font] in bare) is (mode in (b"0", b"2"))
    assert UNSEEN[font] in over


@pytest.mark.parametrize("font", ["latin", KANJI])
@pytest.mark.parametrize(("layer", "hidden"), [("A", False), ("B", True)])
def test_form_of_a_hidden_layer(font: str, layer: str, hidden: bool) -> None:
    """A form of a layer that is off, a watermark say, is not read; the others of its page are."""
    content = shown(SHOWN[font], font, 700) + b"/Y Do q 1 0 0 1 0 -200 cm /Z Do Q "
    found = text_of(font, content, default=b"/OFF [@B]", of=layer)
    assert SHOWN[font] in found
    assert found.count(UNSEEN[font]) == (1 if hidden else 2)


def test_unpainted_text_beside_a_picture() -> None:
    """A picture elsewhere on the page makes no unpainted text visible."""
    content = PICTURE + shown(SHOWN["latin"], "latin", 500) + b"3 Tr " + shown(UNSEEN["latin"], "latin", 200)
    assert text_of("latin", content) == SHOWN["latin"]


@pytest.mark.parametrize(
    ("font", "turn"),
    [*((font, turn) for font in SHOWN for turn in (b"", b"/Rotate 90", b"/Rotate 270")), ("latin", b"/Rotate 180")],
)
def test_outside_the_page(font: str, turn: bytes) -> None:
    """Only what lies within the box that the page shows is read; where that is nothing, the box is wrong."""
    page = [
        *column([SHOWN[font]], 60, 700, font=font),
        *column([UNSEEN[font]], 60, 100, font=font),
        Text(60, 2000, UNSEEN[font], 10, font),
    ]
    box = b"/CropBox [10 400 590 840] "
    assert extract(make([page], more=box + turn), url="").text == SHOWN[font]
    assert UNSEEN[font] in extract(make([page[1:]], more=box + turn), url="").text
    whole = extract(make([page], more=turn), url="").text
    assert SHOWN[font] in whole
    assert whole.count(UNSEEN[font]) == 1


def test_number_of_a_page_with_margins_cut_off() -> None:
    """Heads and numbers stand at the edge of what is shown, not of the whole sheet."""
    pages = [
        [
            Text(100, 690, "Handbook of plants", 8),
            *column([f"Part {word} of it has a text.", f"It is {word} and so on."], 100, 600),
        ]
        for word in ("one", "two", "six", "ten", "five")
    ]
    found = extract(make(pages, more=b"/CropBox [60 100 500 715]"), url="").text
    assert "Handbook" not in found


WHITES = (b"1 1 1 rg ", b"1 g ", b"0 0 0 0 k ")


@pytest.mark.parametrize("white", WHITES)
@pytest.mark.parametrize(
    ("under", "seen"),
    [
        (b"", False),
        (b"0.1 0.2 0.5 rg 40 480 400 40 re f ", True),
        (b"0 0 0 1 k 40 480 400 40 re f ", True),
        (b"0.1 g 40 280 400 40 re f ", False),
        (PICTURE, True),
        (b"q 40 480 400 40 re W n /Z sh Q 40 480 400 40 re S ", True),
    ],
)
def test_white_text(white: bytes, under: bytes, seen: bool) -> None:
    """White text on the bare paper is not read; on a bar, a picture or whatever else it is."""
    text = text_of(
        "latin", under + b"0 g " + shown(SHOWN["latin"], "latin", 700) + white + shown(UNSEEN["latin"], "latin", 500)
    )
    assert SHOWN["latin"] in text
    assert (UNSEEN["latin"] in text) is seen


def test_white_sign_on_a_letter() -> None:
    """A white numeral on a disc that is itself a letter is read."""
    content = (
        shown(SHOWN["latin"], "latin", 700)
        + b"0 g BT /F1 30 Tf 60 490 Td (O) Tj ET 1 g BT /F1 8 Tf 68 496 Td (7) Tj ET"
    )
    assert "7" in text_of("latin", content)


def test_black_text_after_white() -> None:
    """Text that takes its own colour after a white ground is read."""
    content = (
        b"1 1 1 rg 0 0 595 842 re f 0 g "
        + shown(SHOWN["latin"], "latin", 700)
        + b"1 g 0.2 g "
        + shown(UNSEEN["latin"], "latin", 500)
    )
    assert UNSEEN["latin"] in text_of("latin", content)
