"""The other routes of each source, its change feed, and what needs the user's word first, against tiny sites."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import crawl_sites as sites
from crawl_sites import JSON, XML, at, crawl, documents, fetches, html, ledger
from site_server import Answer, Site

REV = "503AC000000000{}_{}_000000000000000"
ALL = "/bulkdownload?file_section=1&only_xml_flag=true"


def law_zip(revisions: dict[str, str], damage: bool = False) -> bytes:
    """A bulk zip: revision -> mark of its column 未施行; `damage` spoils an entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        rows = ["法令名,法令ID,本文URL,未施行"]
        for revision, ahead in revisions.items():
            law = revision.partition("_")[0]
            rows.append(f"試験法{law[-1]},{law},https://laws.e-gov.go.jp/law/{revision},{ahead}")
            archive.writestr(f"{revision}/{revision}.xml", sites.law_xml(int(law[-1])))
        archive.writestr("all_law_list.csv", "\ufeff" + "\r\n".join(rows))
    whole = out.getvalue()
    return whole.replace("番号は".encode(), "番号ほ".encode(), 1) if damage else whole


def robots() -> Answer:
    """The HTML shell that stands for robots.txt."""
    return html("e-Gov 法令検索", '<div id="app"></div>')


def test_egov_zip_gives_one_revision_a_law(tmp_path: Path) -> None:
    """The newest revision in force comes out of the zip; a future and a past one are booked, each as what it is."""
    now, ahead, past = REV.format(1, "20240401"), REV.format(1, "20990401"), REV.format(1, "20200401")
    body = law_zip({ahead: "○", now: "", past: "", REV.format(2, "20240401"): ""})
    with Site({"/robots.txt": robots(), ALL: Answer(body, "application/zip")}).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), "-a", "route=bulk")
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "egov")}
    assert sorted(rows) == [now, REV.format(2, "20240401")]
    assert (rows[now]["url"], rows[now]["title"]) == ("https://laws.e-gov.go.jp/law/503AC0000000001", "試験法1")
    assert rows[now]["container_sha256"] == hashlib.sha256(body).hexdigest()
    booked = ledger(tmp_path / "w")
    assert booked[f"egov:{ahead}"] == ("dropped", "not_in_force")
    assert booked[f"egov:{past}"] == ("dropped", "superseded_revision")
    assert not list((tmp_path / "w" / "downloads").rglob("*.piece"))  # what was read needs no space any more


def test_egov_asks_for_all_revisions_where_the_user_does(tmp_path: Path) -> None:
    """-a revisions=all takes past and future ones too."""
    revisions = [REV.format(1, day) for day in ("20200401", "20240401", "20990401")]
    body = law_zip(dict.fromkeys(revisions, ""))
    with Site({"/robots.txt": robots(), ALL: Answer(body, "application/zip")}).serve() as site:
        crawl("egov", tmp_path / "w", *at(site), "-a", "route=bulk", "-a", "revisions=all")
    assert sorted(row["key"] for row in documents(tmp_path / "w", "egov")) == revisions


def test_egov_starts_a_damaged_zip_again(tmp_path: Path) -> None:
    """A zip whose CRC is wrong is asked for once more; none of its documents is taken."""
    revision = REV.format(1, "20240401")
    site = Site({"/robots.txt": robots(), ALL: Answer(law_zip({revision: ""}), "application/zip")})
    site.first[ALL] = [Answer(law_zip({revision: ""}, damage=True), "application/zip")]
    with site.serve():
        ended = crawl("egov", tmp_path / "w", *at(site), "-a", "route=bulk")
        assert site.targets.count(ALL) == 2
    assert ended.code == 0, ended.err
    assert "番号は1である" in str(documents(tmp_path / "w", "egov")[0]["text"])
    assert "corrupt" in {row["outcome"] for row in fetches(tmp_path / "w", "egov")}


def test_egov_reads_a_zip_that_a_killed_run_left(tmp_path: Path) -> None:
    """A whole zip that is here already is read without asking for 285 MB again."""
    folder = tmp_path / "w" / "downloads" / "egov" / "all_xml.zip"
    folder.mkdir(parents=True)
    (folder / f"{0:015d}.piece").write_bytes(law_zip({REV.format(1, "20240401"): ""}))
    with Site({"/robots.txt": robots()}).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), "-a", "route=bulk")
        assert ALL not in site.targets
    assert ended.summary["documents"] == 1


