"""What a harvest would do: robots.txt of each host, and nothing else, is asked for.

The verdicts are those that the crawl comes to, since the same parser reads the same answer; the estimates are what the
spider says of its routes.
"""

from __future__ import annotations

import importlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import sleep
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from corpus.base.config import nearest
from corpus.base.errors import UsageError
from crawlers.arguments import Arguments
from crawlers.identity import ROBOT
from crawlers.robots import LIMIT, Robots

if TYPE_CHECKING:
    from crawlers.spider import SiteSpider

__all__ = ["SOURCES", "Entry", "Plan", "RoutePlan", "plan", "spider_class"]

SOURCES = ("egov", "mod", "nasa", "pmda", "wikipedia")
_TIMEOUT = 30.0  # seconds for robots.txt
_RATE = 1e6  # bytes a second that an answer is thought to come with


@dataclass(frozen=True)
class Entry:
    """A first request of a route: may it be made, by which rule on which line; what its host's robots.txt was."""

    url: str
    allowed: bool
    rule: str | None
    line: int | None
    robots: str


@dataclass(frozen=True)
class RoutePlan:
    """A route: its entries, the gap that is kept and why, and about how much it is (None: not known)."""

    route: str
    about: str
    feed: str
    delay: float
    delay_why: str
    documents: int | None
    requests: int | None
    seconds: float | None
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a harvest of one source would do."""

    source: str
    user_agent: str
    licences: list[str]
    routes: list[RoutePlan]

    @property
    def allowed(self) -> bool:
        """Whether at least one entry of every route may be asked."""
        return all(any(entry.allowed for entry in route.entries) for route in self.routes)

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"allowed": self.allowed}


def spider_class(source: str) -> type[SiteSpider]:
    """The spider of a source. Raises UsageError for a name that is none."""
    if source not in SOURCES:
        raise UsageError(f"no source {source!r}; {nearest(source, list(SOURCES))}")
    module = importlib.import_module(f"crawlers.spiders.{source}")
    found: type[SiteSpider] = getattr(module, module.__all__[0])
    return found


def plan(source: str, given: Mapping[str, str], *, delay: float, cap: float) -> Plan:
    """Ask robots.txt of the hosts of the chosen routes and say what follows from them.

    `delay` is our own gap in seconds, `cap` the longest Crawl-delay that is kept. Raises UsageError, ConfigError.
    """
    cls = spider_class(source)
    agent = cls.check(given)
    arguments = cls(**given).arguments
    robots: dict[str, tuple[Robots, str]] = {}
    made = []
    for name in arguments.routes:
        route, entries, gap, why = cls.routes[name], list[Entry](), delay, "own"
        for url in route.firsts:
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
            if origin not in robots:
                if robots:
                    sleep(min(delay, 1.0))
                robots[origin] = _ask(arguments, origin, agent)
            rules, told = robots[origin]
            verdict, asked = rules.verdict(ROBOT, url), rules.crawl_delay(ROBOT) or 0.0
            entries.append(Entry(url, verdict.allowed and asked <= cap, verdict.rule, verdict.line, told))
            if asked > gap:
                gap, why = asked, "Crawl-delay" if asked <= cap else "Crawl-delay, above the cap: the host is skipped"
        made.append(RoutePlan(name, route.about, route.feed, gap, why, *_estimate(cls, name, arguments, gap), entries))
    return Plan(source, agent, list(cls.licences), made)


def _estimate(
    cls: type[SiteSpider], name: str, arguments: Arguments, gap: float
) -> tuple[int | None, int | None, float | None]:
    """Documents, requests and seconds of a route, within the limit; a change feed's size is known to nobody."""
    route = cls.routes[name]
    limit = arguments.limit
    if arguments.since is not None or not (route.documents or limit):
        return limit, None, None
    documents = min(route.documents or limit or 0, limit or route.documents)
    each = max(route.requests / route.documents, 0.0) if route.documents else 1.0
    requests = max(1, round(documents * each)) + (1 if limit else 0)
    return documents, requests, requests * (gap + route.size / _RATE)


def _ask(arguments: Arguments, origin: str, agent: str) -> tuple[Robots, str]:
    """The rules of an origin, and in words what came."""
    target = arguments.origins.target(f"{origin}/robots.txt")
    request = urllib.request.Request(target, headers={"User-Agent": agent})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=ssl.create_default_context()) as answer:
            status, body, kind = answer.status, answer.read(LIMIT + 1), answer.headers.get("Content-Type", "")
    except urllib.error.HTTPError as error:
        status, body, kind = error.code, b"", ""
    except (OSError, ValueError) as error:
        return Robots.from_fetch(None, b"", ""), f"no answer: {error}"
    rules = Robots.from_fetch(status, body, kind)
    words = {
        "rules": "",
        "html": ", an HTML page: no rules",
        "unavailable": ": no rules",
        "unreachable": ": ask nothing",
    }
    return rules, f"HTTP {status}{words.get(rules.outcome, '')}"
