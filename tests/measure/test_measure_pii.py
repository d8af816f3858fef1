"""Personal data: what is found, what is left alone, what masking does. All values are made up."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.measure.pii import KEEP, MASK, Span, detect, mask

KEY = "ghp_" + "a1B2" * 9
FOUND = [
    ("メールは taro.yamada+x@example.co.jp まで", "EMAIL", "taro.yamada+x@example.co.jp"),
    ("連絡先：ｈａｎａ＠ｅｘａｍｐｌｅ．ｊｐです", "EMAIL", "ｈａｎａ＠ｅｘａｍｐｌｅ．ｊｐ"),
    ("連絡先はa_b@example.comまで", "EMAIL", "a_b@example.com"),
    ("電話番号は045-069-0592です", "PHONE", "045-069-0592"),
    ("電話番号は０４５－０６９－０５９２です", "PHONE", "０４５－０６９－０５９２"),
    ("電話番号は０４５ー０６９ー０５９２です", "PHONE", "０４５ー０６９ー０５９２"),
    ("携帯 090（1234）5678 へ", "PHONE", "090（1234）5678"),
    ("携帯は09012345678です", "PHONE", "09012345678"),
    ("080 0123 4567 にかける", "PHONE", "080 0123 4567"),
    ("(03)1234-5678 に電話", "PHONE", "(03)1234-5678"),
    ("TEL 0312345678", "PHONE", "0312345678"),
    ("自宅 +81-80-1234-5678", "PHONE", "+81-80-1234-5678"),
    ("自宅 +81 3 1234 5678", "PHONE", "+81 3 1234 5678"),
    ("call (602)272-9781 now", "PHONE", "(602)272-9781"),
    ("Fax: 259.735.7502x459", "PHONE", "259.735.7502x459"),
    ("Desk: +44 7700 921916", "PHONE", "+44 7700 921916"),
    ("Mobile: 0490 39 07 81", "PHONE", "0490 39 07 81"),
    ("住所 〒100-0001 東京都千代田区", "POSTAL_CODE", "〒100-0001"),
    ("住所 〒１０００００１", "POSTAL_CODE", "〒１０００００１"),
    ("送付先 217-1516 広島県呉市", "POSTAL_CODE", "217-1516"),
    ("マイナンバー：1234 5678 9018", "MY_NUMBER", "1234 5678 9018"),
    ("個人番号は１２３４５６７８９０１８です", "MY_NUMBER", "１２３４５６７８９０１８"),
    ("please block 4111 1111 1111 1111 now", "CREDIT_CARD", "4111 1111 1111 1111"),
    ("カード番号4222222222222", "CREDIT_CARD", "4222222222222"),
    ("login from 203.0.113.83 failed", "IP_ADDRESS", "203.0.113.83"),
    ("サーバのアドレスは 10.1.2.3 です", "IP_ADDRESS", "10.1.2.3"),
    ("host 2001:db8:0:1::7 answered", "IP_ADDRESS", "2001:db8:0:1::7"),
    ("key=AKIAABCDEFGHIJKLMNOP", "SECRET", "AKIAABCDEFGHIJKLMNOP"),
    (f"トークンは{KEY}です", "SECRET", KEY),
    ("sk-proj-abc123DEF456ghi789JKL", "SECRET", "sk-proj-abc123DEF456ghi789JKL"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAA=\n-----END RSA PRIVATE KEY-----",
        "SECRET",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAA=\n-----END RSA PRIVATE KEY-----",
    ),
    ("0\u200b9\u200b0-1234-5678 に電話", "PHONE", "0\u200b9\u200b0-1234-5678"),
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_each_form_is_found_exactly(text: str, kind: str, value: str) -> None:
    """The span is the value, no more and no less, in code points of the text as given; the type is right."""
    at = text.index(value)
    assert Span(at, at + len(value), kind, MASK) in detect(text)
    assert value not in mask(text, detect(text))


CLEAN = [
    "（平成12年法律第18号）第3条第2項",
    "法人番号4010001000005",
    "管理番号 377290573228",
    "承認番号：23428AMZ47583000",
    "マイナンバー：123456789012",
    "管理番号 1234 5678 9018",
    "第11.1.2.3節 重大な副作用",
    "version 10.2.103.4 of the tool",
    "doi = 10.1016/j.cell.2007.07.032",
    "令和5年度の予算は1,234,567,890円である",
    "ISBN 978-4-00-123456-7 と 0-306-40615-2",
    "2021-03-12 から 2022-03-11 まで",
    "CAS 7732-18-5、20-10-1200",
    "12345678901234567890",
    "please charge 4111 1111 1111 1112",
    "task-oriented sk-learn style",
    "@everyone look at this@ here",
    "std::vector<int>::iterator at 12:30:45",
    "お客様と患者様の氏名を記載する様式",
    "外務大臣 北川 俊介は会談で述べた",
]


@pytest.mark.parametrize("text", CLEAN)
def test_official_looking_numbers_are_left_alone(text: str) -> None:
    """Law numbers, company numbers, sections, versions, money, dates and wrong check digits give no span at all."""
    assert detect(text) == []
    assert mask(text, detect(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs", "N"], exclude_characters="@＠﹫")))
def test_text_without_digits_and_at_signs_is_left_alone(text: str) -> None:
    """A text that can hold no number and no address comes back as it is."""
    assert mask(text, detect(text)) == text


PIECES = st.lists(
    st.sampled_from([text for text, _, _ in FOUND] + CLEAN + ["\n", "\n\n", "。", " 代表電話 "]), max_size=6
)


@given(PIECES.map("\n".join) | st.text(max_size=80), st.booleans())
def test_masking_removes_the_spans_and_nothing_else(text: str, official: bool) -> None:
    """Spans are in order, apart and inside the text; putting the values back into the masked text gives the text."""
    spans = detect(text, official=official)
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    rest, back = mask(text, spans), ""
    for span in spans:
        if span.action == MASK:
            head, rest = rest[: span.start - len(back)], rest[span.start - len(back) :]
            back += head
            assert rest.startswith(f"[{span.type}]")
            rest = rest[len(span.type) + 2 :]
            back += text[span.start : span.end]
    assert back + rest == text


@pytest.mark.parametrize(
    ("text", "official", "actions"),
    [
        ("0120-123-456", False, [("PHONE", KEEP)]),
        ("0570-012345 まで", False, [("PHONE", KEEP)]),
        ("call 1-800-424-9183", False, [("PHONE", KEEP)]),
        ("代表電話 03-1234-5678", False, [("PHONE", KEEP)]),
        ("お問い合わせ窓口：03-1234-5678", False, [("PHONE", KEEP)]),
        ("山田 03-1234-5678", False, [("PHONE", MASK)]),
        ("防衛省 03-1234-5678", True, [("PHONE", KEEP)]),
        ("担当の携帯 090-1234-5678", True, [("PHONE", MASK)]),
        ("代表 090-1234-5678", False, [("PHONE", MASK)]),
        ("〒162-8801 東京都新宿区", True, [("POSTAL_CODE", KEEP)]),
        ("info@example.go.jp", True, [("EMAIL", KEEP)]),
        ("info@example.com", False, [("EMAIL", MASK)]),
        ("taro.yamada@example.go.jp", True, [("EMAIL", MASK)]),
    ],
)
def test_what_belongs_to_an_institution_is_kept(text: str, official: bool, actions: list[tuple[str, str]]) -> None:
    """The rules of the module's head, one by one; a mobile number and a person's address are masked everywhere."""
    assert [(span.type, span.action) for span in detect(text, official=official)] == actions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("柳沢 さくらと申します。電話番号は090-1234-5678です。", [("柳沢 さくら", MASK)]),
        ("氏名：柳沢俊介\nメール：a@example.jp", [("柳沢俊介", MASK)]),
        ("柳沢 俊介 様 〒100-0001", [("柳沢 俊介", MASK)]),
        ("氏名：柳沢俊介議員\nTEL 03-1234-5678", [("柳沢俊介議員", KEEP)]),
        ("大臣 柳沢 俊介 様 090-1234-5678", [("柳沢 俊介", KEEP)]),
        ("氏名：柳沢俊介", []),
        ("柳沢 さくらと申します。\n\n電話番号は090-1234-5678です。", []),
        ("お客様は090-1234-5678へ。仕様は別紙。", []),
    ],
)
def test_names_are_masked_only_beside_what_ties_them_to_a_person(text: str, names: list[tuple[str, str]]) -> None:
    """A name counts where the text says that one stands, near another masked span; beside a public title it is kept."""
    found = [(text[span.start : span.end], span.action) for span in detect(text) if span.type == "NAME"]
    assert found == names


def test_a_value_masked_once_is_masked_everywhere() -> None:
    """A further occurrence that no rule would see alone is masked too."""
    text = "電話 0312345678\n控え 0312345678、番号0312345678番"
    assert "0312345678" not in mask(text, detect(text))
    assert mask(text, detect(text)).count("[PHONE]") == 3


def test_a_number_kept_once_is_kept_everywhere() -> None:
    """The line of an institution stays at all its places."""
    text = "代表電話 03-1234-5678\n山田 03-1234-5678"
    assert [span.action for span in detect(text)] == [KEEP, KEEP]


def test_hostile_text_costs_no_more_than_its_length() -> None:
    """Runs made to send patterns astray are done in seconds."""
    runs = ["0-" * 50_000, "a@" * 50_000, "a." * 50_000 + "@", "-eyJaaaaaaaa" * 8_000, "1.1.1." * 20_000]
    runs += ["sk-aaaaaaaa-" * 8_000, "".join(f"a{number}@example.jp\n" for number in range(20_000))]
    runs += [
        "+1 (2) " * 20_000,
        "様" * 100_000,
        "氏名" * 50_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "TEL:1" * 20_000,
    ]
    started = time.process_time()
    for run in runs:
        detect(run + "\n090-1234-5678")
    assert time.process_time() - started < 20
