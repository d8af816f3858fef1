"""A crawl under robots.txt that fails, moves, changes or asks for patience, and under servers that ask to wait."""

from __future__ import annotations

import itertools
import signal
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import Answer, at, command, crawl, fetches, ledger, started
from hypothesis import given
from hypothesis import strategies as st

from crawlers.manners.patience import retry_after

PAGE = "/j/press/wp/wp2024/html/n102.html"
RULES = Answer(f"User-agent: *\nDisallow: {PAGE}\nAllow: /j/\n".encode(), "text/plain")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failing_robots_txt_denies_all(tmp_path: Path, status: int) -> None:
    """It is asked for five times, nothing else is asked, one line says why, and the history has the reason."""
    site = sites.mod(2)
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nAllow: /\n", "text/plain", status)
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets == ["/robots.txt"] * 5
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert f"https://www.mod.go.jp/robots.txt cannot be had (HTTP {status})" in ended.err
    rows = [(row["outcome"], row["reason"], row["status"]) for row in fetches(tmp_path / "w", "mod")]
    assert rows[-1] == ("denied_by_robots", "robots_unreachable", None)
    assert [row[0] for row in rows[:-1]] == ["robots"] * 5
    assert rows[-2][1] == "unreachable"


def test_a_host_that_does_not_answer_denies_all(tmp_path: Path) -> None:
    """No connection is no permission."""
    with sites.Site({}).serve() as site:
        gone = site.url
    ended = crawl("mod", tmp_path / "w", "-a", f"base_url={gone}")
    assert ended.code == 1
    assert "robots.txt cannot be had (no answer, DownloadConnectionRefusedError)" in ended.err
    assert fetches(tmp_path / "w", "mod")[-1]["reason"] == "robots_unreachable"


def test_robots_txt_that_comes_at_the_third_try_is_obeyed(tmp_path: Path) -> None:
    """Trouble that passes costs nothing but time."""
    site = sites.mod(3)
    site.answers["/robots.txt"] = RULES
    site.first["/robots.txt"] = [Answer(b"", status=503), Answer(b"", status=500)]
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert PAGE not in site.targets
    assert ended.summary["documents"] == 2


@pytest.mark.parametrize("status", [404, 403])
def test_a_missing_robots_txt_allows_all(tmp_path: Path, status: int) -> None:
    """The page that says so holds no rules, whatever it looks like."""
    site = sites.mod(2)
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /\n", "text/plain", status)
    with site.serve():
        assert crawl("mod", tmp_path / "w", *at(site)).summary["documents"] == 2
    assert fetches(tmp_path / "w", "mod")[0]["reason"] == "unavailable"


@pytest.mark.parametrize(("hops", "documents"), [(5, 1), (6, 2)])
def test_robots_txt_is_followed_five_times(tmp_path: Path, hops: int, documents: int) -> None:
    """Rules behind five redirects are those of the first host; behind more there are none."""
    site = sites.mod(2)
    names = ["/robots.txt", *(f"/moved{n}.txt" for n in range(1, hops + 1))]
    for name, to in itertools.pairwise(names):
        site.answers[name] = Answer(b"", status=301, headers={"Location": to})
    site.answers[names[-1]] = RULES
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets[:6] == names[:6]
    assert ended.summary["documents"] == documents
    rows = fetches(tmp_path / "w", "mod")
    assert {row["purpose"] for row in rows[:6]} == {"robots"}


def test_robots_txt_on_a_strange_host_is_not_asked_and_denies_all(tmp_path: Path) -> None:
    """Rules that the guard keeps us from reading cannot be taken to allow."""
    with sites.Site({"/robots.txt": Answer(b"", "text/plain")}).serve() as other:
        site = sites.mod(2)
        site.answers["/robots.txt"] = Answer(b"", status=302, headers={"Location": f"{other.url}/robots.txt"})
        with site.serve():
            ended = crawl("mod", tmp_path / "w", *at(site))
            assert site.targets == ["/robots.txt"]
        assert other.targets == []
    assert (ended.code, "is on no host of this source" in ended.err) == (1, True)


