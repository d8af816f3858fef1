"""The routes of PMDA and Wikipedia beside the usual ones: reports, the registered zip, pages, and the API."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import zipfile
from pathlib import Path

import crawl_sites as sites
from crawl_sites import Answer, at, crawl, documents, ledger
from site_server import Site

FRONT, ZIP = "/", "/medinavi/pmda_all_sgml_xml_20261101.zip"
LISTS = "/review-services/drug-reviews/review-information/p-drugs"
NUMBER = "1111111A1011_1_0{}"
SECRET = "sid=do-not-write-me"


def whole_set(*numbers: str) -> bytes:
    """PMDA's zip of all inserts: a list in cp932, which names one insert more, and a folder each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        rows = "".join(f"試験錠,{number}\r\n" for number in (*numbers, NUMBER.format(9)))
        archive.writestr("SGML_XML/list.csv", f"販売名,添付文書番号\r\n{rows}".encode("cp932"))
        for number in numbers:
            with zipfile.ZipFile(io.BytesIO(sites.insert_zip(number))) as inner:
                archive.writestr(f"SGML_XML/A/123456_{number}/123456_{number}.xml", inner.read(f"{number}.xml"))
    return out.getvalue()


def test_pmda_reports_and_the_zip_of_a_registered_user(tmp_path: Path) -> None:
    """Reports of all lists, by whose text they are; the zip with the user's cookie, which nothing else is sent with."""
    report = sites.pdf(f"Report on the deliberation. {sites.EN} " * 4)
    site = sites.pmda((), ())
    site.answers |= {
        FRONT: sites.html("PMDA", f'<a href="{ZIP}">zip</a>'),
        ZIP: Answer(whole_set(NUMBER.format(1), NUMBER.format(2)), "application/zip"),
        f"{LISTS}/0010.html": sites.html("一覧", f'<a href="{LISTS}/0011.html">次</a>'),
        f"{LISTS}/0011.html": sites.html(
            "一覧",
            '<a href="/drugs/2020/P1/1_A100_1.pdf">報告</a> <a href="/drugs/2020/P1/1_B100_1.pdf">申請</a>',
        ),
        "/drugs/2020/P1/1_A100_1.pdf": Answer(report, "application/pdf"),
        "/drugs/2020/P1/1_B100_1.pdf": Answer(report + b"\n", "application/pdf"),
    }
    words = ("-a", "route=reports,set", "-a", f"cookie={SECRET}")
    with site.serve():
        ended = crawl("pmda", tmp_path / "w", *at(site), *words)
        site.answers[ZIP] = sites.html("ログイン", "<form>login</form>")
        refused = crawl("pmda", tmp_path / "x", *at(site), "-a", "route=set", "-a", f"cookie={SECRET}")
    assert ended.code == 0, ended.err
    licences = {row["key"]: row["licence"] for row in documents(tmp_path / "w", "pmda")}
    assert licences == {
        "1_A100_1.pdf": "PDL-1.0", "1_B100_1.pdf": "restricted",
        NUMBER.format(1): "restricted", NUMBER.format(2): "restricted",
    }  # fmt: skip
    assert ledger(tmp_path / "w")[f"pmda:{NUMBER.format(9)}"] == ("dropped", "no_document")
    assert {request.target for request in site.seen if request.cookie} == {ZIP}
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert refused.code == 1
    assert "a login page in place of the zip" in str(refused.summary["lost_listings"])


def wikipedia() -> Site:
    """One wiki: a dump of A1 with its index, and pages of A1 and New, which is newer than the dump."""
    dump, index = sites.dump(sites.articles("en", 1)), bz2.compress(b"100:1:Redirected\n100:11:A1\n")
    name = "enwiki-20261101-pages-articles-multistream{}.bz2".format
    sums = "".join(
        f"{hashlib.sha1(body).hexdigest()}  {name(tail)}\n" for tail, body in ((".xml", dump), ("-index.txt", index))
    )
    links = '<a href="/wiki/A1">A1</a> <a href="/wiki/New">New</a> <a href="/wiki/Gone">x</a>'
    article = f'<div id="mw-content-text"><div class="mw-parser-output"><p>{sites.EN * 12}</p></div></div>'
    return Site(
        {
            "/robots.txt": Answer(b"User-agent: *\nDisallow: /wiki/Special:\n", "text/plain"),
            "/enwiki/latest/enwiki-latest-sha1sums.txt": Answer(sums.encode(), "text/plain"),
            f"/enwiki/20261101/{name('.xml')}": Answer(dump, "application/octet-stream"),
            f"/enwiki/20261101/{name('-index.txt')}": Answer(index, "application/octet-stream"),
            "/wiki/Main_Page": sites.html("Main Page", f'<div id="mw-content-text">{links}</div>'),
            "/wiki/New": sites.html("New - Wikipedia", f"<h1>New</h1>{article}"),
        }
    )


def test_wikipedia_asks_for_the_pages_that_the_dump_has_not(tmp_path: Path) -> None:
    """Where all is wanted: first the dump, whose checksum is tested, then what its index does not name."""
    with wikipedia().serve() as site:
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=en")
        assert [target for target in site.targets if target.startswith("/wiki/")] == [
            "/wiki/Main_Page", "/wiki/New", "/wiki/Gone"
        ]  # fmt: skip
    assert ended.code == 0, ended.err
    forms = {row["key"]: row["content_type"] for row in documents(tmp_path / "w", "wikipedia")}
    assert forms == {"en:A1": "application/xml", "en:New": "text/html"}
    assert ledger(tmp_path / "w")["wikipedia:en:Gone"] == ("dropped", "http_404")


def test_the_api_of_wikipedia_exports_titles_in_batches(tmp_path: Path) -> None:
    """With the user's word, and where robots.txt allows it: `continue` is merged and passed back until it is absent."""
    query = "action=query&maxlag=5&list=allpages&apfilterredir=nonredirects&aplimit=50&format=json&formatversion=2"
    first = {"query": {"allpages": [{"title": "A1"}]}, "continue": {"apcontinue": "B", "continue": "-||"}}
    last = {"query": {"allpages": [{"title": "A2"}]}}
    site = Site({"/robots.txt": Answer(b"", "text/plain")})
    for more, data in (("", first), ("&apcontinue=B&continue=-%7C%7C", last)):
        site.answers[f"/w/api.php?{query}{more}"] = Answer(json.dumps(data).encode(), "application/json")
    for number in (1, 2):
        page = sites.articles("en", number)[-1]
        body = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">{page}</mediawiki>'
        asked = f"/w/api.php?action=query&maxlag=5&export=1&exportnowrap=1&titles=A{number}"
        site.answers[asked] = Answer(body.encode(), "application/xml")
    with site.serve():
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=en", "-a", "route=api", "-a", "opt_in=api")
    assert ended.code == 0, ended.err
    assert sorted(row["key"] for row in documents(tmp_path / "w", "wikipedia")) == ["en:A1", "en:A2"]
