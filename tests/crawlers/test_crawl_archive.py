"""`hakusho extract --archive`: the documents come out of raw/ again, byte for byte, with no site to ask."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import at, crawl, documents, environment, hashes
from site_server import Answer, Site


def egov() -> Site:
    """Laws over the API, one of them gzipped by the server."""
    site = sites.egov(3)
    packed = site.answers["/api/2/law_file/xml/503AC0000000002_20240401_000000000000000"]
    packed.body = sites.zlib_gzip(packed.body)
    packed.headers["Content-Encoding"] = "gzip"
    return site


def mod() -> Site:
    """Pages, one behind a redirect, one that is gone."""
    site = sites.mod(5)
    base = "/j/press/wp/wp2024/html"
    site.answers[f"{base}/moved.html"] = site.answers[f"{base}/n102.html"]
    site.answers[f"{base}/n102.html"] = Answer(b"", status=302, headers={"Location": f"{base}/moved.html"})
    del site.answers[f"{base}/n104.html"]
    return site


def wikipedia() -> Site:
    """A dump in pieces."""
    ja, en = (sites.dump(sites.articles(lang, 6)) for lang in ("ja", "en"))
    return sites.dumps(ja, en, ranges=True)


SITES = {
    "egov": (egov, ()),
    "mod": (mod, ()),
    "nasa": (lambda: sites.nasa((1, 2, 3)), ("-a", "limit=2")),
    "pmda": (lambda: sites.pmda(("670109_1_02", "670109_2_01"), ("670109_1_01", "670109_2_01")), ()),
    "wikipedia": (wikipedia, ("-a", "limit=7")),
}


def extract(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `hakusho extract --archive`."""
    command = [sys.executable, "-m", "hakusho.cli", "extract", *words, "--archive", str(data), "--json"]
    return subprocess.run(command, cwd=data.parent, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with all five sources, whose sites are gone."""
    data = tmp_path_factory.mktemp("archive") / "data"
    for source, (make, words) in SITES.items():
        with make().serve() as site:
            ended = crawl(source, data, *at(site), *words, "-s", "HAKUSHO_WARC_SIZE=2000")
        assert ended.summary["documents"], ended.err
    return data


def test_every_document_comes_out_of_the_archive(harvested: Path) -> None:
    """Into another workspace: the same shards of documents, to the byte, and nothing of the first is touched."""
    before = hashes(harvested, "documents", "ledger", "raw")
    done = extract(harvested, "--into", "again")
    assert done.returncode == 0, done.stderr
    again = harvested.parent / "again"
    assert hashes(again, "documents") == hashes(harvested, "documents")
    assert {source: len(documents(again, source)) for source in SITES} == {
        "egov": 3, "mod": 4, "nasa": 2, "pmda": 2, "wikipedia": 7,
    }  # fmt: skip
    assert not json.loads(done.stdout)["sources"][0]["unread"]
    assert hashes(again, "ledger") == hashes(harvested, "ledger")
    assert hashes(harvested, "documents", "ledger", "raw") == before
    assert not [path for path in again.rglob("*") if ".tmp-" in path.name or path.suffix == ".piece"]


def test_lost_documents_come_back_where_they_were(harvested: Path) -> None:
    """In the workspace itself, with all documents of a source gone, and without the history of fetches."""
    data = harvested.parent / "lost"
    shutil.copytree(harvested, data)
    for folder in ("documents/mod", "documents/nasa", "fetches"):
        shutil.rmtree(data / folder)
    done = extract(data, "mod", "nasa")
    assert done.returncode == 0, done.stderr
    assert hashes(data, "documents") == hashes(harvested, "documents")


def test_a_page_that_no_reader_takes_costs_itself_alone(harvested: Path) -> None:
    """A damaged member in the middle of a file ends that file there; what stands before it is read."""
    done = extract(harvested, "egov", "--out", "x.jsonl")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = extract(harvested, "egv")
    assert (done.returncode, "egov" in done.stderr) == (2, True)
