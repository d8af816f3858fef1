"""The recorded robots.txt files of real hosts: our verdicts beside Protego's, each difference explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from protego import Protego

from crawlers.robots import Robots

AGENTS = ("HakushoBot", "Googlebot", "bingbot", "Slurp", "GPTBot", "CCBot")
PATHS = (
    "/",
    "/index.html",
    "/robots.txt",
    "/search?q=a",
    "/cgi-bin/x",
    "/admin/",
    "/a/b.pdf",
    "/wiki/%E7%89%B9",
    "/x?y=1&z",
)


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[Path]:
    """The recorded files."""
    found = sorted((shared_data / "robots").glob("*.robots.txt"))
    if not found:
        pytest.skip("needs ../shared/data/robots")
    return found


def urls(body: bytes) -> list[str]:
    """Paths worth asking about: common ones, and each rule of the file as a path, longer, and cut."""
    patterns = re.findall(r"(?im)^\s*(?:dis)?allow\s*:\s*(/[^\s#]*)", body.decode("utf-8", "replace"))
    plain = [pattern.replace("*", "x").removesuffix("$") for pattern in dict.fromkeys(patterns)]
    return list(dict.fromkeys([*PATHS, *plain, *(f"{path}z" for path in plain), *(path[:-1] or "/" for path in plain)]))


# RFC 9309 2.2.4: no other line may end a group. Protego lets a Crawl-delay do so, and gives the rules after it to the
# user-agent lines behind it alone; these are the recorded hosts that have one there.
DELAY_BETWEEN_AGENTS = {"www.cdjapan.co.jp.robots.txt", "www.congress.gov.robots.txt"}


def test_verdicts_on_real_files_are_protegos_or_explained(files: list[Path]) -> None:
    """Tens of thousands of verdicts: the same, but where a Crawl-delay stands between agents; there ours denies."""
    asked, different = 0, set()
    for path in files:
        body = path.read_bytes()
        ours, theirs = Robots.parse(body), Protego.parse(body.decode("utf-8-sig", "replace"))
        for agent in AGENTS:
            for url in urls(body):
                asked += 1
                allowed = ours.verdict(agent, f"https://h{url}").allowed
                if allowed != theirs.can_fetch(f"https://h{url}", agent):
                    different.add(path.name)
                    assert not allowed, (path.name, agent, url)
    assert different <= DELAY_BETWEEN_AGENTS
    assert asked > 20_000


def test_delays_and_sitemaps_of_real_files_are_protegos(files: list[Path]) -> None:
    """A file says the same to both, but where several delays stand for one agent: then ours is the longer."""
    for path in files:
        body = path.read_bytes()
        ours, theirs = Robots.parse(body), Protego.parse(body.decode("utf-8-sig", "replace"))
        assert list(ours.sitemaps) == list(theirs.sitemaps), path.name
        for agent in AGENTS:
            assert (ours.crawl_delay(agent) or 0.0) >= (theirs.crawl_delay(agent) or 0.0), (path.name, agent)


def test_every_real_denial_names_a_rule_of_the_file(files: list[Path]) -> None:
    """The line that is named holds a Disallow, and the rule is what stands there."""
    denials = 0
    for path in files:
        body = path.read_bytes()
        lines = re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf"))
        robots = Robots.parse(body)
        for url in urls(body):
            verdict = robots.verdict("HakushoBot", url)
            if not verdict.allowed:
                assert verdict.rule is not None
                assert verdict.line is not None
                assert lines[verdict.line - 1].decode("utf-8", "replace").strip().startswith(verdict.rule)
                denials += 1
    assert denials > 1000
