"""Quality measures on texts whose numbers can be counted by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.measure.quality import MEASURES, measure, measures


def test_characters_are_counted_by_class() -> None:
    """Each class of characters has its count."""
    found = measure("第1条 アイウは、ABCと４を\u3000含むЖ\ufffd。")
    assert (found["chars"], found["spaces"]) == (21, 2)
    assert (found["kanji"], found["katakana"], found["hiragana"]) == (3, 3, 4)
    assert (found["latin"], found["digits"], found["punctuation"]) == (3, 2, 2)
    assert (found["foreign"], found["broken"]) == (1, 1)
    assert found["hiragana_share"] == pytest.approx(4 / 19)
    assert found["japanese_share"] == pytest.approx(10 / 19)


@given(st.text(max_size=80))
def test_the_classes_add_up(text: str) -> None:
    """Every code point is counted in exactly one class, and every share lies between 0 and 1."""
    found = measure(text)
    names = ("hiragana", "katakana", "kanji", "latin", "digits", "punctuation", "spaces", "foreign", "broken")
    assert sum(found[name] for name in names) == found["chars"] == len(text)
    assert all(0 <= value <= 1 for name, value in found.items() if name.endswith("_share"))


@pytest.mark.parametrize(
    ("text", "count", "longest"),
    [
        ("これは文である。次の文！終わりか？", 3, 8),
        ("「そうだ。」と言った。", 2, 6),
        ("The act of 2.5 years. It ends here! Does it?", 3, 21),
        ("Wrapped over\ntwo lines. Second", 2, 23),
        ("見出し\n\n本文である。", 2, 6),
        ("", 0, 0),
        ("。", 1, 1),
    ],
)
def test_sentences_end_at_marks_and_blank_lines(text: str, count: int, longest: int) -> None:
    """Japanese marks end a sentence anywhere, Western ones before a blank; a line break alone ends none."""
    found = measure(text)
    assert (found["sentences"], found["longest_sentence"]) == (count, longest)
    assert found["mean_sentence"] <= longest


def test_repeated_lines_and_paragraphs() -> None:
    """Repeats are counted once each beyond the first, over lines that hold something."""
    found = measure("頁\n本文\n頁\n\n頁\n本文\n頁\n\n別")
    assert (found["lines"], found["paragraphs"]) == (7, 3)
    assert found["duplicate_line_share"] == pytest.approx(4 / 7)
    assert found["duplicate_paragraph_share"] == pytest.approx(1 / 3)


def test_shares_of_kinds_of_lines() -> None:
    """Lines that end in an ellipsis or a mark, begin with a bullet, or are short."""
    found = measure("・第一の項目は長めに書く\n続きがある…\n- second item of the list\n目次...\n以上で終わりとする。")
    assert found["ellipsis_line_share"] == pytest.approx(2 / 5)
    assert found["bullet_line_share"] == pytest.approx(2 / 5)
    assert found["short_line_share"] == pytest.approx(2 / 5)
    assert found["punctuated_line_share"] == pytest.approx(3 / 5)


@given(st.text("ab 法\n", max_size=60))
def test_ngram_shares_are_those_of_a_plain_count(text: str) -> None:
    """The shares of n-grams equal a count of the n-grams as strings, blanks left out."""
    dense = "".join(text.split())
    found = measure(text)
    fours = Counter(dense[at : at + 4] for at in range(len(dense) - 3))
    tens = Counter(dense[at : at + 10] for at in range(len(dense) - 9))
    top = min(1.0, max(fours.values()) * 4 / len(dense)) if fours else 0.0
    repeated = (tens.total() - len(tens)) / tens.total() if tens else 0.0
    assert found["top_ngram_share"] == pytest.approx(top)
    assert found["duplicate_ngram_share"] == pytest.approx(repeated)


def test_a_table_follows_the_schema() -> None:
    """Rows keep their order; each column has its type and a description; an empty table is one too."""
    made = measures(pa.table({"id": ["b", "a"], "source": ["egov", "mod"], "text": ["法律。", ""]}))
    assert made.schema.equals(MEASURES, check_metadata=True)
    assert made["id"].to_pylist() == ["b", "a"]
    assert made["chars"].to_pylist() == [3, 0]
    assert all(field.metadata[b"doc"] for field in MEASURES)
    assert {str(field.type) for field in list(MEASURES)[2:]} == {"int32", "float"}
    text = pa.array([], pa.string())
    assert measures(pa.table({"id": text, "source": text, "text": text})).num_rows == 0


def test_an_empty_text_has_no_nan() -> None:
    """Nothing to count gives zeros, not not-a-number."""
    assert all(np.isfinite(value) and value == 0 for value in measure("").values())
