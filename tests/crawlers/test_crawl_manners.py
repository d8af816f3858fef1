"""Manners and safety: robots, contact, delays, redirects, sizes, and one clear line for a wrong call."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import Answer, at, crawl, fetches, ledger

from corpus.base.errors import StorageError
from corpus.base.workspace import Workspace
from crawlers.documents import settle

CALLS = [
    (("egov", "-a", "limi=3"), "did you mean limit?"),
    (("egov", "-a", "limit"), "write -a NAME=VALUE"),
    (("egv",), "did you mean egov?"),
    (("egov",), "HAKUSHO_CONTACT"),
    (("egov", "-s", "DOWNLOAD_DELY=2"), "did you mean DOWNLOAD_DELAY?"),
    (("egov", "-s", "DOWNLOAD_DELAY=soon"), "DOWNLOAD_DELAY=soon: need a number, 0 or more"),
    (("egov", "-s", "DOWNLOAD_DELAY=-1"), "DOWNLOAD_DELAY=-1: need a number, 0 or more"),
    (("egov", "-s", "DOWNLOAD_DELAY=nan"), "DOWNLOAD_DELAY=nan: need a number, 0 or more"),
    (("egov", "-s", "HAKUSHO_PART_ROWS=1.5"), "HAKUSHO_PART_ROWS=1.5: need a whole number, 0 or more"),
    (("egov", "-s", "COOKIES_ENABLED=perhaps"), "COOKIES_ENABLED=perhaps: need true or false"),
    (("egov", "-s", "ROBOTSTXT_OBEY=0"), "always on here"),
    (("egov", "-s", "USER_AGENT=Mozilla/5.0"), "a robot goes by one name"),
    (("egov", "-s", "DOWNLOADER_MIDDLEWARES={}"), "they keep robots.txt"),
    (("egov", "-O", "all.json"), "documents go to the workspace"),
]


@pytest.mark.parametrize(("words", "message"), CALLS, ids=[" ".join(words) for words, _ in CALLS])
def test_a_wrong_call_is_one_line_and_exit_2(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """A wrong argument, value, source, or a live harvest without a contact ends with one line before any request."""
    ended = crawl(words[0], tmp_path / "w", *words[1:])
    assert ended.code == 2
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1
    assert ended.out == ""
    assert not any((tmp_path / "w").iterdir())


def test_a_contact_that_is_no_address_is_refused(tmp_path: Path) -> None:
    """An invented contact never reaches a header."""
    ended = crawl("egov", tmp_path / "w", HAKUSHO_CONTACT="me")
    assert (ended.code, "no mail or web address" in ended.err) == (2, True)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_the_contact_is_told_to_the_site(tmp_path: Path, place: str) -> None:
    """Every request, robots.txt too, names the robot and the contact from the environment or hakusho.toml."""
    env = {"HAKUSHO_CONTACT": "mailto:dev@example.org"} if place == "environment" else {}
    if place == "file":
        (tmp_path / "hakusho.toml").write_text('contact = "mailto:dev@example.org"\n')
    with sites.egov(1).serve() as site:
        crawl("egov", tmp_path / "w", *at(site), **env)
        assert {request.agent for request in site.seen} == {"HakushoBot/0.1 (+mailto:dev@example.org)"}


def test_a_misspelt_contact_is_named(tmp_path: Path) -> None:
    """A key above the tables of hakusho.toml that nothing reads is no silence."""
    (tmp_path / "hakusho.toml").write_text('contcat = "mailto:dev@example.org"\n')
    ended = crawl("egov", tmp_path / "w")
    assert (ended.code, "did you mean contact?" in ended.err) == (2, True)


def test_no_setting_takes_the_robots_name_away(tmp_path: Path) -> None:
    """Scrapy reads settings from the environment, too: the site still hears who asks."""
    with sites.egov(1).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), SCRAPY_USER_AGENT="Mozilla/5.0")
        assert ended.code == 0, ended.err
        assert {request.agent for request in site.seen} == {"HakushoBot/0.1"}


def test_loopback_needs_no_contact(tmp_path: Path) -> None:
    """A base_url on loopback is nobody's server."""
    with sites.egov(1).serve() as site:
        assert crawl("egov", tmp_path / "w", *at(site)).code == 0
        assert {request.agent for request in site.seen} == {"HakushoBot/0.1"}