def test_every_answer_names_the_rule_that_allowed_it(tmp_path: Path) -> None:
    """The rule as written and its line stand in the history, for what was denied too."""
    site = sites.mod(2)
    site.answers["/robots.txt"] = RULES
    with site.serve():
        crawl("mod", tmp_path / "w", *at(site))
    rows = {row["url"].removeprefix("https://www.mod.go.jp"): row for row in fetches(tmp_path / "w", "mod")}
    found = {name: (row["outcome"], row["robots_rule"], row["robots_line"]) for name, row in rows.items()}
    assert found["/j/press/wp/wp2024/html/n101.html"] == ("document", "Allow: /j/", 3)
    assert found[PAGE] == ("denied_by_robots", f"Disallow: {PAGE}", 2)
    assert found["/robots.txt"] == ("robots", None, None)
    assert rows[PAGE]["reason"] == f"Disallow: {PAGE} (line 2)"


def test_a_crawl_delay_above_the_cap_skips_the_host(tmp_path: Path) -> None:
    """Nothing is asked faster than the site wants: the host is left alone, and the line says what would take it."""
    with sites.mod(2, robots="User-agent: *\nCrawl-delay: 31\n").serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets == ["/robots.txt"]
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert "HAKUSHO_CRAWL_DELAY_CAP=31" in ended.err
    last = fetches(tmp_path / "w", "mod")[-1]
    assert (last["outcome"], last["reason"]) == ("denied_by_robots", "crawl_delay_over_cap")


def test_robots_txt_is_asked_again_when_it_is_old(tmp_path: Path) -> None:
    """New rules hold from then on."""
    site = sites.mod(3)
    site.first["/robots.txt"] = [Answer(b"", "text/plain")] * 3  # for the index, the year and the first page
    site.answers["/robots.txt"] = RULES
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_ROBOTS_AGE=0")
        assert PAGE not in site.targets
        assert site.targets.count("/robots.txt") == 6  # index, year, three pages, and the site's tdmrep.json
    assert (ended.summary["documents"], ended.summary["denied"]) == (2, 1)


def test_the_old_copy_stays_while_the_new_one_cannot_be_had(tmp_path: Path) -> None:
    """A failure a day later does not end the crawl, and does not open what was closed."""
    site = sites.mod(3)
    site.first["/robots.txt"] = [RULES]
    site.answers["/robots.txt"] = Answer(b"", status=500)
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_ROBOTS_AGE=0")
        assert site.targets.count("/robots.txt") == 6
    assert (ended.summary["documents"], ended.summary["denied"], ended.summary["error"]) == (2, 1, "")


def gaps(site: sites.Site, page: str = PAGE) -> list[float]:
    """Seconds between the requests for a page."""
    times = [request.time for request in site.seen if request.target == page]
    return [b - a for a, b in itertools.pairwise(times)]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_pauses_the_host(tmp_path: Path, status: int, form: str) -> None:
    """Nothing at all is asked of the host until then; then the document comes."""
    site = sites.mod(3)
    then = format_datetime(datetime.now(UTC) + timedelta(days=1, seconds=2), usegmt=True)
    headers = {"Retry-After": "1"} if form == "seconds" else {"Retry-After": then}
    site.first[PAGE] = [Answer(b"wait", status=status, headers=headers)]
    if form == "date":  # measured from the answer's own clock, which is a day ahead
        now = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
        site.first[PAGE][0].headers["Date"] = now
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        after = [request.time for request in site.seen]
        place = site.targets.index(PAGE)
        assert after[place + 1] - after[place] >= 0.9
    assert (ended.code, ended.summary["documents"]) == (0, 3)


def test_a_pause_beyond_the_cap_ends_the_host(tmp_path: Path) -> None:
    """Neither that request nor another is made; what was not asked is booked, and the line says how long."""
    site = sites.mod(3)
    site.answers[PAGE] = Answer(b"", status=503, headers={"Retry-After": "3600"})
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets[-1] == PAGE
        assert site.targets.count(PAGE) == 1
    assert (ended.code, ended.summary["documents"]) == (1, 1)
    assert "www.mod.go.jp asks to come back in 3600 s" in ended.err
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "http_503")
    assert ledger(tmp_path / "w")["mod:2024/n103"] == ("dropped", "refused")
    reasons = {row["outcome"]: row["reason"] for row in fetches(tmp_path / "w", "mod")}
    assert reasons["http_error"] == reasons["refused"] == "retry_after_over_cap"


