"""The guard: which URLs may be asked at all, before robots.txt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.manners.part import Part
from crawlers.manners.refusals import OffSite

if TYPE_CHECKING:
    from scrapy.http import Request

__all__ = ["HostGuard"]


class HostGuard(Part):
    """Lets http(s) to the route's own hosts pass and nothing else, retries and redirects included."""

    def process_request(self, request: Request) -> None:
        """Raise OffSite for any other URL, before its robots.txt is asked for."""
        if not self.spider.origins.knows(request.url):
            raise OffSite(f"{request.url} is on no host of this source")
