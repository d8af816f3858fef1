"""Obedience to robots.txt: asked once a day and origin, failures deny, Crawl-delay sets the pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached

from crawlers.identity import ROBOT
from crawlers.manners.part import Part, Reporting
from crawlers.manners.refusals import DeniedByRobots, RobotsUnreachable
from crawlers.manners.site_files import Answer, SiteFiles
from crawlers.robots import Robots as Rules

__all__ = ["Robots"]

_ROBOTS_TRIES = 4  # times that a robots.txt which cannot be had is asked for again before the host is left alone
_ROBOTS_AGAIN = 600.0  # seconds until one that failed is asked for again; Cache-Control never makes it more often


@dataclass
class _Origin:
    """What is known of one origin's robots.txt, and until when (monotonic) it is taken for true."""

    rules: Rules = field(default_factory=lambda: Rules("unreachable"))
    sha256: str | None = None
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Robots(Reporting, Part):
    """Asks robots.txt at the start and once a day, and lets nothing pass that it forbids, or while it cannot be had.

    Only the usual ports can be asked (Origins.knows), so scheme and host name an origin.
    """

    def __init__(self) -> None:
        self._origins: dict[str, _Origin] = {}

    async def process_request(self, request: Request) -> None:
        """Raise DeniedByRobots where the URL may not be asked; else note the verdict for the record."""
        if request.meta.get("purpose") == "robots":
            return
        parts = urlparse_cached(request)
        origin = f"{parts.scheme}://{parts.hostname}"
        known = await self._rules(origin)
        rules = known.rules
        verdict = request.meta["robots"] = rules.verdict(ROBOT, request.url)
        request.meta["robots_sha256"] = known.sha256
        if rules.outcome == "unreachable" and not verdict.allowed:
            raise RobotsUnreachable("robots_unreachable")
        if not verdict.allowed:
            raise DeniedByRobots(f"{verdict.rule} (line {verdict.line})")
        if (rules.crawl_delay(ROBOT) or 0.0) > self._cap:
            raise DeniedByRobots("crawl_delay_over_cap")

    @property
    def _cap(self) -> float:
        return self.crawler.settings.getfloat("HAKUSHO_CRAWL_DELAY_CAP")

    async def _rules(self, origin: str) -> _Origin:
        known = self._origins.setdefault(origin, _Origin())
        async with known.lock:
            if monotonic() >= known.until:
                answer = await self._files.ask(self.crawler, f"{origin}/robots.txt", "robots", _ROBOTS_TRIES)
                rules = Rules.from_fetch(answer.status, answer.body, answer.content_type)
                if rules.outcome != "rules" and answer.fetch is not None:
                    answer.fetch.values["reason"] = rules.outcome
                reached = rules.outcome != "unreachable"
                if reached or not known.until or known.rules.outcome == "unreachable":
                    known.rules, known.sha256 = rules, answer.sha256
                # otherwise the copy that there is stays true (RFC 9309 2.4)
                known.until = monotonic() + (self._age(answer) if reached else _ROBOTS_AGAIN)
                self._keep_delay(origin, answer.why)
        return known

    @property
    def _files(self) -> SiteFiles:
        return self.spider.harvest.site_files

    def _age(self, answer: Answer) -> float:
        """Seconds for which an answer is taken for true: a day, or what Cache-Control says if that is less."""
        day = self.crawler.settings.getfloat("HAKUSHO_ROBOTS_AGE")
        return day if answer.age is None else min(day, max(answer.age, _ROBOTS_AGAIN))

    def _keep_delay(self, origin: str, why: str) -> None:
        """Set the delay of the host's slot: the longest that our settings or its origins ask for; tell of troubles."""
        rules, host = self._origins[origin].rules, origin.partition("://")[2]
        asked = rules.crawl_delay(ROBOT) or 0.0
        url = f"{self.spider.name}: {origin}/robots.txt"
        if rules.outcome == "unreachable":
            self.troubles[origin] = f"{url} cannot be had ({why}), so nothing there may be asked; try again later"
        elif asked > self._cap:
            self.troubles[origin] = (
                f"{url} asks for {asked:g} s between requests, so the host is skipped; "
                f"-s HAKUSHO_CRAWL_DELAY_CAP={asked:g} takes the time (now {self._cap:g})"
            )
        near = [known.rules.crawl_delay(ROBOT) or 0.0 for name, known in self._origins.items()
                if name.partition("://")[2] == host]  # fmt: skip
        delay = max(
            self.crawler.settings.getfloat("DOWNLOAD_DELAY"), *(each for each in near if each <= self._cap), 0.0
        )
        downloader = self.crawler.engine.downloader
        downloader.per_slot_settings.setdefault(host, {})["delay"] = delay  # for slots made anew after a quiet minute
        if host in downloader.slots:
            downloader.slots[host].delay = delay