def test_without_retry_after_the_pause_doubles(tmp_path: Path) -> None:
    """Each try waits twice as long as the one before."""
    site = sites.mod(3)
    site.first[PAGE] = [Answer(b"", status=503)] * 3
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_BACKOFF=0.3")
        first, second, third = gaps(site)
    assert (first >= 0.3, second >= 0.6, third >= 1.2, third < 5) == (True,) * 4
    assert ended.summary["documents"] == 3


def test_an_interrupted_pause_ends_soon(tmp_path: Path) -> None:
    """Ctrl-C does not wait for a host that asked to wait."""
    site = sites.mod(3)
    site.answers[PAGE] = Answer(b"", status=503, headers={"Retry-After": "100"})
    with site.serve(), started(command("mod", tmp_path / "w", *at(site)), tmp_path) as process:
        end = time.monotonic() + 60
        while PAGE not in site.targets:
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        process.wait(60)
        assert time.monotonic() - begun < 20
    assert len(sites.documents(tmp_path / "w", "mod")) == 1


NOW = b"Sun, 06 Nov 1994 08:49:37 GMT"
WAITS = [
    (b"0", 0.0), (b" 120 ", 120.0), (b"Sun, 06 Nov 1994 08:49:47 GMT", 10.0), (b"Sunday, 06-Nov-94 08:49:47 GMT", 10.0),
    (b"Sun Nov  6 08:49:47 1994", 10.0), (b"Sun, 06 Nov 1994 08:00:00 GMT", 0.0), (b"-5", None), (b"1.5", None),
    (b"", None), (b"soon", None), (b"\xff", None), (b"9" * 30, None), (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "seconds"), WAITS)
def test_retry_after_is_read_in_both_forms(value: bytes | None, seconds: float | None) -> None:
    """Seconds, or any of the three forms of a date; else nothing."""
    assert retry_after(value, NOW) == seconds


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_retry_after_never_raises(value: bytes, date: bytes) -> None:
    """Any header gives a wait that is not negative, or none."""
    wait = retry_after(value, date)
    assert wait is None or wait >= 0


def test_an_unchanged_robots_txt_costs_a_304(tmp_path: Path) -> None:
    """The next crawl asks with the validators of the last; the kept rules hold, and a new file counts."""
    site = sites.mod(2)
    site.answers["/robots.txt"] = Answer(RULES.body, "text/plain", headers={"ETag": '"r1"'})
    with site.serve():
        for _ in range(2):
            assert crawl("mod", tmp_path / "w", *at(site)).summary["denied"] == 1
        asked = [request.if_none_match for request in site.seen if request.target == "/robots.txt"]
        assert asked == [None, '"r1"']
        site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /\n", "text/plain", headers={"ETag": '"r2"'})
        assert crawl("mod", tmp_path / "w", *at(site)).summary["documents"] == 0
    rows = [row for row in fetches(tmp_path / "w", "mod") if row["purpose"] == "robots"]
    assert sorted((row["status"], row["bytes"] > 0, row["raw_sha256"] == rows[0]["raw_sha256"]) for row in rows) == [
        (200, True, False), (200, True, True), (304, False, True)
    ]  # fmt: skip
    assert len(list((tmp_path / "w" / "robots" / "mod").glob("*.txt"))) == 3


@pytest.mark.parametrize(("header", "asked"), [("max-age=0", 1), ("max-age=99999999", 1)])
def test_cache_control_never_asks_without_end(header: str, asked: int, tmp_path: Path) -> None:
    """A file that may not be cached is still not asked for before every page."""
    site = sites.mod(2)
    site.answers["/robots.txt"] = Answer(RULES.body, "text/plain", headers={"Cache-Control": header})
    with site.serve():
        crawl("mod", tmp_path / "w", *at(site))
        assert site.targets.count("/robots.txt") == asked
