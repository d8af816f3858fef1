"""The dispatcher finds the reader by content, and tells pages that are no document."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.extract import extract
from corpus.extract.model import KINDS, OUTCOMES

READERS = {
    "law.xml": "law_xml",
    "packins.xml": "pmda_xml",
    "packins.zip": "pmda_xml",
    "mod.html": "mod_html",
    "wiki.html": "wiki_html",
    "report.pdf": "pdf",
    "plain.txt": "plain",
}


@pytest.mark.parametrize("name", READERS)
def test_reader_by_content(samples: dict[str, bytes], name: str) -> None:
    """Content decides, with or without a content type, whatever the URL."""
    for content_type in ("", "application/octet-stream" if not name.endswith("html") else "text/html"):
        done = extract(samples[name], url="", content_type=content_type)
        assert (done.outcome, done.extractor) == ("ok", READERS[name])
        assert done.extractor_version


def test_dump_is_read_elsewhere(samples: dict[str, bytes]) -> None:
    """A dump holds many documents; the outcome says so."""
    for name in ("dump.xml", "dump.xml.bz2"):
        done = extract(samples[name], url="")
        assert done.outcome == "unsupported"
        assert "page by page" in done.reason


PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body><p>{}</p></body></html>"


@pytest.mark.parametrize(
    ("data", "url", "content_type", "outcome"),
    [
        (b"", "", "", "empty"),
        (b" \r\n\t ", "", "text/html", "empty"),
        (PAGE.format("Just a moment...", "Checking").encode(), "", "text/html", "challenge"),
        (PAGE.format("x", "<script>window._cf_chl_opt={}</script>").encode(), "", "text/html", "challenge"),
        (PAGE.format("エラー", "該当する文書はありません。").encode(), "", "text/html", "error_page"),
        (PAGE.format("メンテナンス中", "しばらくお待ちください。").encode("cp932"), "", "text/html", "error_page"),
        (PAGE.format("404 Not Found", "nginx").encode(), "", "text/html", "error_page"),
        (
            PAGE.format("e-Gov", "ただいま保守作業中です").encode(),
            "https://laws.e-gov.go.jp/api/2/law_data/1",
            "text/html",
            "error_page",
        ),
        (PAGE.format("PMDA", "本文").encode(), "https://x/a", "application/zip", "error_page"),
        (PAGE.format("PMDA", "本文").encode(), "https://x/a/report.pdf", "", "error_page"),
        (
            b'<!doctype html><html><head><title>App</title></head><body><div id="app"></div></body></html>',
            "",
            "",
            "empty",
        ),
        (b"<?xml version='1.0'?><rss><channel/></rss>", "", "", "unsupported"),
        (b"\x00\x01\x02\x03" * 50, "", "", "unsupported"),
        (b"\x1f\x8b\x08\x00rest", "", "", "unsupported"),
    ],
)
def test_no_document(data: bytes, url: str, content_type: str, outcome: str) -> None:
    """Empty bodies, challenges, error pages with status 200 and unknown formats are outcomes without text."""
    done = extract(data, url=url, content_type=content_type)
    assert (done.outcome, done.text) == (outcome, "")
    assert done.reason
    assert "\n" not in done.reason


@pytest.mark.parametrize(
    "content_type", ["image/jpeg", "Image/PNG", "audio/mpeg", " video/mp4; codecs=x", "font/woff2", ""]
)
def test_media_are_no_text(content_type: str) -> None:
    """A picture, a sound or a film is never read as text, however short it was cut; nor is one without a type."""
    done = extract(b"\xff\xd8\xff\xe0jpeg", url="", content_type=content_type)
    assert (done.outcome, done.text) == ("unsupported", "")
    if content_type:
        assert extract(b"GIF89a words", url="", content_type=content_type).outcome == "unsupported"
    assert extract(b"\x89PNG\r\n\x1a\nIHDR", url="").outcome == "unsupported"


def test_content_decides_before_a_wrong_media_type(samples: dict[str, bytes]) -> None:
    """A server that calls a report a picture does not hide it."""
    for name in ("report.pdf", "law.xml", "wiki.html"):
        assert extract(samples[name], url="", content_type="image/jpeg").outcome == "ok"


def test_many_comments_take_no_time(samples: dict[str, bytes]) -> None:
    """A head of thousands of comments is read past, with and without a root element after it."""
    started = time.perf_counter()
    assert extract(b"<!---->" * 5000 + b"x", url="").outcome in ("ok", "unsupported", "empty")
    law = samples["law.xml"].split(b"?>", 1)[1]
    assert extract(b"<?xml version='1.0'?>" + b"<!-- a -->" * 5000 + law, url="").outcome == "ok"
    assert time.perf_counter() - started < 5


def test_error_in_the_title_of_a_real_page() -> None:
    """A long article about errors is a document."""
    words = "The article says that an error is the difference between what is measured and what is true. " * 12
    assert extract(PAGE.format("Error", f"</p><p>{words}").encode(), url="https://x/error").outcome == "ok"


NAMES = st.sampled_from([*READERS, "old.html", "dump.xml", "dump.xml.bz2"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=NAMES,
    cut=st.floats(0, 1),
    edits=st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=4), st.integers(0, 6)), max_size=6),
    url=st.sampled_from(["", "https://www.mod.go.jp/j/press/wp/x.html", "http://[bad", "https://x/api/2/law_data/1"]),
)
def test_corruption_never_raises(
    samples: dict[str, bytes], name: str, cut: float, edits: list[tuple[float, bytes, int]], url: str
) -> None:
    """Whatever bytes are cut, replaced or put in, the result is a known outcome whose sections fit its text."""
    data = bytearray(samples[name])
    for place, new, length in edits:
        at = int(place * len(data))
        data[at : at + length] = new
    done = extract(bytes(data[: int(cut * len(data))] if cut > 0.1 else data), url=url)
    assert done.outcome in OUTCOMES
    assert not done.reason.startswith("the reader failed") or "[bad" in url
    if done.outcome != "ok":
        assert done.text == ""
        return
    done.text.encode()
    for before, after in zip(done.sections, done.sections[1:], strict=False):
        assert before.end + 1 == after.start
    assert (done.sections[0].start, done.sections[-1].end) == (0, len(done.text))
    assert all(s.kind in KINDS and s.start < s.end for s in done.sections)
    assert 0 <= done.kept_share <= 1
    assert 0 <= done.garbled_share <= 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["", "text/html", "application/xml", "application/json", "text/plain"]))
def test_any_bytes(data: bytes, content_type: str) -> None:
    """Any bytes under any content type are a known outcome."""
    assert extract(data, url="", content_type=content_type).outcome in OUTCOMES
