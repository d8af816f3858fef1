"""Obedience to robots.txt: asked once a day and origin, failures deny, Crawl-delay sets the pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from crawlers.identity import ROBOT
from crawlers.manners.part import Part, Reporting
from crawlers.manners.refusals import DeniedByRobots, EnoughDocuments, TooManyRedirects
from crawlers.robots import Robots as Rules

__all__ = ["Robots"]

_ROBOTS_TRIES = 2  # times that a robots.txt which cannot be had is asked for again before the host is left alone
_ROBOTS_AGAIN = 600.0  # seconds until it is asked for once more, in a crawl that lasts so long


@dataclass
class _Origin:
    """What is known of one origin's robots.txt, and until when (monotonic) it is taken for true."""

    rules: Rules = field(default_factory=lambda: Rules("unreachable"))
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Robots(Reporting, Part):
    """Asks robots.txt once a day and origin, and lets nothing pass that it forbids, or while it cannot be had.

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
        rules = await self._rules(origin)
        verdict = request.meta["robots"] = rules.verdict(ROBOT, request.url)
        if rules.outcome == "unreachable" and not verdict.allowed:
            raise DeniedByRobots("robots_unreachable")
        if not verdict.allowed:
            raise DeniedByRobots(f"{verdict.rule} (line {verdict.line})")
        if (rules.crawl_delay(ROBOT) or 0.0) > self._cap:
            raise DeniedByRobots("crawl_delay_over_cap")

    @property
    def _cap(self) -> float:
        return self.crawler.settings.getfloat("HAKUSHO_CRAWL_DELAY_CAP")

    async def _rules(self, origin: str) -> Rules:
        known = self._origins.setdefault(origin, _Origin())
        async with known.lock:
            if monotonic() >= known.until:
                rules, why = await self._ask(origin)
                reached = rules.outcome != "unreachable"
                if reached or not known.until or known.rules.outcome == "unreachable":
                    known.rules = rules  # otherwise the copy that there is stays true (RFC 9309 2.4)
                age = self.crawler.settings.getfloat("HAKUSHO_ROBOTS_AGE") if reached else _ROBOTS_AGAIN
                known.until = monotonic() + age
                self._keep_delay(origin, why)
        return known.rules

    async def _ask(self, origin: str) -> tuple[Rules, str]:
        """Fetch and read; with why it failed, if it did. Raises EnoughDocuments."""
        size = self.crawler.settings.getint("HAKUSHO_PAGE_MAXSIZE")
        meta = {"purpose": "robots", "max_retry_times": _ROBOTS_TRIES, "download_maxsize": size}
        request = Request(f"{origin}/robots.txt", callback=NO_CALLBACK, meta=meta)
        try:
            response = await self.crawler.engine.download_async(request)
        except EnoughDocuments:
            raise
        except TooManyRedirects:
            return Rules.from_fetch(302, b"", ""), ""
        except Exception as error:  # noqa: BLE001  whatever went wrong, the rules are not known
            why = str(error) if isinstance(error, IgnoreRequest) else f"no answer, {type(error).__name__}"
            return Rules.from_fetch(None, b"", ""), why
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        rules = Rules.from_fetch(response.status, response.body, content_type)
        if rules.outcome != "rules" and response.request is not None:
            response.request.meta["fetch"].values["reason"] = rules.outcome
        return rules, f"HTTP {response.status}"

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
