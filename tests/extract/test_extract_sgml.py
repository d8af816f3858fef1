"""Package inserts in the old SGML, of a made-up drug, by what is published of the DTD."""

from __future__ import annotations

from pathlib import Path

import pytest
from extract_samples import cpu_seconds, make_zip

from corpus.extract import extract

INSERT = (Path(__file__).parent / "samples" / "insert.sgml").read_text(encoding="utf-8")


def test_an_insert() -> None:
    """The name is the title, printed labels are headings, hidden ones go, rows of composition are rows."""
    done = extract(INSERT.encode("cp932"), url="")
    assert (done.outcome, done.extractor, done.title, done.lang) == ("ok", "pmda_sgml", "ミホン錠５㎎", "ja")
    assert done.text.split("\n") == [
        "ミホン錠５㎎", "組成", "有効成分　ミホニン5mg", "添加物　乳糖水和物", "警告", "本剤は見本である。",
        "服用してはならない。", "禁忌", "1.　過敏症", "本剤の成分に対し過敏症のある患者",
        "2.　ｱﾚﾙｷﾞｰの患者 103/μL", "(1)　重い患者",
    ]  # fmt: skip
    kinds = {done.text[s.start : s.end].split("\n")[0]: (s.kind, s.path) for s in done.sections}
    assert kinds["有効成分　ミホニン5mg"] == ("table", "組成")
    assert kinds["1.　過敏症"] == ("body", "禁忌")


def test_in_a_zip_and_damaged() -> None:
    """A zip of one insert is that insert; a cut one is truncated; XML of today goes to its own reader."""
    data = INSERT.encode("cp932")
    assert extract(make_zip({"9_x/9_x.sgm": data}), url="").extractor == "pmda_sgml"
    assert extract(data[: len(data) - 60], url="").outcome == "truncated"
    assert extract(b'<?xml version="1.0"?><packins/>', url="").extractor != "pmda_sgml"


def test_what_is_no_text() -> None:
    """Comments, declarations with and without a subset, instructions; what never ends is text or a shorter token."""
    inside = "一<!-- <b> > -->二<!ELEMENT x [ <y> ] >三<?do it?>四<!-- it never ends>五<! [六"
    done = extract(f"<packins><detail>{inside}</detail></packins>".encode("cp932"), url="")
    assert done.text == "一二三四五<! [六"


LABEL = "<x><variablelabel onswitch=on>名</variablelabel>"


@pytest.mark.parametrize(
    ("head", "repeated", "tail"),
    [
        *(("", start, "") for start in ("<!", "<!--", "<![ ", "<![] ", "<?", "</packins ")),
        *(("", "<!", "["), ("", "<!--", ">"), ("<", "a", ""), ("", LABEL, ">"), ("", "<detail>字", ">")),
        *(("<composition>", "<detail>字", ">"), ("<yjcode>", "<x>字", ">")),
    ],
)
def test_time_grows_with_the_size(head: str, repeated: str, tail: str) -> None:
    """What never ends, and elements that never close, are read in linear time."""

    def took(size: int) -> float:
        data = f"<packins>{head}{repeated * (size // len(repeated.encode()))}{tail}".encode()
        return cpu_seconds(lambda: extract(data, url="a.sgm"))

    assert min(took(80_000) for _ in range(2)) < 8 * min(took(20_000) for _ in range(3)) + 0.02  # a square: 16
