"""Normalisation changes what it names, keeps the rest, and is idempotent."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.text.normalise import normalise

# Half of the characters from the corners where rules meet, half from anywhere.
CORNERS = st.sampled_from(
    "ｶﾞﾊﾟﾞ゛か\u3099ＡＺａｚ０９．，1.,　\u00a0\t\r\n\x0b\u2028 ⼀⻑ﬁ㎎㍻Ⅱ①～－Å\u212bé"
    " e\u0301\u200b\u200d\ufeff\u202e\ufe0f髙神\ud800"
)
TEXTS = st.lists(st.one_of(CORNERS, st.characters()), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ＡＢＣ１２３ａｂｃ", "ABC123abc"),
        ("１．５％、２，０００円", "1.5％、2,000円"),
        ("ｶﾞｲﾄﾞﾗｲﾝ｡｢ﾊﾟｽ｣", "ガイドライン。「パス」"),
        ("第一条　　　目的\t\u00a0等", "第一条 目的 等"),
        ("a\r\nb\rc\u2028d\x85e\x0bf", "a\nb\nc\nd\ne\nf"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("  行末 \n　字下げ", "行末\n字下げ"),
        ("⼀⼈⾔⻑⻄⺠", "一人言長西民"),
        ("ﬁnal oﬃce", "final office"),
        ("5㎎と1㍑、㍻", "5mgと1リットル、平成"),
        ("a\u200bb\u200d\ufeff\u00adc\u202ed\x00\x07", "abcd"),
        ("葛\U000e0100飾\ufe00", "葛飾"),
        ("cafe\u0301 か\u3099", "café が"),
        ("lone\ud800", "lone"),
    ],
)
def test_rules(before: str, after: str) -> None:
    """Each rule of the module's table does what it says."""
    assert normalise(before) == after


@pytest.mark.parametrize("kept", ["（甲）、乙！？：％", "第Ⅲ相 ①②", "㈱ ℃ ™ x² ½", "10～20〜30", "髙島 﨑"])
def test_what_is_kept(kept: str) -> None:
    """Characters whose form carries meaning stay as they are."""
    assert normalise(kept) == kept


@given(TEXTS)
@example("か\u200b\u3099")
@example("１\u200b．５")
@example("\u0344\ufe0f ｶ\u200bﾞ")
def test_idempotent(text: str) -> None:
    """Normalising twice is normalising once, for any text at all."""
    once = normalise(text)
    assert normalise(once) == once


@given(TEXTS)
def test_result_is_clean(text: str) -> None:
    """The result is NFC, encodes as UTF-8, and holds no control but LF, no blank runs, no blank ends of lines."""
    result = normalise(text)
    result.encode()
    assert unicodedata.is_normalized("NFC", result)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in result)
    assert "  " not in result
    assert "\n\n\n" not in result
    assert all(line == line.strip(" ") for line in result.split("\n"))


@given(st.text(st.sampled_from("あいう漢字カナabc123。、（）"), max_size=60))
def test_ordinary_text_is_untouched(text: str) -> None:
    """Text that is already plain Japanese or English comes through unchanged."""
    assert normalise(text) == text
