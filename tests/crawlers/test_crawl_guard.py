"""The guard: public addresses alone, budgets against sites without end, and an end for every answer that never ends."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import threading
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import Answer, at, crawl, environment, fetches, ledger, table
from hypothesis import given
from hypothesis import strategies as st

from crawlers.manners.addresses import is_public
from crawlers.manners.budgets import pattern
from crawlers.origins import Origins

INNER = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "127.1", "localhost", "8.8.8", "x",
]  # fmt: skip
OUTER = ["8.8.8.8", "203.0.114.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", INNER)
def test_an_inner_address_is_not_public(text: str) -> None:
    """Also as IPv6 that stands for it; and what is no address is none."""
    assert not is_public(text)


@pytest.mark.parametrize("text", OUTER)
def test_a_public_address_is_public(text: str) -> None:
    """In either family."""
    assert is_public(text)


@given(st.ip_addresses())
def test_public_is_never_more_than_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """No address that Python calls private, loopback, link-local, multicast or unspecified passes."""
    if is_public(str(address)) and not isinstance(address, ipaddress.IPv6Address):
        assert address.is_global
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        assert not is_public(str(address))


HOSTS = ("localhost", "127.0.0.1", "0.0.0.0", "169.254.169.254", "2130706433", "0x7f.1")


def test_a_name_that_leads_inside_is_not_connected_to(tmp_path: Path) -> None:
    """Whatever the name is and however the address is written: nothing connects, and the history says why."""
    wanted = json.dumps({f"http://{host}/page.html": "listing" for host in HOSTS})
    env = environment(HAKUSHO_CONTACT="mailto:dev@example.org", HAKUSHO_DATA=str(tmp_path / "w"))
    words = [sys.executable, str(Path(__file__).with_name("visitor.py")), wanted]
    done = subprocess.run(words, cwd=sites.ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = fetches(tmp_path / "w", "mod")
    asked = {row["url"]: row for row in rows if row["purpose"] == "robots"}
    assert len(asked) == len(HOSTS)
    assert {row["outcome"] for row in asked.values()} == {"forbidden_address"}, asked
    assert asked["http://localhost/robots.txt"]["reason"] in ("localhost is 127.0.0.1, no public address",
                                                              "localhost is ::1, no public address")  # fmt: skip
    assert {row["outcome"] for row in rows if row["purpose"] == "listing"} == {"denied_by_robots"}


STRANGE = ["file:///etc/passwd", "ftp://www.mod.go.jp/x", "s3://www.mod.go.jp/x", "data:text/html,x",
           "https://user@www.mod.go.jp/", "https://www.mod.go.jp:8443/", "https://www.mod.go.jp@evil.example/",
           "https://evil.example/", "http://www.mod.go.jp.evil.example/", "javascript:1", "//[", ""]  # fmt: skip


@pytest.mark.parametrize("url", STRANGE)
def test_only_the_sites_own_urls_are_known(url: str) -> None:
    """http(s) on the usual port of a host of the source."""
    assert not Origins.read(["www.mod.go.jp"], None).knows(url)


def test_a_robots_txt_may_lead_to_another_host_of_the_web_alone() -> None:
    """RFC 9309 2.3.1.2 across hosts, where the real site is asked; with a base_url nothing but that."""
    live, local = (Origins.read(["h.example"], base) for base in (None, "http://127.0.0.1:8000"))
    assert live.foreign("https://cdn.example/robots.txt")
    assert live.target("https://cdn.example/robots.txt", foreign=True) == "https://cdn.example/robots.txt"
    for url in ("ftp://cdn.example/", "https://cdn.example:8443/", "https://a@cdn.example/", "//["):
        assert not live.foreign(url)
    assert not local.foreign("https://cdn.example/robots.txt")


def test_pages_that_lead_to_no_document_are_left(tmp_path: Path) -> None:
    """Listings of one pattern without a document: the budget's number of them is asked, the rest is booked."""
    site = sites.mod(2)
    years = "".join(f'<a href="/j/press/wp/wp{y}/w{y}_00.html">{y}</a>' for y in range(2000, 2024))
    index = site.answers["/j/press/wp/index.html"]
    index.body = index.body.replace(b"<body>", b"<body>" + years.encode())
    for year in range(2000, 2024):
        site.answers[f"/j/press/wp/wp{year}/w{year}_00.html"] = sites.html("calendar", "<p>nothing</p>")
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_BARREN_PAGES=5")
        assert sum(target.endswith("_00.html") for target in site.targets) <= 7
    refused = [row for row in fetches(tmp_path / "w", "mod") if row["outcome"] == "over_budget"]
    assert len(refused) >= 18
    assert "led to no document (HAKUSHO_BARREN_PAGES)" in refused[0]["reason"]
    assert ended.code == 1


