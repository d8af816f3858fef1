"""Shared parts between the engine and the sites: host guard, robots, redirects, and the record of every answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.utils.httpobj import urlparse_cached

from crawlers.handler import EnoughDocuments

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

    from crawlers.spider import SiteSpider

__all__ = ["DeniedByRobots", "HostGuard", "OffSite", "Recorder", "Redirects", "Robots"]


class OffSite(IgnoreRequest):
    """A URL on no host of this source, found by a link or a redirect; it is never asked."""


class DeniedByRobots(IgnoreRequest):
    """robots.txt forbids the URL."""


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


class HostGuard(_Part):
    """Lets http(s) to the route's own hosts pass and nothing else, retries and redirects included."""

    def process_request(self, request: Request) -> None:
        """Raise OffSite for any other URL, before its robots.txt is asked for."""
        if not self.spider.origins.knows(request.url):
            raise OffSite(f"{request.url} is on no host of this source")


class Robots(RobotsTxtMiddleware):
    """Scrapy's robots.txt check with its refusal told apart, and Crawl-delay honoured."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self._keep_crawl_delay, signal=signals.robots_parsed)
        logging.getLogger("scrapy.downloadermiddlewares.robotstxt").addFilter(_without_traceback)

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Raise DeniedByRobots where robots.txt forbids the URL."""
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            raise DeniedByRobots(str(error)) from None

    def _keep_crawl_delay(self, robotparser: RobotParser, request: Request) -> None:
        settings, downloader = self.crawler.settings, self.crawler.engine.downloader
        asked = robotparser.crawl_delay(settings["ROBOTSTXT_USER_AGENT"]) or 0.0
        cap, own = settings.getfloat("HAKUSHO_CRAWL_DELAY_CAP"), settings.getfloat("DOWNLOAD_DELAY")
        delay = max(own, min(asked, cap))
        host = urlparse_cached(request).hostname or ""
        downloader.per_slot_settings.setdefault(host, {})["delay"] = delay  # for slots made anew after a quiet minute
        if host in downloader.slots:
            downloader.slots[host].delay = delay


class Redirects(RedirectMiddleware):
    """Scrapy's redirects, recorded hop by hop, and only to hosts of this source."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Follow a redirect. Raises OffSite where it leads elsewhere, IgnoreRequest after too many."""
        del spider
        site: SiteSpider = self.crawler.spider  # type: ignore[assignment]
        try:
            result = super().process_response(request, response)
        except IgnoreRequest as error:
            request.meta["fetch"] = site.harvest.fetches.answer(request, response, "redirect_refused", str(error))
            raise
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


def _without_traceback(record: logging.LogRecord) -> bool:
    """A robots.txt that cannot be had is one line, not a stack."""
    record.exc_info = None
    return True