def test_egov_old_xml_api_and_old_pages(tmp_path: Path) -> None:
    """API v1 names laws by LawID; the pages of before 2017 are Shift_JIS."""
    listed = "<LawNameListInfo><LawId>503AC0000000001</LawId><LawName>試験法</LawName></LawNameListInfo>"
    law = sites.law_xml(1).decode().partition("?>")[2]
    page = f"<HTML><HEAD><TITLE>旧法</TITLE></HEAD><BODY><P>{sites.JA * 3}旧い頁である。</P></BODY></HTML>"
    answers = {
        "/robots.txt": robots(),
        "/api/1/lawlists/1": Answer(f"<DataRoot><ApplData>{listed}</ApplData></DataRoot>".encode(), XML),
        "/api/1/lawdata/503AC0000000001": Answer(
            f"<DataRoot><ApplData><LawFullText>{law}</LawFullText></ApplData></DataRoot>".encode(), XML
        ),
        "/": Answer('<HTML><BODY><A HREF="/htmldata/S30/S30HO1.html">旧法</A></BODY></HTML>'.encode("cp932")),
        "/htmldata/S30/S30HO1.html": Answer(page.encode("cp932"), "text/html"),
    }
    with Site(answers).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), "-a", "route=api1,old")
    assert ended.code == 0, ended.err
    rows = {row["key"]: str(row["text"]) for row in documents(tmp_path / "w", "egov")}
    assert sorted(rows) == ["503AC0000000001", "html:S30/S30HO1"]
    assert "旧い頁である" in rows["html:S30/S30HO1"]


def test_egov_since_reads_each_feed(tmp_path: Path) -> None:
    """Changes come from `updated` in the API, one zip a day, and updatelawlists; a quiet day is no failure."""
    from crawlers.arguments import today

    day = today()
    listed = [sites.law_info(f"503AC000000000{n}", REV.format(n, "20240401"), updated=f"{when}T09:15:59+09:00")
              for n, when in ((1, day), (2, "2020-01-01"))]  # fmt: skip
    answers = {
        "/robots.txt": robots(),
        f"/api/2/laws?limit=100&offset=0&updated_from={day}": Answer(json.dumps({"laws": listed}).encode(), JSON),
        f"/api/2/law_file/xml/{REV.format(1, '20240401')}": Answer(sites.law_xml(1), XML),
        f"/bulkdownload?file_section=3&update_date={day:%Y%m%d}&only_xml_flag=true": robots(),
        f"/api/1/updatelawlists/{day:%Y%m%d}": Answer(b"<DataRoot/>", XML, 404),
    }
    with Site(answers).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), "-a", f"since={day}", "-a", "route=api,bulk,api1")
        assert set(answers) == set(site.targets)
    assert ended.code == 0, ended.err
    assert [row["key"] for row in documents(tmp_path / "w", "egov")] == [REV.format(1, "20240401")]


def test_mod_takes_pdfs_and_the_years_that_only_the_archive_has(tmp_path: Path) -> None:
    """PDFs of the year, Shift_JIS frames of an old year; a year that the main host has is not read in the archive."""
    old = "http://www.clearing.mod.go.jp/hakusho_data"
    site = sites.mod(2, extra='<a href="pdf/R06.pdf">PDF</a>')
    index = site.answers["/j/press/wp/index.html"]
    index.body += f'<a href="{old}/1999/index.html">1999</a> <a href="{old}/2024/index.html">2024</a>'.encode()
    page = f"<HTML><BODY><H2>試験</H2><P>{sites.JA * 4}古い頁である。</P></BODY></HTML>"
    site.answers |= {
        "/j/press/wp/wp2024/pdf/R06.pdf": Answer(sites.pdf(f"White paper. {sites.EN} " * 4), "application/pdf"),
        "/en/publ/w_paper/index.html": html("DOJ", '<a href="/en/publ/w_paper/wp2024/DOJ2024_EN.html">2024</a>'),
        "/en/publ/w_paper/wp2024/DOJ2024_EN.html": html("DOJ", '<a href="DOJ2024_Digest_EN.pdf">Digest</a>'),
        "/en/publ/w_paper/wp2024/DOJ2024_Digest_EN.pdf": Answer(sites.pdf(f"Digest. {sites.EN} " * 5)),
        "/hakusho_data/1999/index.html": Answer(b'<HTML><FRAMESET><FRAME SRC="menu.html"></FRAMESET></HTML>'),
        "/hakusho_data/1999/menu.html": Answer(b'<HTML><BODY><A HREF="html/n11.html">1</A></BODY></HTML>'),
        "/hakusho_data/1999/html/n11.html": Answer(page.encode("cp932"), "text/html"),
    }
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-a", "route=all", "-a", "lang=ja")
        assert crawl("mod", tmp_path / "e", *at(site), "-a", "route=pdf", "-a", "lang=en").code == 0
        assert not any("hakusho_data/2024" in target for target in site.targets)
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "mod")}
    assert sorted(rows) == ["1999/n11", "2024/n101", "2024/n102", "2024/pdf/R06.pdf"]
    assert rows["1999/n11"]["url"] == f"{old}/1999/html/n11.html"
    assert "古い頁である" in str(rows["1999/n11"]["text"])
    assert [row["key"] for row in documents(tmp_path / "e", "mod")] == ["2024/en/pdf/DOJ2024_Digest_EN.pdf"]


