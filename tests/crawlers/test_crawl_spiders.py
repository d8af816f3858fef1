"""Each spider against a tiny site of its source, in its real formats, over real sockets."""

from __future__ import annotations

import shutil
from pathlib import Path

import crawl_sites as sites
from crawl_sites import Answer, at, crawl, documents, fetches, ledger
from site_server import TDMREP

from corpus.base.schemas import DOCUMENTS, FETCHES, document_id


def test_egov_takes_the_revision_in_force_and_books_the_rest(tmp_path: Path) -> None:
    """Laws in force become documents over all pages of the list; repealed, future and broken ones are booked."""
    with sites.egov(3, page=2).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site))
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "egov")}
    assert sorted(rows) == [f"503AC000000000{n}_20240401_000000000000000" for n in (1, 2, 3)]
    row = rows["503AC0000000002_20240401_000000000000000"]
    assert row["url"] == "https://laws.e-gov.go.jp/law/503AC0000000002"
    assert (row["licence"], row["lang"], row["revision"], row["title"]) == ("PDL-1.0", "ja", "20240401", "試験法2")
    assert row["attribution"] == "出典：e-Gov法令検索（デジタル庁）（https://laws.e-gov.go.jp/law/503AC0000000002）"
    assert "番号は2である" in str(row["text"])
    assert row["id"] == document_id("egov", str(row["key"]), str(row["raw_sha256"]))
    booked = ledger(tmp_path / "w")
    assert booked["egov:503AC0000000008_20200101_000000000000000"] == ("dropped", "repealed")
    assert booked["egov:503AC0000000009_20200101_000000000000000"] == ("dropped", "not_a_document")
    assert booked["egov:503AC0000000001_20300401_000000000000000"] == ("dropped", "not_in_force")
    assert sum(outcome == "kept" for outcome, _ in booked.values()) == 3
    assert ended.summary["documents"] == 3


def test_every_answer_is_a_row_of_fetches(tmp_path: Path) -> None:
    """robots.txt, list, reservations, documents and a maintenance page stand in the history, with time and hash."""
    site = sites.egov(2)
    site.answers[TDMREP] = Answer(b"[]", "application/json")
    with site.serve():
        crawl("egov", tmp_path / "w", *at(site))
    asked = [f"https://laws.e-gov.go.jp{target}" for target in site.targets]
    rows = fetches(tmp_path / "w", "egov")
    assert [row["url"] for row in rows] == asked
    assert [row["purpose"] for row in rows] == ["robots", "listing", "tdmrep", "document", "document", "document"]
    assert [row["outcome"] for row in rows] == ["robots", "listing", "tdmrep", "document", "not_a_document", "document"]
    assert [row["documents"] for row in rows] == [0, 0, 0, 1, 0, 1]
    assert all(row["raw_sha256"] and row["bytes"] and row["time"] and row["status"] == 200 for row in rows)
    assert len({row["run"] for row in rows}) == 1


def test_the_files_hold_the_schemas(tmp_path: Path) -> None:
    """Documents and fetches on disk have the documented schemas."""
    with sites.egov(1).serve() as site:
        crawl("egov", tmp_path / "w", *at(site))
    assert sites.table(tmp_path / "w" / "documents" / "egov").schema.equals(DOCUMENTS)
    assert sites.table(tmp_path / "w" / "fetches" / "egov").schema.equals(FETCHES)


def test_nasa_gate_refuses_for_each_reason(tmp_path: Path) -> None:
    """Permitted records give a PDF document with the record's title; the others are booked with a reason, unasked."""
    with sites.nasa((1, 2)).serve() as site:
        ended = crawl("nasa", tmp_path / "w", *at(site))
        assert not any(f"/{number}/" in target for number in sites.REFUSED for target in site.targets)
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "nasa")}
    assert sorted(rows) == ["1", "2"]
    assert (rows["1"]["title"], rows["1"]["lang"], rows["1"]["licence"]) == ("A Report on Test 1", "en", "US-GOV-PD")
    assert rows["1"]["url"] == "https://ntrs.nasa.gov/api/citations/1/downloads/1.pdf"
    assert "Document ID 1, NASA-TM-1" in str(rows["1"]["attribution"])
    assert "GOV_PUBLIC_USE_PERMITTED" in str(rows["1"]["licence_evidence"])
    for number, (reason, _) in sites.REFUSED.items():
        assert ledger(tmp_path / "w")[f"nasa:{number}"] == ("dropped", reason)