def test_a_page_that_robots_forbids_is_never_asked(tmp_path: Path) -> None:
    """robots.txt comes first; a forbidden page is booked as denied and not requested."""
    robots = "User-agent: *\nDisallow: /\n\nUser-agent: hakushobot\nDisallow: /j/press/wp/wp2024/html/n102.html\n"
    with sites.mod(3, robots=robots).serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets[0] == "/robots.txt"
        assert not any("n102" in target for target in site.targets)
    assert ended.summary["denied"] == 1
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "denied_by_robots")
    denied = [row for row in fetches(tmp_path / "w", "mod") if row["outcome"] == "denied_by_robots"]
    assert [row["url"] for row in denied] == ["https://www.mod.go.jp/j/press/wp/wp2024/html/n102.html"]


def test_a_site_that_forbids_all_ends_with_an_error(tmp_path: Path) -> None:
    """Nothing may be read: nothing is, and the exit status says so."""
    with sites.mod(3, robots="User-agent: *\nDisallow: /\n").serve() as site:
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets == ["/robots.txt"]
    assert ended.code == 1
    assert "denied_by_robots" in str(ended.summary["lost_listings"])


def test_crawl_delay_is_kept(tmp_path: Path) -> None:
    """A Crawl-delay of the site stands above our own shorter delay, and no gap falls below it."""
    with sites.mod(2, robots="User-agent: *\nCrawl-delay: 0.5\n").serve() as site:
        crawl("mod", tmp_path / "w", *at(site))
        times = [request.time for request in site.seen if request.target != "/robots.txt"]
    assert len(times) == 4
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.49


def test_our_own_delay_is_kept(tmp_path: Path) -> None:
    """DOWNLOAD_DELAY is the least gap: it is not randomised below."""
    with sites.mod(3).serve() as site:
        crawl("mod", tmp_path / "w", *at(site), "-s", "DOWNLOAD_DELAY=0.3")
        times = [request.time for request in site.seen if request.target != "/robots.txt"]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.29


def test_the_delay_counts_from_the_end_of_an_answer(tmp_path: Path) -> None:
    """A slow answer does not eat the pause after it."""
    site = sites.mod(2)
    gate = site.answers["/j/press/wp/wp2024/html/n101.html"].gate = threading.Event()
    with site.serve():
        threading.Timer(6, gate.set).start()
        crawl("mod", tmp_path / "w", *at(site), "-s", "DOWNLOAD_DELAY=0.3")
        gap = site.seen[-1].time - site.ended[-2]
    assert gap >= 0.29


def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path) -> None:
    """A page that leads to an inner address is booked, and that address never asked."""
    with sites.Site({"/": Answer(b"secret")}).serve() as inner:
        site = sites.mod(2)
        to = {"Location": f"{inner.url}/latest/meta-data/"}
        site.answers["/j/press/wp/wp2024/html/n102.html"] = Answer(b"", status=302, headers=to)
        with site.serve():
            ended = crawl("mod", tmp_path / "w", *at(site))
        assert inner.targets == []
    assert ended.summary["documents"] == 1
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "redirect_refused")


def test_a_redirect_on_the_site_is_followed_to_its_end(tmp_path: Path) -> None:
    """A moved page is read where it is now; the way there stands in the history."""
    site = sites.mod(2)
    page = "/j/press/wp/wp2024/html/n102.html"
    site.answers["/j/press/wp/wp2024/html/new.html"] = site.answers[page]
    site.answers[page] = Answer(b"", status=301, headers={"Location": "new.html"})
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
    assert ended.summary["documents"] == 2
    hops = [
        (row["outcome"], row["final_url"].rsplit("/", 1)[1])
        for row in fetches(tmp_path / "w", "mod")
        if row["status"] == 301
    ]
    assert hops == [("redirect", "n102.html")]


def test_a_redirect_loop_ends(tmp_path: Path) -> None:
    """Two pages that lead to one another cost a few requests and are booked."""
    site = sites.mod(2)
    for name, other in (("n102", "x"), ("x", "y"), ("y", "z"), ("z", "u"), ("u", "v"), ("v", "w")):
        headers = {"Location": f"{other}.html"}
        site.answers[f"/j/press/wp/wp2024/html/{name}.html"] = Answer(b"", status=302, headers=headers)
    with site.serve():
        crawl("mod", tmp_path / "w", *at(site))
        assert not any(target.endswith("/w.html") for target in site.targets)
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "redirect_refused")


def test_an_answer_that_never_ends_is_given_up_once(tmp_path: Path) -> None:
    """The time cap ends a hanging document; it is asked for once, and the others come."""
    site = sites.mod(3)
    site.answers["/j/press/wp/wp2024/html/n102.html"].gate = threading.Event()
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "DOWNLOAD_TIMEOUT=1")
        assert sum("n102" in target for target in site.targets) == 1
    assert (ended.summary["documents"], ended.summary["failed"]) == (2, 1)
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "network_error")