def test_mod_feed_is_read_by_the_year_in_the_url(tmp_path: Path) -> None:
    """An item's date is not believed: the year of the white paper decides what is new."""
    item = "<item><link>https://www.mod.go.jp/j/press/wp/wp{}/html/{}.html</link><pubDate>{}</pubDate></item>"
    items = item.format(2024, "n101", "Fri, 1 Jul 2016") + item.format(2010, "n102", "Fri, 1 Jul 2026")
    site = sites.mod(1)
    for name in ("news", "update"):
        site.answers[f"/j/rss/{name}.xml"] = Answer(f"<rss><channel>{items}</channel></rss>".encode(), XML)
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-a", "since=2024-01-01")
        assert "/j/press/wp/index.html" not in site.targets
    assert ended.code == 0, ended.err
    assert [row["key"] for row in documents(tmp_path / "w", "mod")] == ["2024/n101"]


def search(*records: dict[str, object], total: int = 0) -> Answer:
    """An answer of the search."""
    found = {"stats": {"total": total or len(records)}, "results": list(records)}
    return Answer(json.dumps(found).encode(), JSON)


def test_nasa_falls_back_to_the_text_and_then_to_the_abstract(tmp_path: Path) -> None:
    """A PDF without text gives way to the OCR text, a missing one without a text to the abstract."""
    path = "/api/citations/{0}/downloads/{0}.{1}"
    links = [{"links": {"pdf": path.format(n, "pdf"), "fulltext": path.format(n, "txt")}} for n in range(3)]
    first = sites.citation(1, downloads=[links[1]])
    second = sites.citation(2, downloads=[links[2]], abstract=f"The abstract. {sites.EN}", stiType="REPORT")
    answers = {
        "/api/citations/search?page.size=100&page.from=0": search(first, second),
        path.format(1, "pdf"): Answer(sites.pdf(""), "application/pdf"),
        path.format(1, "txt"): Answer(f"OCR text. {sites.EN * 3}".encode(), "text/plain"),
        "/api/citations/2": Answer(json.dumps(second).encode(), JSON),
    }
    with Site(answers).serve() as site:
        ended = crawl("nasa", tmp_path / "w", *at(site))
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "nasa")}
    assert str(rows["1"]["text"]).startswith("OCR text.")
    assert rows["1"]["url"] == "https://ntrs.nasa.gov/api/citations/1/downloads/1.txt"
    assert "The abstract." in str(rows["2"]["text"])
    assert {outcome for outcome, _ in ledger(tmp_path / "w").values()} == {"kept"}


def test_nasa_takes_a_paper_under_two_ids_once(tmp_path: Path) -> None:
    """Same title and report number: one document, the other is booked as its twin; also on the next run."""
    twin = sites.citation(2, title="A report on TEST 1", otherReportNumbers=["nasa-tm-1"])
    site = sites.nasa((1,))
    site.answers["/api/citations/search?page.size=100&page.from=0"] = search(sites.citation(1), twin)
    with site.serve():
        crawl("nasa", tmp_path / "w", *at(site))
        site.answers["/api/citations/search?page.size=100&page.from=0"] = search(twin)
        crawl("nasa", tmp_path / "w", *at(site))
    assert [row["key"] for row in documents(tmp_path / "w", "nasa")] == ["1"]
    assert ledger(tmp_path / "w")["nasa:2"] == ("dropped", "twin_of")


def test_nasa_cuts_a_large_search_by_publication_date(tmp_path: Path) -> None:
    """More than the 10,000 that can be paged are halved by date until each slice can be."""
    from crawlers.arguments import today

    middle = "1963"  # half-way from 1900 to now
    site = sites.nasa((1, 2))
    base = "/api/citations/search?page.size=100&page.from=0"
    site.answers[base] = search(sites.citation(1), total=12_000)
    with site.serve():
        crawl("nasa", tmp_path / "w", *at(site))
        slices = [target for target in site.targets if "published.gte" in target]
    assert len(slices) == 2
    assert slices[0].startswith(f"{base}&published.gte=1900-01-01&published.lte={middle}")
    assert slices[1].endswith(f"published.lte={today()}")
    assert not any("/downloads/" in target for target in site.targets)


def test_nasa_since_leaves_out_what_did_not_change(tmp_path: Path) -> None:
    """A server that ignores `modified.gte` does no harm: the record's own date decides."""
    old, new = (sites.citation(n, modified=f"{day}T00:00:00.0000000+00:00")
                for n, day in ((1, "2020-01-01"), (2, "2026-01-02")))  # fmt: skip
    site = sites.nasa((1, 2))
    query = "/api/citations/search?page.size=100&page.from=0&modified.gte=2026-01-01"
    site.answers[query] = search(old, new)
    with site.serve():
        ended = crawl("nasa", tmp_path / "w", *at(site), "-a", "since=2026-01-01")
    assert ended.code == 0, ended.err
    assert [row["key"] for row in documents(tmp_path / "w", "nasa")] == ["2"]
    assert "nasa:1" not in ledger(tmp_path / "w")
