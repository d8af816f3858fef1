"""The end report of a crawl: counted from what was committed, kept for SQL, and true in its exit status."""

from __future__ import annotations

from pathlib import Path

import crawl_sites as sites
import pyarrow.parquet as pq
import pytest
from crawl_sites import at, crawl, fetches
from site_server import Answer

from corpus.base.errors import ConfigError
from corpus.base.schemas import HARVESTS
from crawlers.report import below
from crawlers.thresholds import HarvestSettings, read


def rows(data: Path) -> list[dict[str, object]]:
    """The rows of harvests, oldest first."""
    found = [row for path in (data / "harvests").glob("*.parquet") for row in pq.ParquetFile(path).read().to_pylist()]
    return sorted(found, key=lambda row: str(row["time"]))


def test_the_report_counts_what_became_of_every_request_and_record(tmp_path: Path) -> None:
    """Denied by rule, failed by class, empty records, bytes and licences stand in JSON and in the table alike."""
    rule = "Disallow: /j/press/wp/wp2024/html/n104"
    site = sites.mod(4, extra='<a href="/a/x.html">x</a>', robots=f"User-agent: *\n{rule}\n")
    del site.answers["/j/press/wp/wp2024/html/n102.html"]
    site.answers["/j/press/wp/wp2024/html/n103.html"] = Answer(b"")
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_THRESHOLDS=max_empty=0.6")
    [row] = rows(tmp_path / "w")
    assert pq.ParquetFile(next((tmp_path / "w/harvests").glob("*"))).schema_arrow.equals(HARVESTS)
    assert (row["source"], row["documents"], row["held"], row["empty"], row["garbled"]) == ("mod", 1, 1, 1, 0)
    assert row["denied_by_rule"] == [(rule, 1)]
    assert row["failed_by_class"] == [("http_404", 1)]
    assert row["licences"] == [("PDL-1.0", 1)]
    assert row["below"] == []
    assert ended.code == 0
    assert row["bytes"] == sum(int(str(fetch["bytes"])) for fetch in fetches(tmp_path / "w", "mod")) > 1000
    for name in ("documents", "denied", "failed", "bytes", "below", "kept_share"):
        assert ended.summary[name] == row[name]


def test_a_source_below_its_thresholds_is_no_success(tmp_path: Path) -> None:
    """An empty record in four is more than max_empty allows: status 1, and the report says which threshold."""
    site = sites.mod(4)
    site.answers["/j/press/wp/wp2024/html/n103.html"] = Answer(b"")
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        (tmp_path / "hakusho.toml").write_text("[harvest]\nmax_empty = 0.5\n")
        assert crawl("mod", tmp_path / "w", *at(site)).code == 0
    assert ended.code == 1
    assert "more than harvest.max_empty = 0.2" in str(ended.summary["below"])


def test_what_came_on_a_later_try_did_not_fail(tmp_path: Path) -> None:
    """A busy server costs patience and no threshold; what never came is a failure, once, however often it was asked."""
    site = sites.mod(3)
    busy = Answer(b"", status=503)
    site.first["/j/press/wp/wp2024/html/n102.html"] = [busy, busy]
    site.answers["/j/press/wp/wp2024/html/n103.html"] = busy
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "RETRY_TIMES=2")
    [row] = rows(tmp_path / "w")
    assert row["failed_by_class"] == [("http_503", 1)]
    assert (row["documents"], row["failed"], row["retried"]) == (2, 1, 2)
    assert row["asked"] == 1 + 1 + 3 + 1 + 1  # robots.txt, tdmrep.json, pages, the year and the index
    assert "1 of 7 failed" in str(row["below"])
    assert ended.code == 1


def test_a_wrong_threshold_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """One line that names the nearest key, status 2, and no request."""
    with sites.mod(1).serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_THRESHOLDS=max_fail=0.1")
        assert not site.targets
    assert ended.code == 2
    assert "did you mean max_failed?" in ended.err
    assert ended.err.count("\n") == 1
    with pytest.raises(ConfigError, match="need a share"):
        read("max_empty=2", tmp_path / "none.toml")


MADE = {"error": "", "lost_listings": [], "documents": 10, "not_modified": 0, "failed_by_class": {}, "fetched": 20,
        "asked": 20, "failed": 0, "empty": 0, "garbled": 0}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({}, ""),
        ({"documents": 0}, "fewer than harvest.min_documents"),
        ({"documents": 0, "not_modified": 3}, ""),
        ({"failed_by_class": {"http_404": 9}, "failed": 9}, ""),
        ({"failed_by_class": {"http_503": 9}, "failed": 9}, "harvest.max_failed"),
        ({"garbled": 5}, "harvest.max_garbled"),
        ({"lost_listings": ["x"]}, "1 listing(s) not read"),
        ({"error": "x"}, "it was stopped"),
    ],
)
def test_what_counts_as_below(change: dict[str, object], clause: str) -> None:
    """Pages that are gone and pages that did not change are no failure of a harvest."""
    found = below(MADE | change, HarvestSettings(), changes=False)
    assert (clause in "; ".join(found)) if clause else not found


def test_a_quiet_change_feed_is_a_success(tmp_path: Path) -> None:
    """Nothing changed: nothing came, and that is what was asked for."""
    site = sites.mod(1)
    for name in ("news", "update"):
        item = b"<rss><channel><item><link>https://www.mod.go.jp/j/x.html</link></item></channel></rss>"
        site.answers[f"/j/rss/{name}.xml"] = Answer(item, "application/rss+xml")
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-a", "since=2026-01-01")
    assert (ended.code, ended.summary["documents"]) == (0, 0)


def test_a_run_ends_at_its_bytes(tmp_path: Path) -> None:
    """HAKUSHO_RUN_BYTES ends a run early; what came is kept."""
    with sites.mod(30).serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_RUN_BYTES=3000")
        assert len(site.targets) < 15
    assert 0 < int(str(ended.summary["documents"])) < 12
