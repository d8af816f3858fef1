"""Redirects, recorded hop by hop, and only to where the crawl may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from crawlers.manners.refusals import OffSite, TooManyRedirects

if TYPE_CHECKING:
    from crawlers.spider import SiteSpider

__all__ = ["Redirects"]


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
            # dont_filter: a loop back to a page that was asked for ends as a loop, and not in silence
            result = result.replace(url=site.origins.site_url(result.url, request.url), dont_filter=True)
            robots = request.meta.get("purpose") == "robots" and site.origins.foreign(result.url)
            if not (robots or site.origins.knows(result.url)):
                request.meta["fetch"] = site.harvest.fetches.answer(request, response, "redirect_refused", result.url)
                raise OffSite(f"redirected to {result.url}, which is on no host of this source")
            site.harvest.fetches.answer(request, response, "redirect", result.url)
        return result
