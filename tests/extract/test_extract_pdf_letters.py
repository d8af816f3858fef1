"""Letters of PDFs: those that a font has no Unicode for, and controls among them."""

from __future__ import annotations

import pytest
from pdf_samples import Builder, stream

from corpus.extract import Extracted, extract

WORDS = [f"The {word} part of the report treats of plants" for word in ("first", "second", "third", "fourth", "fifth")]


def read(lines: list[str], mapped: dict[str, str]) -> Extracted:
    """What comes out of a page of these lines in a font whose table maps some of its characters to others."""
    codes = "".join(f"<{ord(a):02x}> <{b.encode('utf-16-be', 'surrogatepass').hex()}>\n" for a, b in mapped.items())
    table = f"1 begincodespacerange\n<00> <ff>\nendcodespacerange\n{len(mapped)} beginbfchar\n{codes}endbfchar\n"
    shown = b"".join(b"(%s) Tj T* " % line.encode("latin-1") for line in lines)
    resources = b"<< /Font << /F1 5 0 R >> >>"
    builder = Builder(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % resources,
            stream(b"BT /F1 10 Tf 14 TL 60 700 Td " + shown + b"ET"),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 6 0 R >>",
            stream(table.encode()),
        ]
    )
    return extract(builder.file(1, builder.add(b"<< >>")), url="")


@pytest.mark.parametrize("code", [0xFFFD, 0xD800])
@pytest.mark.parametrize(("holes", "outcome"), [(3, "ok"), (5, "garbled")])
def test_holes_in_words(code: int, holes: int, outcome: str) -> None:
    """A page of which more than 2 % of the letters have no Unicode is garbled: just under and just over it."""
    text = "".join(WORDS).replace(" ", "")
    assert 3 / len(text) < 0.02 < 5 / len(text)
    lines = [line.replace("report", "rep#rt", 1) if place < holes else line for place, line in enumerate(WORDS)]
    done = read(lines, {"#": chr(code)})
    assert done.outcome == outcome
    assert (done.text.count("\ufffd") == holes) is (outcome == "ok")
    assert (done.garbled_share > 0.02) is (outcome == "garbled")


def test_signs_without_unicode() -> None:
    """Bullets and signs that a font has no Unicode for make no page garbled."""
    assert read([f"# {line}, 1#{place}" for place, line in enumerate(WORDS)], {"#": "\ufffd"}).outcome == "ok"


@pytest.mark.parametrize("control", ["\x01", "\x08", "\x1f", "\x7f", "\x85", "\x9c", "\ufdd0", "\u0378", "\x0b"])
def test_controls_in_words(control: str) -> None:
    """Controls, noncharacters and unassigned code points are no part of a word."""
    done = read([line.replace("report", "rep#ort", 1) for line in WORDS], {"#": control})
    assert (done.outcome, done.text.replace("\n", " ")) == ("ok", " ".join(WORDS))


def test_codes_that_are_no_letters() -> None:
    """A page full of controls is one whose codes are no letters."""
    lines = [f"{line} and of much besides, as it had been asked for" for line in WORDS]
    for letters, outcome in (("k", "ok"), ("es", "garbled")):
        assert read(lines, {letter: chr(place + 1) for place, letter in enumerate(letters)}).outcome == outcome


def test_soft_hyphens() -> None:
    """A soft hyphen that a page shows is a hyphen; at the end of a line it parts a word."""
    done = read(["It holds for 1#12 months, year#long and as a mea#", "sure of plants."], {"#": "\xad"})
    assert done.text == "It holds for 1-12 months, year-long and as a measure of plants."