def test_nasa_books_a_missing_and_a_locked_file(tmp_path: Path) -> None:
    """A permitted record whose PDF is gone or is no PDF is dropped with what happened, and the rest goes on."""
    site = sites.nasa((1, 2, 3))
    del site.answers["/api/citations/2/downloads/2.pdf"]
    site.answers["/api/citations/3/downloads/3.pdf"] = sites.html("NTRS", "<p>login</p>")
    with site.serve():
        ended = crawl("nasa", tmp_path / "w", *at(site))
    assert ended.code == 0
    booked = ledger(tmp_path / "w")
    assert booked["nasa:1"] == ("kept", "")
    assert booked["nasa:2"] == ("dropped", "http_404")
    assert booked["nasa:3"] == ("dropped", "not_a_document")


def test_pmda_reads_the_zip_and_follows_a_version_that_is_gone(tmp_path: Path) -> None:
    """An insert comes from the foot's zip; a 404 leads to the next version; the licence is restricted."""
    gone, there = "2399008F1020_7_09", "2399008F1020_7_11"
    with sites.pmda(("1111111A1011_1_01", there), ("1111111A1011_1_01", gone)).serve() as site:
        ended = crawl("pmda", tmp_path / "w", *at(site))
        assert "/downfiles/ph/latest.html" not in site.targets
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "pmda")}
    assert sorted(rows) == ["1111111A1011_1_01", there]
    assert (rows[there]["licence"], rows[there]["revision"], rows[there]["title"]) == ("restricted", "11", "試験錠")
    assert rows[there]["url"] == f"https://www.info.pmda.go.jp/go/pack/{there}/"
    booked = ledger(tmp_path / "w")
    assert booked[f"pmda:{gone}"] == booked["pmda:2399008F1020_7_10"] == ("dropped", "http_404")


def test_pmda_gives_up_after_five_versions(tmp_path: Path) -> None:
    """A product that is gone altogether costs six requests, not an endless count."""
    with sites.pmda(("1111111A1011_1_01",), ("2399008F1020_7_01", "1111111A1011_1_01")).serve() as site:
        crawl("pmda", tmp_path / "w", *at(site))
        assert sum("2399008F1020" in target for target in site.targets) == 6


def test_mod_walks_years_and_pages_and_nothing_else(tmp_path: Path) -> None:
    """The pages of the HTML edition become documents; the form, the calendar and the PDF beside them are not asked."""
    extra = '<a href="/j/press/wp/calendar/index.html?ym=2026-11">calendar</a> <a href="pdf/R06.pdf">PDF</a>'
    with sites.mod(4, extra=extra).serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert not any("calendar" in target or "pdf" in target or "form" in target for target in site.targets)
        assert len(site.targets) == len(set(site.targets))
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "mod")}
    assert sorted(rows) == [f"2024/n10{n}" for n in (1, 2, 3, 4)]
    row = rows["2024/n102"]
    assert row["url"] == "https://www.mod.go.jp/j/press/wp/wp2024/html/n102.html"
    assert (row["revision"], row["content_type"]) == ("2024", "text/html")
    assert "n102の頁である" in str(row["text"])


