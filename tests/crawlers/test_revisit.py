"""Asking again: an unchanged site sends no body and gives no row; what changed, and a lost archive, are seen."""

from __future__ import annotations

from pathlib import Path

import crawl_sites as sites
from crawl_sites import at, crawl, documents, fetches, hashes, ledger


def tagged(site: sites.Site) -> sites.Site:
    """The site with an ETag on every answer."""
    for number, answer in enumerate(site.answers.values()):
        answer.headers["ETag"] = f'"v{number}"'
    return site


def test_an_unchanged_site_sends_no_body(tmp_path: Path) -> None:
    """Listings and documents: each costs a 304 that still leads on; documents and ledger stay as they are on disk."""
    site = tagged(sites.mod(4))
    data = tmp_path / "w"
    with site.serve():
        assert crawl("mod", data, *at(site)).summary["documents"] == 4
        before = hashes(data, "documents", "ledger")
        first = len(site.seen)
        again = crawl("mod", data, *at(site))
    assert (again.code, again.summary["documents"]) == (0, 4)
    assert hashes(data, "documents", "ledger") == before
    assert [request.target for request in site.seen[first:]] == [request.target for request in site.seen[:first]]
    assert all(request.if_none_match for request in site.seen[first:])
    rows = [row for row in fetches(data, "mod") if row["run"] == again.summary["run"] and row["purpose"] != "tdmrep"]
    assert {(row["status"], row["bytes"], row["documents"]) for row in rows} == {(304, 0, 0)}
    assert {row["outcome"] for row in rows if row["purpose"] != "robots"} == {"not_modified"}
    assert {row["raw_sha256"] for row in rows} <= {row["raw_sha256"] for row in fetches(data, "mod") if row["bytes"]}


def test_what_changed_is_seen_among_what_did_not(tmp_path: Path) -> None:
    """A changed page, a page that is gone, one whose archive was lost, and one without validators: each as it is."""
    site = tagged(sites.mod(5))
    data, base = tmp_path / "w", "/j/press/wp/wp2024/html"
    del site.answers[f"{base}/n104.html"].headers["ETag"]
    with site.serve():
        crawl("mod", data, *at(site))
        page = site.answers[f"{base}/n102.html"]
        page.body, page.headers["ETag"] = page.body.replace(b"</p></div>", "新しい文。</p></div>".encode()), '"new"'
        del site.answers[f"{base}/n105.html"]
        first = len(site.seen)
        assert crawl("mod", data, *at(site)).summary["documents"] == 4
        status = {row["url"].rpartition("/")[2]: row["status"] for row in fetches(data, "mod")[first:]}
        assert (status["n101.html"], status["n102.html"], status["n104.html"]) == (304, 200, 200)
        assert status["n105.html"] == 404
        assert len(documents(data, "mod")) == 6
        assert ledger(data)["mod:2024/n105"] == ("kept", "")
        for path in (data / "raw" / "mod").glob("*.warc.gz"):
            path.write_bytes(b"\0" * path.stat().st_size)
        first = len(fetches(data, "mod"))
        assert crawl("mod", data, *at(site)).summary["documents"] == 4
    assert {row["status"] for row in fetches(data, "mod")[first:] if row["purpose"] == "document"} <= {200, 304, 404}
    assert len(documents(data, "mod")) == 6
