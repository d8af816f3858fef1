"""Shared parts between the engine and the sites: host guard, robots, patience, redirects, and the record of answers."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from corpus.base.errors import HarvestError
from crawlers.handler import EnoughDocuments
from crawlers.identity import ROBOT
from crawlers.robots import Robots as Rules

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.spider import SiteSpider

__all__ = [
    "DeniedByRobots",
    "HostGuard",
    "HostPaused",
    "OffSite",
    "Recorder",
    "Redirects",
    "Retries",
    "Robots",
    "TooManyRedirects",
    "retry_after",
]

_ROBOTS_TRIES = 2  # times that a robots.txt which cannot be had is asked for again before the host is left alone
_ROBOTS_AGAIN = 600.0  # seconds until it is asked for once more, in a crawl that lasts so long


class OffSite(IgnoreRequest):
    """A URL on no host of this source, found by a link or a redirect; it is never asked."""


class DeniedByRobots(IgnoreRequest):
    """robots.txt forbids the URL, or could not be had; its words are the reason that is recorded."""


class HostPaused(IgnoreRequest):
    """The host asked to be left alone for longer than a crawl waits; its words are the reason that is recorded."""


class TooManyRedirects(IgnoreRequest):
    """The URL leads on and on."""


class _Part:
    """A component that knows its crawler."""

    crawler: Crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one for a crawler."""
        part = cls()
        part.crawler = crawler
        return part

    @property
    def spider(self) -> SiteSpider:
        """The crawl's spider."""
        return self.crawler.spider  # type: ignore[return-value]


class _Reporting:
    """Mixin of a component that has to leave hosts alone; what it left is an error when the crawl closes."""

    troubles: dict[str, str]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one that reports at the crawl's end what it had to leave."""
        part: Self = super().from_crawler(crawler)  # type: ignore[misc]  # the other base makes it
        part.troubles = {}
        crawler.signals.connect(part.report, signal=signals.spider_closed)
        return part

    def report(self, spider: SiteSpider) -> None:
        """Fail the harvest, unless all that was wanted came from elsewhere."""
        harvest = spider.harvest
        for trouble in self.troubles.values():
            if harvest.limit is None or harvest.documents < harvest.limit:
                harvest.fail(HarvestError(trouble))


class HostGuard(_Part):
    """Lets http(s) to the route's own hosts pass and nothing else, retries and redirects included."""

    def process_request(self, request: Request) -> None:
        """Raise OffSite for any other URL, before its robots.txt is asked for."""
        if not self.spider.origins.knows(request.url):
            raise OffSite(f"{request.url} is on no host of this source")


@dataclass
class _Origin:
    """What is known of one origin's robots.txt, and until when (monotonic) it is taken for true."""

    rules: Rules = field(default_factory=lambda: Rules("unreachable"))
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Robots(_Reporting, _Part):
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


class Retries(_Reporting, RetryMiddleware):
    """Scrapy's retries, after as long a pause of the whole host as it asks for, or one that doubles where it does not.

    A host that asks for more than HAKUSHO_RETRY_AFTER_CAP seconds is asked nothing more until then.
    """

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._cap, self._backoff = settings.getfloat("HAKUSHO_RETRY_AFTER_CAP"), settings.getfloat("HAKUSHO_BACKOFF")
        self._until: dict[str, float] = {}

    async def process_request(self, request: Request) -> None:
        """Wait until the host may be asked. Raises HostPaused beyond the cap, EnoughDocuments where the crawl ends."""
        host = urlparse_cached(request).hostname or ""
        while (wait := self._until.get(host, 0.0) - monotonic()) > 0:
            if wait > self._cap:
                raise HostPaused("retry_after_over_cap")
            if self._ending:
                raise EnoughDocuments("the crawl ended while this request waited")
            await asyncio.sleep(min(wait, 0.25))  # short, so that Ctrl-C does not wait for the whole pause

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Pause the host after a 429 or 503, and repeat the request after it unless that takes too long."""
        del spider
        if response.status in (429, 503):
            host, given = urlparse_cached(request).hostname or "", response.headers.get("Retry-After")
            wait = retry_after(given, response.headers.get("Date"))
            if wait is None:
                wait = min(self._backoff * 2 ** request.meta.get("retry_times", 0), self._cap)
            self._until[host] = max(self._until.get(host, 0.0), monotonic() + wait)
            if wait > self._cap:
                self.troubles[host] = (
                    f"{host} asks to come back in {wait:.0f} s, longer than HAKUSHO_RETRY_AFTER_CAP ({self._cap:g} s), "
                    "so it was asked nothing more; run the same command later"
                )
                request.meta["fetch"].values["reason"] = "retry_after_over_cap"
                return response
        return super().process_response(request, response)

    @property
    def _ending(self) -> bool:
        site: SiteSpider = self.crawler.spider  # type: ignore[assignment]
        return site.harvest.full or not self.crawler.engine.running


class Redirects(RedirectMiddleware):
    """Scrapy's redirects, recorded hop by hop, and only to hosts of this source."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Follow a redirect. Raises OffSite where it leads elsewhere, TooManyRedirects after five."""
        del spider
        site: SiteSpider = self.crawler.spider  # type: ignore[assignment]
        try:
            result = super().process_response(request, response)
        except IgnoreRequest as error:
            request.meta["fetch"] = site.harvest.fetches.answer(request, response, "redirect_refused", str(error))
            raise TooManyRedirects(str(error)) from None
        if isinstance(result, Request):
            result = result.replace(url=site.origins.site_url(result.url, request.url))
            if not site.origins.knows(result.url):
                request.meta["fetch"] = site.harvest.fetches.answer(request, response, "redirect_refused", result.url)
                raise OffSite(f"redirected to {result.url}, which is on no host of this source")
            site.harvest.fetches.answer(request, response, "redirect", result.url)
        return result


class Recorder(_Part):
    """Writes every answer and every failure into the history of fetches."""

    def process_request(self, request: Request) -> None:
        """Forget what an earlier try of this request left."""
        request.meta.pop("fetch", None)

    def process_response(self, request: Request, response: Response) -> Response:
        """Record an answer as it stands after content decoding."""
        request.meta["fetch"] = self.spider.harvest.fetches.answer(request, response)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Record that no answer came."""
        if not isinstance(exception, EnoughDocuments):
            request.meta["fetch"] = self.spider.harvest.fetches.failure(request, exception)


def retry_after(value: bytes | None, date: bytes | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110 10.2.3); None where it says nothing that can be read.

    An HTTP-date is measured from the answer's own `date` where it has one, so a wrong clock does no harm.

    >>> retry_after(b"120"), retry_after(b"soon")
    (120.0, None)
    >>> retry_after(b"Sun, 06 Nov 1994 08:50:37 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT")
    60.0
    """
    text = (value or b"").strip()
    if re.fullmatch(rb"[0-9]{1,15}", text):
        return float(text)
    then = _http_date(text)
    return None if then is None else max(0.0, (then - (_http_date(date or b"") or datetime.now(UTC))).total_seconds())


def _http_date(value: bytes) -> datetime | None:
    try:
        found = parsedate_to_datetime(value.decode("ascii"))
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
