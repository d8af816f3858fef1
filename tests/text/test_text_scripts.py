"""Script classes, the garble alarm and the language of a text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.text.language import language
from corpus.text.scripts import CLASSES, GARBLED, class_of, count_classes, garbled_share, visible

LAW = "第一条　この法律は、公文書の管理に関する基本的事項を定めることにより、行政の適正な運営に資することを目的とする。"
ENGLISH = "The rotor was tested at four speeds, and the results are given in the tables for each of the blades. "
GERMAN = "Die Anlage wurde im Jahr 1998 gebaut und ist seitdem in Betrieb; sie wird von Stadt und Land getragen. "
CHINESE = "中华人民共和国国防法根据宪法制定，为了建设和巩固国防，保障改革开放和社会主义现代化建设的顺利进行。"
TRADITIONAL = "本公司成立於一九九八年，主要業務為製造電子零件，產品銷售至全世界各地，員工人數約三千人，總部設於台北市。"


@pytest.mark.parametrize(
    ("character", "name"),
    [
        *(("あ", "hiragana"), ("ア", "katakana"), ("ー", "katakana"), ("ｱ", "katakana"), ("漢", "kanji")),
        *(("々", "kanji"), ("𠮷", "kanji"), ("A", "latin"), ("ｚ", "latin"), ("é", "latin"), ("7", "digit")),
        *(("７", "digit"), ("。", "punctuation"), ("・", "punctuation"), ("㎎", "punctuation"), ("　", "space")),
        *(("Ω", "greek_cyrillic"), ("α", "greek_cyrillic"), ("ɹ", "other"), ("ං", "other"), ("한", "other")),
        *(("\ufffd", "broken"), ("\ue000", "broken"), ("\x07", "broken")),
    ],
)
def test_classes(character: str, name: str) -> None:
    """Each kind of character has the class that its name says."""
    assert class_of(character) == name


@given(st.text(max_size=80))
def test_counts_add_up(text: str) -> None:
    """Every character is counted once, in a known class."""
    counts = count_classes(text)
    assert tuple(counts) == CLASSES
    assert sum(counts.values()) == len(text)
    assert visible(text) <= len(text)


def test_a_megabyte_is_fast() -> None:
    """A million characters are counted in well under a second."""
    text = LAW * (1_000_000 // len(LAW))
    count_classes(text)
    started = time.perf_counter()
    count_classes(text)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "good",
    [
        *(LAW, ENGLISH, "∫₀^∞ e^{-x²} dx = √π/2 ≤ Σ αᵢβⱼ", "5㎎ ㎖ Ⅱ ① ～ ㈱ ■■社 ℃ ± μg/mL"),
        *("日本国憲法前文総則", "Ça coûte 5 €: naïve façade"),
    ],
)
def test_no_false_alarm(good: str) -> None:
    """Law, English, mathematics, drug labels, kanji alone and accents stay far below the alarm."""
    assert garbled_share(good) < GARBLED / 4


@pytest.mark.parametrize(
    "bad",
    [
        *("ୈೋয়ɹɹং" * 9, "꒢꒤꒦" * 9, "(cid:123)(cid:7)" * 9, "\ufffd" * 30, "\ue001\ue002" * 20, LAW[:20] + "ɹං" * 10),
        *(LAW[:40].encode().decode("latin-1"), "".join(chr(ord(letter) + 0x41) for letter in ENGLISH[:60])),
    ],
)
def test_alarm(bad: str) -> None:
    """Wrong font tables, cid marks, undecodable bytes, private use, misread UTF-8 and shifted codes raise the alarm."""
    assert garbled_share(bad) > GARBLED


def test_alarm_threshold_from_both_sides() -> None:
    """The share is exact: 19 foreign characters in 100 are below the alarm, 21 above."""
    assert garbled_share("あ" * 81 + "ɹ" * 19) == pytest.approx(0.19)
    assert garbled_share("あ" * 81 + "ɹ" * 19) < GARBLED < garbled_share("あ" * 79 + "ɹ" * 21)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        (LAW, "ja"),
        ("第一条　目的", "ja"),
        ("航空機製造事業法施行令別表第一", "ja"),
        (ENGLISH * 3, "en"),
        ("Rotor tests", "en"),
        (f"{LAW} (cf. Clarithromycin, Itraconazole, CYP3A4 inhibitors)", "ja"),
        (ENGLISH * 3 + "（東京）", "en"),
        (CHINESE, None),
        (TRADITIONAL, None),
        (GERMAN * 4, None),
        ("Закон о защите прав потребителей", None),
        ("한국어 문장입니다", None),
        ("1,234 ... 56", None),
        ("", None),
    ],
)
def test_language(text: str, lang: str | None) -> None:
    """Kana and short kanji are Japanese, English words English, other languages and bare numbers neither."""
    assert language(text) == lang
    assert garbled_share("x" * 76 + "é" * 24) == 0
    assert garbled_share("x" * 74 + "é" * 26) > GARBLED
    assert garbled_share("ÚÄÄÄÄÄÄÄÄÂÄÄÄÄÄÄÄÄ¿\n³ GRID   ³ 1      ³\n") == 0  # a table drawn in code page 437
