"""One wrong byte, a cut, or bytes from elsewhere: every reader ends with an outcome, never an exception."""

from __future__ import annotations

import bz2
import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from extract_samples import (
    LAW,
    OLD_WHITE_PAPER,
    PACKINS,
    WHITE_PAPER,
    WIKI_PAGE,
    WIKITEXT,
    make_dump,
    make_pdf,
    make_zip,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.extraction_pages import general_pages
from corpus.base.errors import CorruptFileError, InputError
from corpus.extract import (
    Extracted,
    html,
    law_html,
    law_xml,
    mod_html,
    ntrs_json,
    ocr,
    pdf,
    plain,
    pmda_sgml,
    pmda_xml,
    wiki_html,
)
from corpus.extract.archives import Member, warc_members, zip_members
from corpus.extract.dispatch import extract
from corpus.extract.encoding import decode
from corpus.extract.model import KINDS, OUTCOMES
from corpus.extract.wikidump import pages
from corpus.extract.wikistreams import _read_span, read_page, spans
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
    "page_html": (html.extract, next(general_pages(1)).data),
    "old_page_html": (html.extract, next(page.data for page in general_pages(1) if page.title == "tables_of_1998")),
    "packins_zip": (pmda_xml.extract_zip, make_zip({"9_x/9_x.xml": PACKINS.encode()})),
    "pdf": (pdf.extract, make_pdf([["The rotor was tested at four speeds."]])),
}


def _warc() -> list[bytes]:
    """Two answers, one of them compressed on the way."""
    records = []
    for name, coding in (("a", b""), ("b", b"Content-Encoding: gzip\r\n")):
        body = gzip.compress(WHITE_PAPER.encode(), mtime=0) if coding else WHITE_PAPER.encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%s\r\n%s" % (coding, body)
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://www.example.jp/{name}\r\n"
        head += f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(answer)}\r\n\r\n"
        records.append(head.encode() + answer + b"\r\n\r\n")
    return records


def _of_members(members: Callable[[Path], Iterator[Member]]) -> Callable[[Path], Iterator[Extracted]]:
    """What an archive's documents come to."""

    def read(path: Path) -> Iterator[Extracted]:
        for one in islice(members(path), 50):
            yield one.lost or extract(one.data, url="https://www.example.jp/", content_type=one.content_type)

    return read


def _of_dump(path: Path) -> Iterator[Extracted]:
    """What a dump's pages come to."""
    return (read_page(page, "ja") for page in pages(path))


def _of_index(path: Path) -> Iterator[Extracted]:
    """What the pages of a whole dump come to, by an index."""
    dump = path.with_name("dump.xml.bz2")
    dump.write_bytes(bz2.compress(DUMP))
    return (done for span in spans(dump, "ja", path) for _, _, done in _read_span(span)[0])


DUMP = make_dump([("見本山", 0, WIKITEXT), ("見本川", 0, "#転送 [[見本山]]")])
CONTAINERS: dict[str, tuple[Callable[[Path], Iterator[Extracted]], bytes]] = {
    "laws.zip": (_of_members(zip_members), make_zip({"a/a.xml": LAW.encode(), "b/b.html": WIKI_PAGE.encode()})),
    "crawl.warc.gz": (_of_members(warc_members), b"".join(gzip.compress(one, mtime=0) for one in _warc())),
    "crawl.warc": (_of_members(warc_members), b"".join(_warc())),
    "dump.xml": (_of_dump, DUMP),
    "dump2.xml.bz2": (_of_dump, bz2.compress(DUMP)),
    "index.txt": (_of_index, "0:1:見本山\n0:2:見本川\n".encode()),
    "index.txt.bz2": (_of_index, bz2.compress("0:1:見本山\n0:2:見本川\n".encode())),
}
MORE = 0 if os.environ.get("HYPOTHESIS_EXAMPLES") is None else int(os.environ["HYPOTHESIS_EXAMPLES"])
changes = {"place": st.floats(0, 1), "byte": st.integers(0, 255), "cut": st.floats(0, 1), "insert": st.booleans()}


def changed(data: bytes, place: float, byte: int, cut: float, insert: bool) -> tuple[bytes, bytes]:
    """The bytes with one of them changed or put in, whole and cut."""
    at = int(place * (len(data) - 1))
    whole = data[:at] + bytes([byte]) + data[at + (not insert) :]
    return whole, whole[: int(cut * len(whole))]


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
@settings(max_examples=MORE or 25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**changes)
def test_a_wrong_byte(name: str, place: float, byte: int, cut: float, insert: bool) -> None:
    """Changed or put in anywhere, then read whole and cut: by the reader itself, and by whoever `extract` finds."""
    reader, data = READERS[name]
    for body in changed(data, place, byte, cut, insert):
        check(reader(body))
        done = extract(body, url="", content_type="text/html" if "html" in name or "paper" in name else "")
        assert "the reader failed" not in done.reason, done.reason
        check(done)


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=MORE or 15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**changes)
def test_a_wrong_byte_in_a_container(name: str, place: float, byte: int, cut: float, insert: bool) -> None:
    """Archives and dumps: outcomes, or an error that names the file, and an end."""
    reader, data = CONTAINERS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        for body in changed(data, place, byte, cut, insert):
            path.write_bytes(body)
            try:
                for done in reader(path):
                    assert "the reader failed" not in done.reason, done.reason
                    check(done)
            except (CorruptFileError, InputError):  # what a command tells in one line
                continue


@settings(max_examples=MORE or 60, deadline=None)
@given(
    parts=st.lists(st.sampled_from([*(data for _, data in READERS.values()), b"<", b"{{", b"\x1b$B", b"\xff", b"|}"]))
)
def test_pieces_of_several(parts: list[bytes]) -> None:
    """Documents put together from others, as broken servers send them."""
    body = b"".join(part[: 40 + 7 * n] for n, part in enumerate(parts))
    check(extract(body, url="https://www.example.jp/", content_type="text/html"))
