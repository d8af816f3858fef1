"""Running heads, feet and page numbers of PDFs: what goes, and above all what must stay."""

from __future__ import annotations

import pytest
from pdf_samples import Text, column, make

from corpus.extract import extract

PORTS = ("Yokohama", "Kobe", "Moji", "Naha", "Nagoya")
RULES = [
    "Any person who intends to import a plant shall notify",
    "the station in advance of its kind, its number and its origin,",
    "and shall present it for inspection at the port of arrival.",
    "The inspector may order that it be disinfected or destroyed",
    "where he finds an injurious animal or plant on it.",
    "The cost of disinfection is borne by the person who imports it.",
    "An appeal against the order may be lodged within sixty days.",
    "The station shall answer such an appeal in writing.",
    "A list of the kinds that are exempt is kept at every port.",
    "Whoever breaks the seal is liable to a fine.",
]


def text_of(pages: list[list[Text]]) -> str:
    """The text of these pages, its lines joined."""
    done = extract(make(pages), url="")
    assert done.outcome == "ok"
    return done.text.replace("\n", " ")


@pytest.mark.parametrize("rules", [4, 10])
@pytest.mark.parametrize("top", [720, 770])
def test_notices_of_one_wording(rules: int, top: int) -> None:
    """The same letter to several, with another name: every sentence of every one stays."""
    pages = [
        column([f"Certificate of the station of {port}", *RULES[:rules], f"Issued at {port}."], 72, top)
        for port in PORTS
    ]
    text = text_of(pages)
    assert [text.count(line) for line in RULES[:rules]] == [len(PORTS)] * rules
    assert [port for port in PORTS if f"Issued at {port}." not in text] == []


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_same_page_over_and_over(count: int) -> None:
    """A file that says one thing on every page says it, and is not empty."""
    assert text_of([column(RULES[:3], 72, 720)] * count).count(RULES[0]) == count


def test_notices_with_heads_and_numbers() -> None:
    """Heads and numbers go from notices of one wording where they stand in the margin, clear of the text."""
    pages = [
        [
            Text(72, 805, "Gazette of plants", 8),
            *column([f"To the port of {port}:", *RULES], 72, 720),
            Text(290, 30, str(number + 4), 8),
        ]
        for number, port in enumerate(PORTS)
    ]
    text = text_of(pages)
    assert "Gazette" not in text
    assert not any(char.isdigit() for char in text)
    assert text.count(RULES[0]) == text.count(RULES[-1]) == len(PORTS)


def test_what_repeats_below_the_margin() -> None:
    """The cells of a table that stands at one place on every page are no heads, though a gap follows."""
    lines = [f"The {word} method has a cost of its own and is told of here." for word in PORTS]
    pages = [[Text(72, 690, "Return value"), Text(72, 650, line), Text(72, 400, "Worst: linear")] for line in lines]
    text = text_of(pages)
    assert text.count("Return value") == text.count("Worst: linear") == len(PORTS)


def test_head_of_a_page_without_text() -> None:
    """A head that other pages have shown to be one goes from a page that holds nothing else, as a figure's does."""
    texts = [column([f"Part {port}.", *RULES[start : start + 5]], 72, 700) for start, port in enumerate(PORTS)]
    pages = [[Text(72, 800, "Handbook of plants", 8), *text] for text in [*texts[:4], [], texts[4]]]
    assert "Handbook" not in text_of(pages)


def test_head_close_to_the_text() -> None:
    """At the very edge of the page a head is told without a gap; further in it must stand clear."""
    for top, left in ((808, 0), (770, 5)):
        pages = [column(["Handbook of plants", f"Part {n} {port}.", RULES[n]], 72, top) for n, port in enumerate(PORTS)]
        assert text_of(pages).count("Handbook") == left


@pytest.mark.parametrize(
    ("number", "height", "stays"),
    [
        ("- 3 -", 30, False),
        ("3", 30, False),
        ("3", 95, False),
        ("Page 3 of 5", 60, False),
        ("(3)", 800, True),
        ("2026", 30, True),
        ("- 3 -", 640, True),
        ("3", 700, True),
    ],
)
def test_number_of_the_only_page(number: str, height: int, stays: bool) -> None:
    """On a single page, only what stands clear at its edge and is surely no year is its number."""
    page = [*column(RULES[:3], 72, 770), *column(RULES[3:6], 72, 680), *column(RULES[6:8], 72, 600)]
    assert (number in text_of([[*page, Text(290, height, number)]])) is stays


def test_numbers_in_the_last_row_of_a_table() -> None:
    """Several numbers on one level are a row, though one of them seems to count the pages."""
    pages = [[*column([*RULES[:3], f"Table of {p}"], 72, 160), *(Text(72 + 60 * c, 60, str(n + c)) for c in range(4))]
             for n, p in enumerate(PORTS)]  # fmt: skip
    assert text_of(pages).count("\u3000") == 3 * len(PORTS)


def test_dates_and_numbers_in_the_margin() -> None:
    """A date that is the same on every page is a foot; numbers that differ from page to page are not."""
    for feet, left in ((["6/19/2012"] * 5, 0), (["1.17", "1.12", "2.34", "2.38", "1.01"], 5)):
        pages = [
            [*column([f"Part {word} of it.", rule], 72, 700), Text(72, 30, foot)]
            for word, rule, foot in zip(PORTS, RULES, feet, strict=False)
        ]
        assert sum(foot in text_of(pages) for foot in feet) == left


@pytest.mark.parametrize(("number", "left"), [("- 7 -", 0), ("(7)", 1), ("7", 1)])
def test_number_that_only_one_page_has(number: str, left: int) -> None:
    """A number that nothing counts goes where its marks say what it is; a formula's and a table's stay."""
    pages = [column([*RULES[:4], f"Part {PORTS[0]}."], 72, 700), column([*RULES[4:9], f"Part {PORTS[1]}."], 72, 700)]
    assert text_of([[*pages[0], Text(290, 30, number)], pages[1]]).count(number) == left
