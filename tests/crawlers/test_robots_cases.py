"""robots.txt as RFC 9309 reads it: rules and examples of the RFC as cases, each with the deciding line where one is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.robots import LIMIT, Robots, Verdict

ME = "HakushoBot"
ALL = "User-agent: *\n"
TWO = "User-agent: *\nDisallow: /all\n\nUser-agent: hakushobot\nDisallow: /mine\n"
RFC_5_1 = (
    "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n"
    "User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n"
    "User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n"
)
RFC_5_2 = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"

# (robots.txt, agent, URL, allowed, line of the deciding rule or None)
GROUPS = [
    ("", ME, "/", True, None),
    ("\n\n# only a comment\n", ME, "/x", True, None),
    ("Disallow: /\n", ME, "/x", True, None),
    (TWO, ME, "/mine/x", False, 5),
    (TWO, ME, "/all/x", True, None),
    (TWO, "OtherBot", "/all/x", False, 2),
    (TWO, "OtherBot", "/mine/x", True, None),
    ("User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: A\nDisallow: /z\n", "a", "/x", False, 2),
    ("User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: A\nDisallow: /z\n", "a", "/z", False, 6),
    ("User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: A\nDisallow: /z\n", "a", "/y", True, None),
    (f"{ALL}Disallow: /x\n{ALL}Disallow: /y\n", ME, "/x", False, 2),
    (f"{ALL}Disallow: /x\n{ALL}Disallow: /y\n", ME, "/y", False, 4),
    ("User-agent: a\nUser-agent: b\nDisallow: /\n", "a", "/x", False, 3),
    ("User-agent: a\nUser-agent: b\nDisallow: /\n", "b", "/x", False, 3),
    ("User-agent: a\n\n\nUser-agent: b\n\nDisallow: /\n", "a", "/x", False, 6),
    ("User-agent: a\nDisallow: /\n\nDisallow: /y\n", "a", "/y", False, 4),
    ("User-agent: a\nSitemap: https://h/s.xml\nUser-agent: b\nDisallow: /\n", "a", "/x", False, 4),
    ("User-agent: a\nDisallow: /x\nSitemap: https://h/s.xml\nDisallow: /y\n", "a", "/y", False, 4),
    ("User-agent: a\nNoindex: /q\nUser-agent: b\nDisallow: /\n", "a", "/x", False, 4),
    ("User-agent: a\nCrawl-delay: 3\nUser-agent: b\nDisallow: /\n", "a", "/x", False, 4),
    ("User-agent: a\nhello there\nUser-agent: b\nDisallow: /\n", "a", "/x", False, 4),
    ("User-agent: a\nDisallow:\nUser-agent: b\nDisallow: /\n", "a", "/x", True, None),
    ("User-agent: a\nUser-agent: *\nDisallow: /\n", "c", "/x", False, 3),
    (f"{ALL}Disallow: /\nUser-agent: {ME}\n", ME, "/x", True, None),
    (f"{ALL}Disallow: /\nUser-agent: {ME}\nDisallow:\n", ME, "/x", True, None),
    ("User-agent: * # all\nDisallow: /\n", ME, "/x", False, 2),
    ("User-agent: * of them\nDisallow: /\n", ME, "/x", False, 2),
    ("User-agent:\nDisallow: /\n", ME, "/x", True, None),
]
TOKENS = [
    ("User-agent: HAKUSHObot\nDisallow: /\n", "hakushoBOT", "/x", False, 2),
    ("User-agent: hakusho\nDisallow: /\n", ME, "/x", True, None),
    ("User-agent: bot\nDisallow: /\n", "mybot", "/x", True, None),
    ("User-agent: HakushoBotX\nDisallow: /\n", ME, "/x", True, None),
    ("User-agent: HakushoBot/0.1\nDisallow: /\n", ME, "/x", False, 2),
    ("User-agent: HakushoBot v2 of us\nDisallow: /\n", ME, "/x", False, 2),
    ("User-agent: HakushoBot\nDisallow: /\n", "HakushoBot/0.1 (+mailto:dev@example.org)", "/x", False, 2),
    ("User-agent: dev\nDisallow: /\n", "HakushoBot/0.1 (+mailto:dev@example.org)", "/x", True, None),
    ("User-agent: a_b-c\nDisallow: /\n", "A_B-C/9", "/x", False, 2),
    ("User-agent: 123\nDisallow: /\n", "123", "/x", True, None),
    ("User-agent: So8tBot\nDisallow: /\n", "SoBot", "/x", True, None),
    (f"{ALL}Disallow: /\n", "", "/x", False, 2),
]
EMPTY_AND_TIES = [
    (f"{ALL}Disallow:\n", ME, "/x", True, None),
    (f"{ALL}Allow:\nDisallow: /\n", ME, "/x", False, 3),
    (f"{ALL}Disallow: /\n", ME, "/", False, 2),
    (f"{ALL}Allow: /x\nDisallow: /x\n", ME, "/x", True, 2),
    (f"{ALL}Disallow: /x\nAllow: /x\n", ME, "/x", True, 3),
    (f"{ALL}Disallow: /x/page\nAllow: /x/\n", ME, "/x/page", False, 2),
    (f"{ALL}Allow: /x/page\nDisallow: /x/\n", ME, "/x/page", True, 2),
    (f"{ALL}Allow: /x/page\nDisallow: /x/\n", ME, "/x/other", False, 3),
    (f"{ALL}Disallow: /\nAllow: /x\n", ME, "/y", False, 2),
    (f"{ALL}Allow: /p\nDisallow: /\n", ME, "/page", True, 2),
    (f"{ALL}Allow: /page\nDisallow: /*.htm\n", ME, "/page.htm", False, 3),
    (f"{ALL}Allow: /page\nDisallow: /*.ht\n", ME, "/page.htm", True, 2),
    (f"{ALL}Allow: /$\nDisallow: /\n", ME, "/", True, 2),
    (f"{ALL}Allow: /$\nDisallow: /\n", ME, "/x", False, 3),
    (f"{ALL}Disallow: /x\nDisallow: /x\n", ME, "/x", False, 2),
]
PATHS = [
    (f"{ALL}Disallow: /fish\n", ME, "/fish", False, 2),
    (f"{ALL}Disallow: /fish\n", ME, "/fish.html", False, 2),
    (f"{ALL}Disallow: /fish\n", ME, "/fishes/a?b", False, 2),
    (f"{ALL}Disallow: /fish\n", ME, "/Fish", True, None),
    (f"{ALL}Disallow: /fish\n", ME, "/a/fish", True, None),
    (f"{ALL}Disallow: /fish/\n", ME, "/fish", True, None),
    (f"{ALL}Disallow: /fish/\n", ME, "/fish/", False, 2),
    (f"{ALL}Disallow: /x?a=1\n", ME, "https://h/x?a=1&b=2", False, 2),
    (f"{ALL}Disallow: /x?a=1\n", ME, "https://h/x", True, None),
    (f"{ALL}Disallow: /?\n", ME, "https://h?q=1", False, 2),
    (f"{ALL}Disallow: /\n", ME, "https://h", False, 2),
    (f"{ALL}Disallow: /x\n", ME, "https://h:8443/x", False, 2),
    (f"{ALL}Disallow: /x\n", ME, "HTTPS://user@h/x", False, 2),
    (f"{ALL}Disallow: /part\n", ME, "https://h/x#/part", True, None),
    (f"{ALL}Disallow: /x;a\n", ME, "/x;a=1", False, 2),
    (f"{ALL}Disallow: x\n", ME, "/x", True, None),
    (f"{ALL}Disallow: /\n", ME, "https://h/robots.txt", True, None),
    (f"{ALL}Disallow: /robots.txt\n", ME, "/robots.txt", True, None),
    (f"{ALL}Disallow: /\n", ME, "/a/robots.txt", False, 2),
]
WILDCARDS = [
    (f"{ALL}Disallow: *\n", ME, "/x", False, 2),
    (f"{ALL}Disallow: /*\n", ME, "/", False, 2),
    (f"{ALL}Disallow: *.php\n", ME, "/a/x.php?y", False, 2),
    (f"{ALL}Disallow: /*.php\n", ME, "/x.php5", False, 2),
    (f"{ALL}Disallow: /*.php\n", ME, "/x.PHP", True, None),
    (f"{ALL}Disallow: /*.php$\n", ME, "/x.php", False, 2),
    (f"{ALL}Disallow: /*.php$\n", ME, "/x.php?y", True, None),
    (f"{ALL}Disallow: /*.php$\n", ME, "/x.php.php", False, 2),
    (f"{ALL}Disallow: /fish*.php\n", ME, "/fishes/a.php?b", False, 2),
    (f"{ALL}Disallow: /fish*.php\n", ME, "/fish.asp", True, None),
    (f"{ALL}Disallow: /a*b*c\n", ME, "/a-b-c", False, 2),
    (f"{ALL}Disallow: /a*b*c\n", ME, "/a-c-b", True, None),
    (f"{ALL}Disallow: /a**b\n", ME, "/ab", False, 2),
    (f"{ALL}Disallow: /x$\n", ME, "/x", False, 2),
    (f"{ALL}Disallow: /x$\n", ME, "/xy", True, None),
    (f"{ALL}Disallow: /x$y\n", ME, "/x$y", False, 2),
    (f"{ALL}Disallow: /x$y\n", ME, "/xy", True, None),
    (f"{ALL}Disallow: /x*$\n", ME, "/xyz", False, 2),
    (f"{ALL}Disallow: /ab*ba$\n", ME, "/aba", True, None),
    (f"{ALL}Disallow: /ab*ba$\n", ME, "/abba", False, 2),
    (f"{ALL}Disallow: /a.b\n", ME, "/aXb", True, None),
]
ENCODING = [
    (f"{ALL}Disallow: /path/file-with-a-%2A.html\n", ME, "/path/file-with-a-*.html", False, 2),
    (f"{ALL}Disallow: /path/file-with-a-%2A.html\n", ME, "/path/file-with-a-x.html", True, None),
    (f"{ALL}Disallow: /path/foo-%24\n", ME, "/path/foo-$", False, 2),
    (f"{ALL}Disallow: /path/foo-%24\n", ME, "/path/foo-%24", False, 2),
    (f"{ALL}Disallow: /foo/bar/baz\n", ME, "/foo/bar/%62%61%7A", False, 2),
    (f"{ALL}Disallow: /foo/bar/%62%61%7A\n", ME, "/foo/bar/baz", False, 2),
    (f"{ALL}Disallow: /foo/bar/ツ\n", ME, "/foo/bar/%E3%83%84", False, 2),
    (f"{ALL}Disallow: /foo/bar/%E3%83%84\n", ME, "/foo/bar/ツ", False, 2),
    (f"{ALL}Disallow: /foo/bar/%e3%83%84\n", ME, "/foo/bar/%E3%83%84/x", False, 2),
    (f"{ALL}Disallow: /foo/bar?baz=https://foo.bar\n", ME, "/foo/bar?baz=https://foo.bar", False, 2),
    (f"{ALL}Disallow: /a%2Fb\n", ME, "/a/b", True, None),
    (f"{ALL}Disallow: /a/b\n", ME, "/a%2Fb", True, None),
    (f"{ALL}Disallow: /a%2fb\n", ME, "/a%2Fb", False, 2),
    (f"{ALL}Disallow: /%7Euser\n", ME, "/~user", False, 2),
    (f"{ALL}Disallow: /a b\n", ME, "/a%20b", False, 2),
    (f"{ALL}Disallow: /a%23b\n", ME, "/a%23b", False, 2),
    (f"{ALL}Disallow: /a%3Db\n", ME, "/a=b", True, None),
    (f"{ALL}Disallow: /100%\n", ME, "/100%", False, 2),
    (f"{ALL}Disallow: /100%zz\n", ME, "/100%zz", False, 2),
    (f"{ALL}Allow: /特\nDisallow: /%E7%89%B9\n", ME, "/特", True, 2),
]
LINES = [
    ("\ufeffUser-agent: *\nDisallow: /x\n", ME, "/x", False, 2),
    ("User-agent: *\r\nDisallow: /x\r\n", ME, "/x", False, 2),
    ("User-agent: *\rDisallow: /x\r", ME, "/x", False, 2),
    ("User-agent: *\r\n\r\n\nDisallow: /x", ME, "/x", False, 4),
    (f"{ALL}Disallow: /x\vAllow: /x\n", ME, "/x", True, None),
    (f"{ALL}Disallow: /x\u2028Allow: /y\n", ME, "/x\u2028Allow: /y", False, 2),
    (f"{ALL}# a\x85Disallow: /x\n", ME, "/x", True, None),
    ("  user-AGENT \t: \t*\t\n\tDISALLOW\t:\t/x \t\n", ME, "/x", False, 2),
    ("User-agent:*\nDisallow:/x\n", ME, "/x", False, 2),
    (f"{ALL}Disallow: /x # why\n", ME, "/x", False, 2),
    (f"{ALL}Disallow: /x#why\n", ME, "/xy", False, 2),
    (f"{ALL}#Disallow: /x\n", ME, "/x", True, None),
    (f"{ALL}Disallow: # /x\n", ME, "/x", True, None),
    (f"{ALL}Disallow /x\n", ME, "/x", False, 2),
    (f"{ALL}Disalow: /x\n", ME, "/x", False, 2),  # codespell:ignore
    ("Useragent: *\nDisallow: /x\n", ME, "/x", False, 2),
    (f"{ALL}Disallowed: /x\n", ME, "/x", True, None),
    (f"{ALL}X-Disallow: /x\n", ME, "/x", True, None),
]
EXAMPLES = [
    (RFC_5_1, "foobot", "/example/page.html", True, 8),
    (RFC_5_1, "foobot", "/example/allowed.gif", True, 9),
    (RFC_5_1, "foobot", "/example/", False, 7),
    (RFC_5_1, "barbot", "/example/page.html", False, 13),
    (RFC_5_1, "bazbot", "/example/page.html", False, 13),
    (RFC_5_1, "bazbot", "/example/allowed.gif", True, None),
    (RFC_5_1, "quxbot", "/example/page.html", True, None),
    (RFC_5_1, ME, "/a.gif", False, 2),
    (RFC_5_1, ME, "/publications/a.gif", True, 4),
    (RFC_5_1, ME, "/example/page.html", False, 3),
    (RFC_5_1, ME, "/publications/", True, 4),
    (RFC_5_2, "foobot", "/example/page/disallowed.gif", False, 3),
    (RFC_5_2, "foobot", "/example/page/other.gif", True, 2),
]
CASES = [*GROUPS, *TOKENS, *EMPTY_AND_TIES, *PATHS, *WILDCARDS, *ENCODING, *LINES, *EXAMPLES]


@pytest.mark.parametrize(("text", "agent", "url", "allowed", "line"), CASES)
def test_a_case_of_the_rfc(text: str, agent: str, url: str, allowed: bool, line: int | None) -> None:
    """The verdict, and the line that decides."""
    verdict = Robots.parse(text.encode()).verdict(agent, url)
    assert (verdict.allowed, verdict.line) == (allowed, line)
    assert (verdict.rule is None) is (line is None)


def test_the_table_is_large() -> None:
    """Over a hundred cases, none twice."""
    assert len(set(CASES)) == len(CASES) > 100


def test_the_rule_is_told_as_it_is_written() -> None:
    """Case, spaces and encoding of the keeper, without the comment."""
    robots = Robots.parse(b"User-agent: *\n  disALLOW :/%7efoo* # not for you\n")
    assert robots.verdict(ME, "/~foo") == Verdict(False, "disALLOW :/%7efoo*", 2)


FETCHES = [
    (None, b"", "", False, "unreachable"), (200, b"User-agent: *\nDisallow: /", "text/plain", False, "rules"),
    (200, b"", "text/plain", True, "rules"), (204, b"", "", True, "rules"),
    (206, b"User-agent: *\nDisallow: /", "", False, "rules"),
    (301, b"", "", True, "unavailable"), (302, b"User-agent: *\nDisallow: /", "", True, "unavailable"),
    (400, b"", "", True, "unavailable"), (401, b"", "", True, "unavailable"), (403, b"", "", True, "unavailable"),
    (404, b"User-agent: *\nDisallow: /", "text/plain", True, "unavailable"), (410, b"", "", True, "unavailable"),
    (451, b"", "", True, "unavailable"), (499, b"", "", True, "unavailable"), (429, b"", "", False, "unreachable"),
    (500, b"User-agent: *\nAllow: /", "text/plain", False, "unreachable"), (502, b"", "", False, "unreachable"),
    (503, b"", "", False, "unreachable"), (599, b"", "", False, "unreachable"), (0, b"", "", False, "unreachable"),
    (100, b"", "", False, "unreachable"), (999, b"", "", False, "unreachable"),
    (200, b"<!DOCTYPE html><html>\nUser-agent: *\nDisallow: /\n", "text/html; charset=utf-8", True, "html"),
    (200, b"\xef\xbb\xbf \n<!-- x --><HTML>\nUser-agent: *\nDisallow: /\n", "text/plain", True, "html"),
    (200, b"<p>User-agent</p>\nUser-agent: *\nDisallow: /\n", "TEXT/HTML", True, "html"),
    (200, b"User-agent: *\nDisallow: /", "text/html", False, "rules"),
    (200, b"# see <a>\nUser-agent: *\nDisallow: /", "text/plain", False, "rules"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "content_type", "allowed", "outcome"), FETCHES)
def test_what_an_answer_means(status: int | None, body: bytes, content_type: str, allowed: bool, outcome: str) -> None:
    """A failure denies all, a missing file allows all, a web page holds no rules; robots.txt itself may be asked."""
    robots = Robots.from_fetch(status, body, content_type)
    assert (robots.verdict(ME, "https://h/x").allowed, robots.outcome) == (allowed, outcome)
    assert robots.verdict(ME, "https://h/robots.txt").allowed


DELAYS = [
    ("5", 5.0), ("0.5", 0.5), (".5", 0.5), ("10.", 10.0), ("0", 0.0), ("+3", 3.0), ("1e1", 10.0), ("5 # five", 5.0),
    ("nan", None), ("inf", None), ("-1", None), ("1e999", None), ("", None), ("ten", None), ("5s", None), ("1_0", None),
    ("٣", None), ("0x10", None), ("9" * 5000, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "seconds"), DELAYS)
def test_a_crawl_delay_is_a_finite_number(value: str, seconds: float | None) -> None:
    """Anything else is as if it were not there."""
    assert Robots.parse(f"{ALL}Crawl-delay: {value}\n".encode()).crawl_delay(ME) == seconds


def test_a_crawl_delay_belongs_to_its_agents() -> None:
    """That of the own group counts, else that of *; of several the longest."""
    text = b"User-agent: a\nCrawl-delay: 5\nUser-agent: b\nUser-agent: c\nCrawl-delay: 10\n\n"
    text += b"User-agent: *\nAllow: /\nCrawl-delay: 1\n"
    robots = Robots.parse(text + b"User-agent: a\nDisallow: /x\nCrawl-delay: 2\nUser-agent: d\nDisallow: /y\n")
    assert [robots.crawl_delay(agent) for agent in "abcde"] == [5.0, 10.0, 10.0, None, 1.0]


def test_sitemaps_are_kept_in_order() -> None:
    """Of all groups and of none, with a colon in the value."""
    text = b"Sitemap: https://h/1.xml\nUser-agent: *\nsitemap:https://h/2.xml # two\nSitemap:\nDisallow: /\n"
    assert Robots.parse(text).sitemaps == ("https://h/1.xml", "https://h/2.xml")


def test_500_kib_are_read() -> None:
    """A rule that ends at the limit counts; one that the limit cuts, or behind it, does not: cut it would deny more."""
    rule = b"Disallow: /x"
    head = b"User-agent: *\n#"
    fill = head + b"-" * (LIMIT - len(head) - len(rule) - 1) + b"\n"
    for text, denied in (
        (fill + rule + b"\n", True),
        (fill + rule, True),
        (fill + rule + b"yz\n", False),
        (b"\n" + fill + rule, False),
    ):
        assert Robots.parse(text).verdict(ME, "/x").allowed is not denied


@settings(max_examples=300)
@given(st.binary(max_size=400), st.text(max_size=20), st.text(max_size=60))
def test_nothing_raises(body: bytes, agent: str, url: str) -> None:
    """Any bytes, any agent, any URL."""
    for robots in (Robots.parse(body), Robots.from_fetch(200, body, "text/html")):
        robots.verdict(agent, url)
        robots.crawl_delay(agent)


WORDS = [
    "User-agent: ",
    "user-agent:*",
    "a",
    "Disallow: ",
    "Allow: /",
    "/",
    "*",
    "$",
    "%2",
    "F",
    "#",
    "\n",
    "\r",
    "\ufeff",
    "é",
    "\x00",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.text("/ab*$%2Fé#?", max_size=20))
def test_a_denial_names_a_line_that_is_there(words: list[str], url: str) -> None:
    """The line of a verdict holds its rule."""
    body = "".join(words).encode()
    verdict = Robots.parse(body).verdict("a", url)
    if verdict.line is not None:
        lines = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        assert verdict.rule is not None
        assert verdict.rule.encode() in lines[verdict.line - 1]
    assert verdict.allowed or verdict.line is not None


def naive(pattern: str, path: str) -> bool:
    """The definition of a match, by trying everything."""
    if not pattern:
        return True
    if pattern == "$":
        return path == ""
    if pattern[0] == "*":
        return any(naive(pattern[1:], path[n:]) for n in range(len(path) + 1))
    return path[:1] == pattern[0] and naive(pattern[1:], path[1:])


@settings(max_examples=500)
@given(st.text("/ab*", max_size=7), st.booleans(), st.text("/ab", max_size=9))
def test_matching_is_what_the_definition_says(pattern: str, anchored: bool, path: str) -> None:
    """The quick match equals the slow one."""
    whole = f"/{pattern}{'$' * anchored}"
    verdict = Robots.parse(f"{ALL}Disallow: {whole}\n".encode()).verdict(ME, f"/{path}")
    assert verdict.allowed is not naive(whole, f"/{path}")


NAMES = ("".join(chr(97 + n // 26**place % 26) for place in range(3)) for n in range(15_000))
AGENTS = "".join(f"User-agent: x{name}\n" for name in NAMES).encode()
HOSTILE = {
    "stars": b"User-agent: *\nDisallow: /" + b"*a" * 30 + b"b\n",
    "all stars": b"User-agent: *\nDisallow: /" + b"a*" * 30 + b"$\nDisallow: /" + b"*" * 2000 + b"b\n",
    "many rules": b"User-agent: *\n" + b"Disallow: /*a*a*a*b$\n" * 20_000,
    "one agent often": b"User-agent: *\n" + b"User-agent: x\n" * 30_000,
    "agents and rules": AGENTS + b"Disallow: /\n" * 20_000,
    "agents and delays": AGENTS + b"Crawl-delay: 1\n" * 15_000,
    "open comments": b"<!--" * 100_000,
    "comments": b"<!-- -->" * 60_000,
    "percent": b"%" * 400_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_linear_time(name: str) -> None:
    """Thirty stars against two thousand characters, and files made to be slow, are read within seconds."""
    begun = time.process_time()
    robots = Robots.from_fetch(200, HOSTILE[name], "text/html")
    robots.verdict(ME, "/" + "a" * 2000)
    robots.crawl_delay("xaaa")
    assert time.process_time() - begun < 4