def test_wikipedia_dump_is_checked_and_read(tmp_path: Path) -> None:
    """Articles of both languages come out of the dumps, in pieces where the site has Range; the rest is booked."""
    ja, en = (sites.dump(sites.articles(lang, 3)) for lang in ("ja", "en"))
    with sites.dumps(ja, en, ranges=True).serve() as site:
        ended = crawl("wikipedia", tmp_path / "w", *at(site))
    assert ended.code == 0, ended.err
    rows = {row["key"]: row for row in documents(tmp_path / "w", "wikipedia")}
    assert sorted(rows) == ["en:A1", "en:A2", "en:A3", "ja:A1", "ja:A2", "ja:A3"]
    row = rows["ja:A2"]
    assert (row["url"], row["revision"]) == ("https://ja.wikipedia.org/wiki/A2", "1012")
    assert (row["licence"], row["lang"], row["title"]) == ("CC-BY-SA-4.0", "ja", "A2")
    assert row["container_sha256"] == sites.hashlib.sha256(ja).hexdigest() != row["raw_sha256"]
    booked = ledger(tmp_path / "w")
    assert booked["wikipedia:ja:Redirected"] == ("dropped", "redirect")
    assert booked["wikipedia:en:Template:X"] == ("dropped", "other_namespace")


def test_wikipedia_dump_is_not_downloaded_twice(tmp_path: Path) -> None:
    """A dump that is here whole is read again without asking the site for more than its checksums."""
    with sites.dumps(sites.dump(sites.articles("ja", 2)), b"").serve() as site:
        crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja")
        first = len(site.targets)
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja")
        assert site.targets[first:] == ["/robots.txt", "/jawiki/latest/jawiki-latest-sha1sums.txt"]
    assert ended.summary["documents"] == 2


def test_documents_of_a_dump_from_an_earlier_run_go_back_to_a_fetch(tmp_path: Path) -> None:
    """A kill between the last piece and its history leaves pieces without a fetch; the next run books the whole."""
    with sites.dumps(sites.dump(sites.articles("ja", 2)), b"").serve() as site:
        crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja")
        for folder in ("fetches", "documents"):
            shutil.rmtree(tmp_path / "w" / folder)
        crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja")
    known = {row["raw_sha256"] for row in fetches(tmp_path / "w", "wikipedia")}
    containers = {row["container_sha256"] for row in documents(tmp_path / "w", "wikipedia")}
    assert containers
    assert containers <= known


def test_wikipedia_dump_with_a_wrong_checksum_gives_nothing(tmp_path: Path) -> None:
    """A damaged dump is asked for once more, then given up, and no document comes of it."""
    with sites.dumps(sites.dump(sites.articles("ja", 2)), b"", sha1="1" * 40).serve() as site:
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja")
        assert sum(target.endswith(".bz2") for target in site.targets) == 2
    assert ended.code == 1
    assert "checksum differs" in str(ended.summary["lost_listings"])
    assert not list((tmp_path / "w" / "documents").rglob("*.parquet"))


def test_wikipedia_html_route_follows_articles_and_redirects(tmp_path: Path) -> None:
    """Route html reads linked articles; a redirect is booked and its target read; special pages are not asked."""

    def page(title: str, links: str) -> Answer:
        canonical = f'<link rel="canonical" href="https://ja.wikipedia.org/wiki/{title}">'
        content = (
            f'<div id="mw-content-text"><div class="mw-parser-output"><p>{sites.JA * 8}{title}</p>{links}</div></div>'
        )
        head = f'<html lang="ja"><head><title>{title} - Wikipedia</title>{canonical}</head>'
        return Answer(f'{head}<body><h1 id="firstHeading">{title}</h1>{content}</body></html>'.encode())

    links = '<a href="/wiki/B">B</a> <a href="/wiki/Old">Old</a> <a href="/wiki/Special:Random">x</a>'
    links += ' <a href="/w/index.php">y</a>'
    main = page("M", '<a href="/wiki/A">A</a>')
    answers = {"/wiki/A": page("A", links), "/wiki/B": page("B", ""), "/wiki/Old": page("B", "")}
    answers["/wiki/%E3%83%A1%E3%82%A4%E3%83%B3%E3%83%9A%E3%83%BC%E3%82%B8"] = main
    with sites.Site(answers).serve() as site:
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "lang=ja", "-a", "route=html")
        assert not any("Special" in target or "/w/" in target for target in site.targets)
    assert ended.code == 0, ended.err
    assert sorted(row["key"] for row in documents(tmp_path / "w", "wikipedia")) == ["ja:A", "ja:B"]
    assert ledger(tmp_path / "w")["wikipedia:ja:Old"] == ("dropped", "redirect")
