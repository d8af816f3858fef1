"""OCR text of reports: furniture gone, lines joined, abstract apart; noise measured, tested from both sides."""

from __future__ import annotations

from corpus.extract import extract
from corpus.extract.noise import noise_share

URL = "https://ntrs.nasa.gov/api/citations/19770084252/downloads/19770084252.txt"
PROSE = (
    "The wing was tested in the tunnel at four speeds, and the loads on the tail were measured with strain gauges of "
    "the usual kind. The results agree with the theory of Garrick (ref. 3) to 2 percent at Mach numbers below 0.85."
)


def page(number: int, *lines: str) -> str:
    """A page as recognition gives it: a running head with the number, and hard-broken lines."""
    return "\n".join([f"NASA TM-84252          {number}", "", *lines])


def test_a_report() -> None:
    """Heads go, cut words are whole, paragraphs are one line, tables and formulas are told apart."""
    text = "\f".join(
        [
            page(1, "ABSTRACT", "", "The wing was tested at four speeds and the loads on the tail were meas-",
                 "ured with strain gauges of the usual kind, which are described in a report of", "this series.",
                 "", "INTRODUCTION", "", "Loads on tails are known."),
            page(2, "Speed     Load     Angle", "100       2.5      0.3", "", "a = b + c / 2 - (x^2 + 3)       (4)", "",
                 "Nothing else was found in the flights that were made between the two tests of the tail."),
            page(3, "These are the last words of the report, which ends here and has no further pages at all."),
        ]
    )  # fmt: skip
    done = extract(text.encode(), url=URL, content_type="text/plain")
    assert (done.outcome, done.extractor, len(done.pages)) == ("ok", "ocr", 3)
    assert "TM-84252" not in done.text
    assert "loads on the tail were measured with strain gauges of the usual kind, which are described" in done.text
    assert done.facts["abstract"].startswith("The wing was tested")
    assert done.facts["abstract"].endswith("this series.")
    kinds = {done.text[s.start : s.end].split("\n")[0][:5]: s.kind for s in done.sections}
    assert (kinds["Speed"], kinds["a = b"], kinds["Nothi"]) == ("table", "note", "body")
    assert done.noise_share < 0.05


def test_heads_without_form_feeds() -> None:
    """A line that comes again with the next number is a head; one that does not is text."""
    lines = [*(f"Line {n % 7} of the text says something else here." for n in range(50))]
    text = "\n".join(["NASA TM-1   1", *lines, "NASA TM-1   2", *lines, "NASA TM-1   3", "See NASA TM-9 as well."])
    done = extract(text.encode(), url=URL)
    assert "TM-1 " not in done.text
    assert "See NASA TM-9 as well." in done.text


def test_noise_from_both_sides() -> None:
    """Clean prose, law, formulas of names and Japanese stay low; recognition errors rise with their number."""
    assert noise_share(PROSE * 3) < 0.04
    assert noise_share("第一条 この法律は、 公共の 福祉に 適合する 見本である。 " * 10) == 0.0
    assert noise_share("X-15 F-18A NACA 0012 CL = 0.35 at M = 0.8 (NASA TM-84252), 1977. " * 5) < 0.1
    noisy = (
        PROSE.replace("tion", "ti on").replace("the", "tlle").replace("1", "l").replace("w", "vv").replace("s ", "s~ ")
    )
    assert 0.15 < noise_share(noisy * 3) < 0.7
    assert noise_share(". ,~ ;' l|I1 }{ ~~^ t;e f4r h1s 0f ]]> " * 9) > 0.5
    assert noise_share("few w0rds") == 0.0
