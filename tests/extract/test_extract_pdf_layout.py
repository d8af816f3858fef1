"""Layout of PDFs: columns, boxes, notes beside and below, equations, lines cut anywhere."""

from __future__ import annotations

import pytest
from pdf_samples import ENCODINGS, Text, column, make

from corpus.extract import Extracted, extract

KANJI = "UniJIS-UCS2-H"
SENTENCE = "防衛省は、我が国の平和と安全を確保するため、装備品の調達と研究開発を計画的に進めている。"
WORDS = [
    "the",
    "flow",
    "over",
    "a",
    "wing",
    "was",
    "measured",
    "in",
    "the",
    "large",
    "tunnel",
    "at",
    "four",
    "speeds",
    "and",
    "the",
    "results",
    "were",
    "set",
    "down",
]


def read(pages: list[list[Text]]) -> Extracted:
    """What comes out of these pages."""
    done = extract(make(pages), url="")
    assert done.outcome == "ok"
    return done


def of_kind(done: Extracted, kind: str) -> list[str]:
    """The lines of the sections of a kind."""
    return [line for s in done.sections if s.kind == kind for line in done.text[s.start : s.end].split("\n")]


def wrapped(number: int, width: int = 44) -> tuple[list[str], str]:
    """(lines of a paragraph, the paragraph): words in an order of its own."""
    words = [WORDS[(number * 7 + n * (number % 3 + 1)) % len(WORDS)] for n in range(60)]
    text = f"Paragraph {number} says that {' '.join(words)}."
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line], text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fonts_not_embedded(encoding: str) -> None:
    """Japanese in every predefined encoding, across or down, is right on a machine without fonts."""
    lines = [SENTENCE[start : start + 20] for start in range(0, len(SENTENCE), 20)]
    if encoding.endswith("V"):
        page = [Text(540 - 18 * place, 760, line, 10, encoding) for place, line in enumerate(lines)]
    else:
        page = column(lines, 60, 760, font=encoding)
    assert read([page]).text == SENTENCE


@pytest.mark.parametrize("drawn", ["columns", "rows", "right first"])
def test_two_columns(drawn: str) -> None:
    """Two columns are read one after the other, however they are drawn; a sentence goes on from one to the next."""
    pages, gold = [], []
    for page in range(4):
        lines = [wrapped(5 * page + n) for n in range(5)]
        gold += [text for _, text in lines]
        flat = [line for some, _ in lines for line in some]
        half = len(flat) // 2
        left, right = (column(part, x, 700, leading=12) for part, x in ((flat[:half], 50), (flat[half:], 310)))
        pairs = [piece for row in zip(left, right, strict=False) for piece in row] + left[half:] + right[half:]
        pages.append({"columns": left + right, "rows": pairs, "right first": right + left}[drawn])
    assert of_kind(read(pages), "body") == gold


def test_a_box_drawn_last_stands_where_it_is() -> None:
    """Text that is drawn after all else but stands above it comes first."""
    article = column(
        ["第一条　この規則は、役務について定める。", "第二条　この規則は、全員に適用する。"], 60, 500, font=KANJI
    )
    note = column(["【第一条　目的】", "この条は、規則の目的を定めたものです。"], 60, 460, font=KANJI)
    later = column(["第三条　規則は、掲示して知らせる。"], 60, 400, font=KANJI)
    done = read([article + later + note])
    heads = [line[:5] for line in done.text.split("\n")]
    assert heads == ["第一条　こ", "第二条　こ", "【第一条　", "この条は、", "第三条　規"]


def test_sentence_over_a_sidebar() -> None:
    """A sentence that a note interrupts at the end of a page goes on; the note keeps its own text, marked."""
    whole = ["　装備品の調達は、次の年度に始まり、五か", "年の間に計画のとおりに終わる。"]
    side = column(["用語解説：調達とは、", "買うことをいう。"], 420, 760, size=7, leading=9, font=KANJI)
    pages = [
        column([*whole, f"　{SENTENCE[:19]}"], 60, 700, font=KANJI) + side,
        column([SENTENCE[19:39], SENTENCE[39:]], 60, 700, font=KANJI),
    ]
    done = read(pages)
    assert of_kind(done, "body") == ["".join(whole).strip("　"), SENTENCE]
    assert of_kind(done, "note") == ["用語解説：調達とは、買うことをいう。"]


def test_item_with_hanging_lines() -> None:
    """The lines of an item that stand further in belong to it; the next number begins anew."""
    lines = [
        "２ 前項の定めにより提出した書類に変更が生じ",
        "たときは、速やかに届け出る。",
        "３ 前項の規定は、準用する。",
    ]
    page = [Text(60 if line[0] in "２３" else 80, 700 - 16 * n, line, 10, KANJI) for n, line in enumerate(lines)]
    assert read([page]).text.split("\n") == [lines[0] + lines[1], lines[2]]


def test_numbers_and_words_cut_at_the_margin() -> None:
    """In Japanese text a number cut at the margin is whole again, and so is a Latin word known from elsewhere."""
    lines = [
        "　会議は、総務省とNATOの間で、令和五年すなわち202",
        "3年に始まり、その後の四年の間に、日本とNA",
        "TOの協力は広がった（図表2-1",
        "-3）。",
    ]
    page = [Text(60, 700 - 16 * n, line.strip("　"), 10, KANJI) for n, line in enumerate(lines)]
    assert read([page]).text == "".join(lines).strip("　")


def test_equations_are_marked() -> None:
    """An equation set apart is a note, and never part of the sentence before or after it."""
    before, after = wrapped(1), wrapped(2)
    equation = [Text(110, 552, "dp/dx + u dp/dt = 0"), Text(270, 552, "(12)")]
    done = read([column(before[0], 60, 700) + equation + column(after[0], 60, 530)])
    assert of_kind(done, "body") == [before[1], after[1]]
    assert of_kind(done, "note") == ["dp/dx + u dp/dt = 0　(12)"]


def test_redactions_stay() -> None:
    """What an agency has blacked out with letters stays in its sentence."""
    line = "■■■■社の試験では、被験者■■例のうち■例に副作用が認められた。"
    assert read([column([line], 60, 700, font="90ms-RKSJ-H")]).text == line


def test_contents() -> None:
    """Entries of a table of contents lose dots and page number, are notes, and no chapter stands below them."""
    entries = [
        "第１章　総則 ……………………………… 5",
        "第２章　服務 ・・・・・・・・・・・・・・ 17",
        "第３章　休暇 .................... 123",
    ]
    body = ["第１章　総則", *(["　この規則は、役務について定める。"] * 2)]
    done = read(
        [
            [Text(250, 760, "目　次", 16, KANJI), *column(entries, 60, 720, font=KANJI)],
            column(body, 60, 700, font=KANJI),
        ]
    )
    assert of_kind(done, "note") == ["第１章　総則", "第２章　服務", "第３章　休暇"]
    assert [s.path for s in done.sections if s.kind == "body"] == ["第１章　総則"]


def test_lying_letters() -> None:
    """On a page of vertical writing, Latin letters on their right side stand in their column, blanks and all."""
    lines = [
        Text(540, 760, "防衛省は、装備品として", 10, "UniJIS-UCS2-V"),
        Text(537, 650, "F-15 jets", 10, lying=True),
        Text(540, 606, "を調達する。", 10, "UniJIS-UCS2-V"),
        Text(522, 760, "これは二つ目の文である。", 10, "UniJIS-UCS2-V"),
    ]
    assert read([lines]).text == "防衛省は、装備品としてF-15 jetsを調達する。\nこれは二つ目の文である。"