def test_a_host_has_a_budget(tmp_path: Path) -> None:
    """No run asks a host for more pages than that, and what was not asked is booked."""
    site = sites.mod(8)
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_HOST_PAGES=5")
        assert len([target for target in site.targets if target != "/robots.txt"]) == 5
    assert ended.summary["documents"] == 3
    assert [reason for _, reason in ledger(tmp_path / "w").values()].count("over_budget") == 5


def test_patterns_take_numbers_and_values_out() -> None:
    """Two months of a calendar are one pattern, two scripts are two."""
    assert pattern("https://h/c?ym=2026-11&a") == pattern("https://h/c?a=1&ym=2027-01") == "h/c?a&ym"
    assert pattern("https://h/c1/x") == pattern("https://h/c22/x") != pattern("https://h/c1/y")


def test_a_mean_site_ends_in_recorded_outcomes(tmp_path: Path) -> None:
    """A drip, a silence, a bomb, a body too large, a loop and a way out: each is booked, and the good page comes."""
    site = sites.mod(7)
    base, stop = "/j/press/wp/wp2024/html", threading.Event()
    site.answers[f"{base}/n102.html"] = Answer(b"<p>" + b"x" * 50_000, drip=0.05)
    site.answers[f"{base}/n103.html"].gate = stop
    bomb = sites.zlib_gzip(b"<p>" + bytes(30_000_000))
    site.answers[f"{base}/n104.html"] = Answer(bomb, headers={"Content-Encoding": "gzip"})
    site.answers[f"{base}/n105.html"] = Answer(b"<p>" + b"x" * 3_000_000)
    site.answers[f"{base}/n106.html"] = Answer(b"", status=302, headers={"Location": "n106.html?again=1"})
    site.answers[f"{base}/n106.html?again=1"] = Answer(b"", status=302, headers={"Location": "n106.html"})
    site.answers[f"{base}/n107.html"] = Answer(b"", status=301, headers={"Location": "file:///etc/passwd"})
    with site.serve():
        limits = ["DOWNLOAD_TIMEOUT=3", "HAKUSHO_PACE_AFTER=1", "HAKUSHO_PAGE_MAXSIZE=2000000"]
        ended = crawl("mod", tmp_path / "w", *at(site), *(word for limit in limits for word in ("-s", limit)))
        stop.set()
    assert ended.summary["documents"] == 1
    booked = {name.rpartition("/")[2]: reason for name, (_, reason) in ledger(tmp_path / "w").items()}
    assert booked == {
        "n101": "", "n102": "too_slow", "n103": "network_error", "n104": "too_large", "n105": "too_large",
        "n106": "redirect_refused", "n107": "http_301",
    }  # fmt: skip
    asked = {row["url"].rpartition("/")[2]: row["outcome"] for row in fetches(tmp_path / "w", "mod")}
    assert {"n102.html", "n103.html", "n104.html", "n105.html", "n106.html", "n107.html"} <= set(asked)
    assert table(tmp_path / "w" / "documents" / "mod").num_rows == 1
