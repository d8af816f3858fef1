"""Encodings that only the bytes tell: rows that NEC added, half-width katakana, text below a long head."""

from __future__ import annotations

import pytest

from corpus.extract import extract
from corpus.extract.encoding import decode

SAID = "次の各号に掲げる事項について、見本会議で決定しました。"
NEC = {"①": b"\xad\xa1", "Ⅲ": b"\xad\xb7", "㈱": b"\xad\xea", "纊": b"\xf9\xa1"}


def test_rows_of_nec_in_euc() -> None:
    """①, Ⅲ, ㈱ and 纊 are read, and what follows stays whole; a pair that no table has takes two bytes."""
    text = f"{SAID}①申請の手続、Ⅲ期の予定、㈱見本と纊の届出。" * 4
    data = text.encode("euc_jp", "xmlcharrefreplace")
    for sign, pair in NEC.items():
        data = data.replace(f"&#{ord(sign)};".encode(), pair)
    assert decode(data) == (text, "euc_jp")
    broken = data + b"\xa9\xa1" + SAID.encode("euc_jp") + b"\xa4"
    assert decode(broken) == (f"{text}\ufffd{SAID}\ufffd", "euc_jp")


def jis(*parts: bytes) -> bytes:
    """Bytes of ISO-2022-JP: pairs of EUC-JP without their high bits, between the escape sequences."""
    return b"".join(b"\x1b$B" + bytes(byte & 0x7F for byte in part) + b"\x1b(B" for part in parts)


def test_rows_of_nec_in_iso_2022_jp() -> None:
    """①, Ⅲ, ㈱ and 纊 are read as Windows writes them in mail and pages, beside half-width katakana and JIS X 0212."""
    said = SAID.encode("euc_jp")
    page = b"<p>" + jis(*(pair + said for pair in NEC.values())) + b"</p>"
    assert decode(page) == (f"<p>{''.join(sign + SAID for sign in NEC)}</p>", "iso2022_jp")
    kana = b"\x1b(I" + bytes(byte & 0x7F for byte in "ｱｽﾋﾟﾘﾝ".encode("cp932")) + b"\x1b(B"
    rare = b"\x1b$(D" + bytes(byte & 0x7F for byte in "丂".encode("euc_jp")[1:]) + b"\x1b(B"
    assert decode(jis(NEC["①"]) + kana + rare + b"\x1b(J\\~\x1b(B\\~") == ("①ｱｽﾋﾟﾘﾝ丂¥‾\\~", "iso2022_jp")
    broken = jis(said + b"\xa9\xa1" + said, said + b"\xa4")
    assert decode(broken) == (f"{SAID}\ufffd{SAID}{SAID}\ufffd", "iso2022_jp")


def test_all_of_iso_2022_jp() -> None:
    """What Python's codec writes is read back, character by character; so are the variants that it knows."""
    every = [sign for sign in map(chr, range(0x20, 0x10000)) if sign.encode("iso2022_jp", "ignore")]
    assert decode("".join(every).encode("iso2022_jp")) == ("".join(every), "iso2022_jp")
    assert decode("本文𠂉𠀋".encode("iso2022_jp_3")) == ("本文𠂉𠀋", "iso2022_jp_3")


LIST = "品目名,製造業者\n" + "".join(f"ｱｽﾋﾟﾘﾝ錠{n},見本製薬,東京都\n" for n in range(50))
PROSE = "ﾊﾝｶｸｶﾅﾉﾌﾞﾝｼｮｳﾃﾞｱﾙ｡ﾂｷﾞﾉ､ﾌﾞﾝｼｮｳﾓ､ｿｳﾃﾞｱﾙ｡" * 4
INSERT = f"<packins>{'<serialno onoff=on>(1)</serialno>' * 9}<detail>試験錠ｱｽﾋﾟﾘﾝ</detail></packins>"


@pytest.mark.parametrize("text", [LIST, PROSE, INSERT, "ｱｽﾋﾟﾘﾝ" * 3])
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
@pytest.mark.parametrize("declared", ["", "text/csv; charset={}"])
def test_half_width_katakana(text: str, encoding: str, declared: str) -> None:
    """Text of half-width katakana is neither Latin letters nor the kanji that pairs of them would be."""
    name = {"cp932": "Shift_JIS", "euc_jp": "EUC-JP"}[encoding]
    assert decode(text.encode(encoding), declared.format(name)) == (text, encoding)


def test_a_table_of_half_width_names() -> None:
    """A page that says Shift_JIS and holds such a table is a document."""
    rows = "".join(f"<tr><td>ｱｽﾋﾟﾘﾝ錠{n}mg</td><td>ﾊﾞｲｴﾙ薬品</td></tr>" for n in range(60))
    page = f"<html><head><meta charset=Shift_JIS></head><body><p>{SAID}</p><table border=1>{rows}</table></body></html>"
    done = extract(page.encode("cp932"), url="https://x/a.html", content_type="text/html; charset=Shift_JIS")
    assert (done.outcome, done.lang) == ("ok", "ja")
    assert "ｱｽﾋﾟﾘﾝ錠59mg" in done.text


@pytest.mark.parametrize(
    "text",
    [
        "Le président de la République a été réélu par une majorité élevée.",
        "Für die Prüfung wurden größere Maßstäbe gewählt, wie üblich.",
        f"{'The report was made public in May. ' * 3}It was sent to Genève.",
        f"{'The report was made public in May. ' * 9}“Yes”………… “No”—————",
    ],
)
@pytest.mark.parametrize("long", [1, 4_000])
def test_latin_text_stays(text: str, long: int) -> None:
    """Accents that happen to be halves of kanji are accents, however far down they stand."""
    page = f"<html><style>{'a{b:c}' * long}</style><p>{text}</p></html>"
    assert decode(page.encode("cp1252")) == (page, "cp1252")


def test_lines_drawn_in_dos_are_no_katakana() -> None:
    """The manuals of old programs draw tables with bytes that would be ﾄﾄﾄﾄ and ｳ."""
    row = b"\xb3 GRID  \xb3 ID    \xb3\r\n"
    table = b"\xda" + b"\xc4" * 7 + b"\xc2" + b"\xc4" * 7 + b"\xbf\r\n" + row * 2
    text, encoding = decode(b"The card defines a grid point of the model.\r\n" * 3 + table * 9)
    assert encoding == "cp1252"
    assert text.count("GRID") == 18


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
@pytest.mark.parametrize("meta", ["", "<meta charset=utf-8>", "<meta charset=Shift_JIS>"])
def test_text_below_a_long_style_sheet(encoding: str, meta: str) -> None:
    """What decides is the text, wherever the first of it stands."""
    page = (
        f"<html><head>{meta}<title>見本</title><style>{'.a{color:red}' * 9000}</style></head><p>{SAID * 3}</p></html>"
    )
    assert decode(page.encode(encoding)) == (page, encoding)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (SAID.encode() * 2 + b"\0" + SAID.encode() * 2, "ok"),
        (SAID.encode("cp932") * 3 + b"\x1a" + b"\0" * 500, "ok"),
        (SAID.encode() + b"\0" + SAID.encode()[:9], "unsupported"),
        (SAID.encode() * 4 + b"\0\x01" + SAID.encode() * 4, "unsupported"),
        (b"MZ" + b"\0" * 500, "unsupported"),
    ],
)
def test_nuls_in_text(data: bytes, outcome: str) -> None:
    """One that strayed into a long text, or those that fill a file up, go; data with other controls is no text."""
    done = extract(data, url="https://x.example/a.txt", content_type="text/plain")
    assert done.outcome == outcome
    assert done.text.replace(SAID, "") == ""
