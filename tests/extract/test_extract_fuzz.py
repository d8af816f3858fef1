"""One wrong byte, a cut, or bytes from elsewhere: every reader ends with an outcome, never an exception."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from extract_samples import LAW, OLD_WHITE_PAPER, PACKINS, WHITE_PAPER, WIKI_PAGE, WIKITEXT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.extract import Extracted, law_html, law_xml, mod_html, ntrs_json, ocr, plain, pmda_sgml, pmda_xml, wiki_html
from corpus.extract.dispatch import extract
from corpus.extract.encoding import decode
from corpus.extract.model import KINDS, OUTCOMES
from corpus.extract.wikitext import extract_wikitext

JSON_LAW = (
    '{"law_info":{"law_num_year":"5"},"law_full_text":{"tag":"Law","attr":"","children":[{"tag":"LawBody","attr":{},'
)
JSON_LAW += (
    '"children":[{"tag":"LawTitle","children":["見本法"]},{"tag":"Article","children":["第一条",5,null,true]}]}]}}'
)
RECORD = '{"id":1,"stiType":"OTHER","distribution":"PUBLIC","title":"A wing","abstract":"It flew."}'
SGML = "<packins><item>錠</item><warnings><detail>本剤&enter;見本</detail></warnings></packins>"
OLD_LAW = (
    '<DIV class="arttitle">（目的）</DIV><A NAME="' + "1" * 70 + '"></A><DIV class="item"><B>第一条</B>　見本</DIV>'
)
READERS: dict[str, tuple[Callable[[bytes], Extracted], bytes]] = {
    "law_xml": (law_xml.extract_xml, LAW.encode()),
    "law_json": (law_xml.extract_json, JSON_LAW.encode()),
    "law_html": (law_html.extract, OLD_LAW.encode("cp932")),
    "packins": (pmda_xml.extract_xml, PACKINS.encode()),
    "sgml": (pmda_sgml.extract, SGML.encode("cp932")),
    "white_paper": (mod_html.extract, WHITE_PAPER.encode()),
    "old_white_paper": (mod_html.extract, OLD_WHITE_PAPER.encode("cp932")),
    "wiki_html": (wiki_html.extract, WIKI_PAGE.encode()),
    "wikitext": (lambda data: extract_wikitext(decode(data)[0], title="見本", lang="ja"), WIKITEXT.encode()),
    "record": (ntrs_json.extract, RECORD.encode()),
    "ocr": (ocr.extract, b"NASA TM-1  1\nThe wing was\ntested.\n\fNASA TM-1  2\nIt flew."),
    "plain": (plain.extract, "第一行です。".encode("euc_jp")),
}


def check(done: Extracted) -> None:
    """An outcome of the list; a text only with "ok", its sections in order and inside."""
    assert done.outcome in OUTCOMES
    assert bool(done.text) == (done.outcome == "ok")
    assert 0 <= done.kept_share <= 1
    assert 0 <= done.noise_share <= 1
    assert "\n" not in done.reason
    done.text.encode()
    at = 0
    for section in done.sections:
        assert section.kind in KINDS
        assert at <= section.start < section.end <= len(done.text)
        at = section.end


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.floats(0, 1), insert=st.booleans())
def test_a_wrong_byte(name: str, place: float, byte: int, cut: float, insert: bool) -> None:
    """Changed or put in anywhere, then read whole and cut: by the reader itself, and by whoever `extract` finds."""
    reader, data = READERS[name]
    at = int(place * (len(data) - 1))
    changed = data[:at] + bytes([byte]) + data[at + (not insert) :]
    for body in (changed, changed[: int(cut * len(changed))]):
        check(reader(body))
        done = extract(body, url="", content_type="text/html" if "html" in name or "paper" in name else "")
        assert "the reader failed" not in done.reason, done.reason
        check(done)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.sampled_from([*(data for _, data in READERS.values()), b"<", b"{{", b"\x1b$B", b"\xff", b"|}"]))
)
def test_pieces_of_several(parts: list[bytes]) -> None:
    """Documents put together from others, as broken servers send them."""
    body = b"".join(part[: 40 + 7 * n] for n, part in enumerate(parts))
    check(extract(body, url="https://www.example.jp/", content_type="text/html"))
