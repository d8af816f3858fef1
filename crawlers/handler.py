"""The download handler: turns a site's URL into the address that is asked, and asks nothing after the limit."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import CannotResolveHostError
from scrapy.utils.httpobj import urlparse_cached

from crawlers.manners.addresses import GuardedResolver
from crawlers.manners.refusals import EnoughDocuments, ForbiddenAddress

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request, Response

__all__ = ["SiteHandler"]

# An answer that broke off is asked for again and booked; Scrapy's warning advises to take broken ones.
logging.getLogger("scrapy.core.downloader.handlers.http11").setLevel(logging.ERROR)


class SiteHandler(HTTP11DownloadHandler):
    """http and https, over Origins.target; the response carries the site's own URL."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        for base in crawler.spider.origins.hosts.values():  # type: ignore[union-attr]
            if base is not None:
                GuardedResolver.permit(base)

    async def download_request(self, request: Request) -> Response:
        """Ask. Raises EnoughDocuments after the limit, and whatever Scrapy's handler raises."""
        spider = self._crawler.spider
        if spider.harvest.full:  # type: ignore[union-attr]
            raise EnoughDocuments("limit reached")
        target = spider.origins.target(request.url, foreign=request.meta.get("purpose") == "robots")  # type: ignore[union-attr]
        try:
            asked = self._with_cookie(request)
            if target == request.url:
                return await super().download_request(asked)
            request.meta["asked_url"] = target
            response = await super().download_request(_elsewhere(asked, target))
            return response.replace(url=request.url)
        except CannotResolveHostError:
            host = (urlparse_cached(request).hostname or "").lower()
            if host in GuardedResolver.refused:
                raise ForbiddenAddress(f"{host} is {GuardedResolver.refused[host]}, no public address") from None
            raise
        finally:
            self._rest(request)

    def _with_cookie(self, request: Request) -> Request:
        """The request with the user's cookie, where it is for this host; only here, so that no file ever holds it."""
        cookie = self._crawler.spider.arguments.own.get("cookie")  # type: ignore[union-attr]
        if not cookie or request.meta.get("cookie_for") != urlparse_cached(request).hostname:
            return request
        asked = request.replace(headers=request.headers.copy())
        asked.headers["Cookie"] = cookie
        return asked

    def _rest(self, request: Request) -> None:
        """Count the delay from the end of this answer.

        Scrapy counts it from the moment a request leaves its queue; on a busy machine, or while a connection is made,
        that is well before the site sees it, and the next one would follow too soon.
        """
        slot = self._crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
        if slot is not None:
            slot.lastseen = monotonic()


def _elsewhere(request: Request, target: str) -> Request:
    """The request as it goes to a base_url: without the proxy that Scrapy chose for the site's own URL."""
    moved = request.replace(url=target)
    moved.meta.pop("proxy", None)
    moved.headers.pop("Proxy-Authorization", None)
    return moved
