"""The guard: which URLs may be asked at all, before robots.txt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.manners.part import Part
from crawlers.manners.refusals import OffSite

if TYPE_CHECKING:
    from scrapy.http import Request

__all__ = ["HostGuard"]


class HostGuard(Part):
    """Lets http(s) to the route's own hosts pass and nothing else, retries and redirects included.

    A robots.txt alone may lead to another host, as RFC 9309 has it. Addresses are guarded where they are resolved.
    """

    def process_request(self, request: Request) -> None:
        """Raise OffSite for any other URL, before its robots.txt is asked for."""
        origins, purpose = self.spider.origins, request.meta.get("purpose")
        if not (origins.knows(request.url) or (purpose == "robots" and origins.foreign(request.url))):
            raise OffSite(f"{request.url} is on no host of this source")
