"""PDFs: lines to sentences, running heads out, garbled and locked files told."""

from __future__ import annotations

import io

from extract_samples import make_pdf
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, StreamObject

from corpus.extract import extract

URL = "https://ntrs.nasa.gov/api/citations/1/downloads/1.pdf"


def test_english() -> None:
    """Lines join with a space, a cut word is made whole, a new item begins a new paragraph."""
    lines = [
        "The rotor was tested at four different speeds in the tun-",
        "nel and the results are given in the tables below.",
        "1.2 Method",
    ]
    done = extract(make_pdf([lines], title="Rotor tests"), url=URL)
    assert (done.outcome, done.title, done.lang) == ("ok", "Rotor tests", "en")
    expected = (
        "The rotor was tested at four different speeds in the tunnel and the results are given in the tables below."
    )
    assert done.text == f"{expected}\n1.2 Method"


def test_japanese() -> None:
    """Lines of a Japanese paragraph join without a space; the next paragraph begins at its indent."""
    lines = [
        "　この報告書は、見本品目の品質、有効性及び安全性に関する",
        "審査の結果を取りまとめたものである。",
        "　審査の結果は、次のとおりである。",
    ]
    done = extract(make_pdf([lines], japanese=True), url="https://www.pmda.go.jp/drugs/1.pdf")
    first = "この報告書は、見本品目の品質、有効性及び安全性に関する審査の結果を取りまとめたものである。"
    assert done.text == f"{first}\n審査の結果は、次のとおりである。"
    assert done.lang == "ja"


def test_running_heads_and_pages() -> None:
    """Running heads and page numbers go, and each page's offset points at its text."""
    words = ("first", "second", "third", "fourth", "fifth")
    body = [[f"The {word} part of this report treats of the {word} and last", f"{word} test."] for word in words]
    pages = [[f"NASA TM {n} Rotor tests", *lines, str(n + 11)] for n, lines in enumerate(body)]
    done = extract(make_pdf(pages), url=URL)
    expected = [" ".join(lines) for lines in body]
    assert done.text.split("\n") == expected
    assert [done.text[start:].startswith(line) for start, line in zip(done.pages, expected, strict=True)] == [True] * 5


def test_numbers_of_a_table_stay() -> None:
    """A number in the middle of a page is no page number, whatever other pages hold."""
    rows = ["Table of speeds", "and of loads", "in order", "as measured"]
    pages = [[*rows, f"{n}7", "end of", "this table", "for now", f"stop {n}{n}"] for n in range(6)]
    done = extract(make_pdf(pages), url=URL)
    assert [f"{n}7" in done.text.split("\n") for n in range(6)] == [True] * 6


def test_join_lines_across_pages() -> None:
    """A sentence that goes on overleaf is one paragraph and belongs to the page where it begins."""
    pages = [["The results of all the tests agree with the model"], ["that was described in the earlier part of it."]]
    done = extract(make_pdf(pages), url=URL)
    whole = "The results of all the tests agree with the model that was described in the earlier part of it."
    assert (done.text, done.pages) == (whole, (0, len(whole)))


def test_locked() -> None:
    """A password is an outcome; an empty password opens (AES-256, as ministries publish)."""
    for password, outcome in (("secret", "encrypted"), ("", "ok")):
        writer = PdfWriter(
            clone_from=PdfReader(io.BytesIO(make_pdf([["The rotor was tested and the results are given."]])))
        )
        writer.encrypt(password, owner_password="owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
        assert extract(out.getvalue(), url=URL).outcome == outcome


def test_garbled() -> None:
    """A PDF whose fonts give foreign letters is garbled; one such page among good ones is left out and told."""
    done = extract(_with_cmap([True]), url=URL)
    assert (done.outcome, done.text) == ("garbled", "")
    assert done.garbled_share > 0.9
    done = extract(_with_cmap([False, True, False]), url=URL)
    assert (done.outcome, done.reason) == ("ok", "of 3 pages, 1 garbled and 0 unreadable were left out")
    assert "ໂ" not in done.text
    assert done.text.count("rotor") == 2
    assert len(done.pages) == 3
    assert done.garbled_share == 0


def _with_cmap(garbled: list[bool]) -> bytes:
    """A PDF of pages some of whose fonts map every letter to Lao: what a wrong code table does."""
    cmap = b"1 begincodespacerange\n<00> <ff>\nendcodespacerange\n1 beginbfrange\n<20> <7e> <0ec0>\nendbfrange\n"
    writer = PdfWriter()
    for broken in garbled:
        data = make_pdf([["The rotor was tested at four different speeds", "and the results are given."]])
        writer.append(io.BytesIO(data))
        if broken:
            stream = StreamObject()
            stream.set_data(cmap)
            fonts = writer.pages[-1]["/Resources"]["/Font"]
            fonts["/F1"].get_object()[NameObject("/ToUnicode")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_empty_and_damaged() -> None:
    """No text, a cut file and rubbish after the magic are outcomes."""
    assert extract(make_pdf([[], []]), url=URL).outcome == "empty"
    assert extract(b"%PDF-1.7\n", url=URL).outcome == "truncated"
    assert extract(b"%PDF-1.7\n" + b"\x00" * 5000 + b"%%EOF", url=URL).outcome == "unsupported"
