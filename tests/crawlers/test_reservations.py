"""What pages, headers and sites say of their own use: read, recorded, and attributed to the place that says it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import Answer, at, crawl, documents, fetches
from hypothesis import given
from hypothesis import strategies as st
from site_server import TDMREP

from corpus.base.commit import sha256_bytes
from crawlers.reservations import TdmRule, header_reservations, page_reservations, tdm_of, tdmrep

PAGES = [
    (b'<meta name="robots" content="noai">', ["meta:noai"]),
    (b"<META NAME=ROBOTS CONTENT=NOINDEX,NOFOLLOW>", ["meta:nofollow", "meta:noindex"]),
    (b"<html><meta content='none' name='robots'/>", ["meta:none"]),
    (b'<meta name="robots" content="index, follow, max-image-preview:large">', []),
    (b'<meta name="hakushobot" content="noarchive">', ["meta:noarchive"]),
    (b'<meta name="googlebot" content="noindex">', []),
    (b'<meta name="robots" content="noai"><meta name="robots" content="noimageai">', ["meta:noai", "meta:noimageai"]),
    (b'<meta name="tdm-reservation" content="1">', ["meta:tdm-reservation=1"]),
    (
        b'<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://h/p?a=1&amp;b">',
        ["meta:tdm-policy=https://h/p?a=1&b", "meta:tdm-reservation=1"],
    ),
    (b'<meta name="tdm-reservation" content="0">', ["meta:tdm-reservation=0"]),
    (b'<p><!-- <meta name="robots" content="noai"> -->x', []),
    (b'<script>var x = \'<meta name="robots" content="noai">\'</script>', []),
    (b'<!-- open <meta name="robots" content="noai">', []),
    (b'<meta name="description" content="a > b"><meta name="robots" content="noml">', ["meta:noml"]),
    ('<meta name="robots" content="noai">特'.encode("cp932"), ["meta:noai"]),
    ('\ufeff<html><meta name="robots" content="noai">'.encode("utf-16-le"), ["meta:noai"]),
    (b'<?xml version="1.0"?><Law><meta name="robots" content="noai"/></Law>', []),
    (b'<?xml version="1.0"?><html xmlns="x"><meta name="robots" content="noai"/></html>', ["meta:noai"]),
    (b"%PDF-1.7\n<rdf tdm:reservation='1' tdm:policy=\"https://h/p\">",
     ["pdf:tdm-policy=https://h/p", "pdf:tdm-reservation=1"]),
    (b"%PDF-1.7\n<tdm:reservation>0</tdm:reservation>", ["pdf:tdm-reservation=0"]),
    (b"", []),
    (b"robots noai", []),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "said"), PAGES)
def test_a_page_is_read(raw: bytes, said: list[str]) -> None:
    """Words to all robots or to ours, from real tags alone."""
    assert page_reservations(raw) == said


HEADERS = [
    (None, None, []), ("noai", None, ["header:noai"]),
    ("noindex, nofollow", None, ["header:nofollow", "header:noindex"]),
    ("googlebot: noindex, noai", None, []), ("HakushoBot: noai", None, ["header:noai"]),
    ("googlebot: noindex\nnoai", None, ["header:noai"]), ("otherbot: noindex, hakushobot: noai", None, ["header:noai"]),
    ("unavailable_after: 25 Jun 2030 15:00:00 PST, noarchive", None, ["header:noarchive"]),
    ("max-snippet: 5, none", None, ["header:none"]), ("all", None, []), (None, "1", ["header:tdm-reservation=1"]),
    ("noai", "0", ["header:noai", "header:tdm-reservation=0"]),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "tdm", "said"), HEADERS)
def test_headers_are_read(tag: str | None, tdm: str | None, said: list[str]) -> None:
    """Also in the form that speaks to one robot, whose words are for that robot alone."""
    assert header_reservations(tag, tdm, None, "header" if tdm else None) == said


RULES = [
    {"location": "/open/*", "tdm-reservation": 0},
    {"location": "/exact$", "tdm-reservation": 1},
    {"location": "/", "tdm-reservation": 1, "tdm-policy": "https://h/policy.json"},
]


@pytest.mark.parametrize(
    ("path", "reservation"), [("/open/x", "0"), ("/exact", "1"), ("/exactly", "1"), ("/x", "1"), ("/open", "1")]
)
def test_a_tdmrep_file_speaks_by_path(path: str, reservation: str) -> None:
    """The first rule that fits a path decides."""
    rule = tdm_of(tdmrep(json.dumps(RULES).encode()), f"https://h{path}")
    assert rule is not None
    assert rule.reservation == reservation
    assert rule == tdm_of([TdmRule("/exact$", "1", "")], f"https://h{path}") if path == "/exact" else True


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1, null]", b'[{"location": 1, "tdm-reservation": 1}]',
                                  b'[{"location": "/", "tdm-reservation": "yes"}]', b"[" * 100_000])  # fmt: skip
def test_a_broken_tdmrep_file_says_nothing(body: bytes) -> None:
    """Whatever it is."""
    assert tdmrep(body) == []


@given(st.binary(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_nothing_raises(raw: bytes, tag: str, url: str) -> None:
    """Any bytes, header and URL."""
    for data in (raw, b"<html>" + raw, b"%PDF-" + raw):
        assert page_reservations(data) == sorted(page_reservations(data))
    header_reservations(tag, None, None, None)
    tdm_of([TdmRule(tag, "1", "")], url)


@pytest.mark.parametrize("part", [b"<!--", b'<meta "', b"<meta '", b"<script>", b"<meta name=", b"<"])
def test_hostile_pages_take_linear_time(part: bytes) -> None:
    """A megabyte of what never ends is looked through once."""
    begun = time.process_time()
    page_reservations(b"<html>" + part * (2**20 // len(part)))
    assert time.process_time() - begun < 3


def test_what_is_reserved_stands_in_the_tables(tmp_path: Path) -> None:
    """Page into documents; header, or else the site's own file, into fetches; that file is asked for once."""
    site = sites.mod(3)
    base = "/j/press/wp/wp2024/html"
    page = site.answers[f"{base}/n101.html"]
    page.body = page.body.replace(b"<title>", b'<meta name="robots" content="noai"><title>')
    site.answers[f"{base}/n102.html"].headers |= {"X-Robots-Tag": "noarchive", "TDM-Reservation": "0"}
    rules = [{"location": "/j/*", "tdm-reservation": 1, "tdm-policy": "https://www.mod.go.jp/policy"}]
    site.answers[TDMREP] = Answer(json.dumps(rules).encode(), "application/json")
    with site.serve():
        assert crawl("mod", tmp_path / "w", *at(site)).code == 0
        assert site.targets.count(TDMREP) == 1
    pages = {row["key"]: row["reservations"] for row in documents(tmp_path / "w", "mod")}
    assert pages == {"2024/n101": ["meta:noai"], "2024/n102": [], "2024/n103": []}
    rows = {row["url"].rpartition("/")[2]: row for row in fetches(tmp_path / "w", "mod")}
    said = {name: tuple(rows[name][f"tdm_{what}"] for what in ("reservation", "policy", "place"))
            for name in ("n102.html", "n103.html")}  # fmt: skip
    assert said == {
        "n102.html": ("0", None, "header"),
        "n103.html": ("1", "https://www.mod.go.jp/policy", "well-known"),
    }
    assert rows["n102.html"]["x_robots_tag"] == "noarchive"
    robots = sha256_bytes(site.answers["/robots.txt"].body)
    assert (rows["robots.txt"]["raw_sha256"], rows["n102.html"]["robots_sha256"]) == (robots, robots)
    assert (tmp_path / "w" / "robots" / "mod" / f"{robots}.txt").read_bytes() == site.answers["/robots.txt"].body
