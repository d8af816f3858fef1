"""The miniature answers on loopback as a web server should, the same bytes at every start."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

from corpus.base.errors import UsageError
from hakusho.miniature import HOSTS, SOURCES, Miniature, fingerprint
from hakusho.miniature.server import answer
from hakusho.miniature.sites import build


@pytest.fixture(scope="module")
def miniature() -> Iterator[Miniature]:
    """One running miniature for the module."""
    with Miniature() as running:
        yield running


def connect(miniature: Miniature, host: str) -> HTTPConnection:
    """A connection to one of its hosts."""
    return HTTPConnection("127.0.0.1", int(miniature.url(host).rsplit(":", 1)[1]), timeout=10)


def test_base_urls_name_every_host(miniature: Miniature) -> None:
    """A source with one host gives a plain URL, one with several gives host=URL pairs; all ports differ."""
    urls = []
    for source in SOURCES:
        parts = miniature.base_url(source).split(",")
        assert len(parts) == len(HOSTS[source])
        names = [part.rpartition("=")[0] for part in parts]
        assert names == (list(HOSTS[source]) if len(parts) > 1 else [""])
        urls += [part.rpartition("=")[2] for part in parts]
    assert len(set(urls)) == len(build())
    assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+", url) for url in urls)


def test_wrong_names_are_told_in_one_line(miniature: Miniature) -> None:
    """An unknown source, and a miniature that was not started, are UsageErrors."""
    with pytest.raises(UsageError, match="unknown source 'nhk'"):
        miniature.base_url("nhk")
    with pytest.raises(UsageError, match="not been started"):
        Miniature().base_url("egov")


def test_every_target_is_answered_over_http_as_the_site_says(miniature: Miniature) -> None:
    """What comes over the wire is the site's reply, byte for byte, with its status, type and length."""
    for host, site in build().items():
        connection = connect(miniature, host)
        for target in site.targets():
            connection.request("GET", quote(target, safe="/?=&%:"))
            response = connection.getresponse()
            body, reply = response.read(), answer(site, target)
            assert (response.status, body) == (reply.status, reply.body), target
            assert response.headers["Content-Type"] == reply.content_type
            assert int(response.headers["Content-Length"]) == len(body)
        connection.close()


def test_etag_and_304(miniature: Miniature) -> None:
    """A static body has an ETag; asked with it the server says 304 without a body, with another it sends the body."""
    connection = connect(miniature, "www.mod.go.jp")
    path = "/j/press/wp/wp2024/html/n110101000.html"
    connection.request("GET", path)
    first = connection.getresponse()
    body, etag = first.read(), first.headers["ETag"]
    assert etag
    connection.request("GET", path, headers={"If-None-Match": etag})
    second = connection.getresponse()
    assert (second.status, second.read(), second.headers["ETag"]) == (304, b"", etag)
    connection.request("GET", path, headers={"If-None-Match": '"other"'})
    third = connection.getresponse()
    assert (third.status, third.read()) == (200, body)
    connection.close()


def test_head_has_no_body_and_unknown_paths_are_404(miniature: Miniature) -> None:
    """HEAD gives the headers of GET; what the site does not have is 404 on every host."""
    connection = connect(miniature, "ntrs.nasa.gov")
    connection.request("HEAD", "/robots.txt")
    response = connection.getresponse()
    assert (response.status, response.read(), response.headers["Content-Length"]) == (200, b"", "23")
    connection.close()
    for host in build():
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(miniature.url(host) + "/no/such/page")
        failed.value.close()
        assert failed.value.code == 404


def test_the_access_log_says_who_asked_for_what() -> None:
    """Each request is kept with host, method, decoded path, status and user agent, in order."""
    with Miniature() as miniature:
        request = urllib.request.Request(miniature.url("ja.wikipedia.org") + "/wiki/" + quote("銅") + "?x=1")
        request.add_header("User-Agent", "HakushoBot/test")
        urllib.request.urlopen(request).close()
        (access,) = miniature.log
    assert (access.host, access.method, access.path, access.status) == ("ja.wikipedia.org", "GET", "/wiki/銅", 200)
    assert access.user_agent == "HakushoBot/test"
    assert access.target.endswith("?x=1")


def test_the_port_is_free_again_after_the_end() -> None:
    """Leaving the context closes every listener."""
    with Miniature() as miniature:
        connection = connect(miniature, "www.pmda.go.jp")
        connection.request("GET", "/robots.txt")
        connection.getresponse().read()
        port = connection.port
        connection.close()
    with pytest.raises(ConnectionError):
        HTTPConnection("127.0.0.1", port, timeout=5).connect()


def test_the_same_bytes_in_another_process() -> None:
    """The fingerprint does not depend on the process, its hash seed, its time zone or its clock."""
    code = "from hakusho.miniature import fingerprint; print(fingerprint())"
    prints = {fingerprint()}
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        )
        prints.add(done.stdout.strip())
    assert len(prints) == 1
    assert re.fullmatch("[0-9a-f]{64}", fingerprint())


def test_the_fingerprint_sees_every_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of one byte anywhere changes the fingerprint."""
    before, site = fingerprint(), build()["ntrs.nasa.gov"]
    path = "/api/citations/20240000101/downloads/20240000101.pdf"
    reply = site.fixed[path]
    monkeypatch.setitem(site.fixed, path, type(reply)(reply.body + b"\n", reply.content_type))
    assert fingerprint() != before


def test_bodies_know_no_port() -> None:
    """No body names an address of this machine: links are relative or name the real hosts."""
    for site in build().values():
        for target in site.targets():
            assert not re.search(rb"127\.0\.0\.1|localhost", answer(site, target).body), target


def test_python_m_prints_the_addresses() -> None:
    """`python -m hakusho.miniature` prints a line a source and serves until it is told to stop."""
    with subprocess.Popen([sys.executable, "-m", "hakusho.miniature"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = dict(process.stdout.readline().rstrip("\n").split("\t") for _ in SOURCES)
            assert list(urls) == list(SOURCES)
            with urllib.request.urlopen(urls["nasa"] + "/robots.txt", timeout=60) as answered:
                assert answered.status == 200
        finally:  # else a failure above waits for ever, since leaving the block waits for the process
            process.terminate()
