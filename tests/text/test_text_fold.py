"""Folding makes spellings equal and knows the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.text.fold import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ", "abc"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("03－1234―5678", "03-1234-5678"),
        ("サーバー", "ｻｰﾊﾞｰ"),
        ("10〜20", "10～20"),
        ("a \t　\n b", "A b"),
        ("㎎", "mg"),
        ("Straße", "STRASSE"),
        ("か\u3099", "が"),
    ],
)
def test_spellings_meet(one: str, other: str) -> None:
    """Two spellings of the same words fold to the same text."""
    assert fold(one).text == fold(other).text


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_offsets_cover_the_original(text: str) -> None:
    """Every folded character points at a span inside the original, in order, and the whole at the whole."""
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)
    if folded.text:
        start, end = folded.original(0, len(folded.text))
        assert fold(text[start:end]).text == folded.text


def test_the_way_back() -> None:
    """A match in the folded text leads to the very characters of the original."""
    text = "電話：０３－１２３４―５６７８　ｶﾞｲﾄﾞ"
    folded = fold(text)
    at = folded.text.index("03-1234-5678")
    start, end = folded.original(at, at + 12)
    assert text[start:end] == "０３－１２３４―５６７８"
    at = folded.text.index("ガイド")
    start, end = folded.original(at, at + 3)
    assert text[start:end] == "ｶﾞｲﾄﾞ"


def test_empty_span() -> None:
    """An empty span stays empty, also at the end and in an empty text."""
    folded = fold("㎎x")
    assert folded.original(2, 2) == (1, 1)
    assert folded.original(3, 3) == (2, 2)
    assert fold("").original(0, 0) == (0, 0)