def test_a_body_beyond_the_cap_is_not_taken(tmp_path: Path) -> None:
    """Also where it is small on the wire and inflates."""
    site = sites.mod(3)
    site.answers["/j/press/wp/wp2024/html/n102.html"].body = b"<p>" + b"x" * 300_000
    bomb = sites.zlib_gzip(b"<p>" + b"x" * 300_000)
    site.answers["/j/press/wp/wp2024/html/n103.html"] = Answer(bomb, headers={"Content-Encoding": "gzip"})
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_PAGE_MAXSIZE=100000")
    assert ended.summary["documents"] == 1
    booked = ledger(tmp_path / "w")
    assert booked["mod:2024/n102"] == booked["mod:2024/n103"] == ("dropped", "too_large")


def test_an_access_challenge_is_recorded_and_not_tried_again(tmp_path: Path) -> None:
    """403 with cf-mitigated is the site's word; it is asked for once."""
    site = sites.mod(2)
    page = "/j/press/wp/wp2024/html/n102.html"
    site.answers[page] = Answer(b"<html>Just a moment</html>", status=403, headers={"cf-mitigated": "challenge"})
    with site.serve():
        ended = crawl("mod", tmp_path / "w", *at(site))
        assert site.targets.count(page) == 1
    assert ended.summary["denied"] == 1
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("dropped", "access_challenged")


def test_a_broken_listing_ends_with_an_error(tmp_path: Path) -> None:
    """A list that is an HTML page with status 200 is no harvest of nothing: exit status 1, and the history says why."""
    site = sites.egov(1)
    site.answers["/api/2/laws?limit=100&offset=0"] = sites.html("メンテナンス中", "<p>メンテナンス中</p>")
    with site.serve():
        ended = crawl("egov", tmp_path / "w", *at(site))
    assert ended.code == 1
    assert "no JSON object" in str(ended.summary["lost_listings"])
    assert [row["outcome"] for row in fetches(tmp_path / "w", "egov")] == ["robots", "not_a_document"]


def test_an_entry_of_another_shape_costs_itself_alone(tmp_path: Path) -> None:
    """An entry of the list that is no law leaves the others in, and the harvest is told to be not whole."""
    site = sites.egov(2)
    answer = site.answers["/api/2/laws?limit=100&offset=0"]
    data = sites.json.loads(answer.body)
    data["laws"].insert(0, {"law_info": None})
    answer.body = sites.json.dumps(data).encode()
    with site.serve():
        ended = crawl("egov", tmp_path / "w", *at(site))
    assert (ended.code, ended.summary["documents"]) == (1, 2)
    assert "entry 0 is not of the known shape" in str(ended.summary["lost_listings"])


def test_a_server_that_fails_is_tried_again_and_once_more_at_the_end(tmp_path: Path) -> None:
    """A 503 is repeated RETRY_TIMES times, after all else again HAKUSHO_ROUNDS times so often; then it is booked."""
    site, page = sites.mod(4), "/j/press/wp/wp2024/html/{}.html".format
    site.answers[page("n101")].status = 503
    site.first[page("n102")] = [Answer(b"", status=503)] * 3
    with site.serve():
        crawl("mod", tmp_path / "w", *at(site), "-s", "RETRY_TIMES=2", "-s", "HAKUSHO_ROUNDS=1")
    tries = [row["retries"] for row in fetches(tmp_path / "w", "mod") if str(row["url"]).endswith("n101.html")]
    assert tries == [0, 1, 2] * 2
    assert ledger(tmp_path / "w")["mod:2024/n101"] == ("dropped", "http_503")
    assert ledger(tmp_path / "w")["mod:2024/n102"] == ("kept", "")
    assert site.targets.index(page("n104")) < site.targets.index(page("n101"), site.targets.index(page("n102")))


def test_a_workspace_that_cannot_be_written_stops_before_any_request(tmp_path: Path) -> None:
    """A disk that refuses is one line and exit status 1."""
    (tmp_path / "file").write_text("")
    with sites.egov(1).serve() as site:
        ended = crawl("egov", tmp_path / "w", *at(site), "-s", f"HAKUSHO_DATA={tmp_path / 'file' / 'w'}")
        assert site.targets == []
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1


def test_a_lock_that_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    """A drive that was mounted read-only since: told by name, no traceback."""
    (tmp_path / "documents" / "mod" / ".parts" / "lock").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot write .*/lock"):
        settle(Workspace(tmp_path), "mod")
