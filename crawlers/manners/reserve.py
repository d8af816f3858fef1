"""Reservations of whole sites: /.well-known/tdmrep.json is read before the first document of an origin is asked for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from scrapy.utils.httpobj import urlparse_cached

from crawlers.manners.part import Part
from crawlers.reservations import TdmRule, tdm_of, tdmrep

if TYPE_CHECKING:
    from scrapy.http import Request

__all__ = ["Reservations"]

FILE = "/.well-known/tdmrep.json"
_TRIES = 4  # times that it is asked for again: one bad answer must not unsay a reservation


class Reservations(Part):
    """Notes on every request for a document what the site's TDMRep file says of its URL.

    It denies nothing: a reservation is a word on use, recorded in `fetches`, and the dataset keeps such documents out.
    A file that cannot be had reserves nothing.
    """

    def __init__(self) -> None:
        self._rules: dict[str, list[TdmRule]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def process_request(self, request: Request) -> None:
        """Ask for the file once a crawl and origin. Raises EnoughDocuments where the crawl ends."""
        if request.meta.get("purpose") != "document":
            return
        parts = urlparse_cached(request)
        origin = f"{parts.scheme}://{parts.hostname}"
        async with self._locks[origin]:
            if origin not in self._rules:
                answer = await self.spider.harvest.site_files.ask(self.crawler, origin + FILE, "tdmrep", _TRIES)
                self._rules[origin] = tdmrep(answer.body) if answer.status == 200 else []
        request.meta["tdm"] = tdm_of(self._rules[origin], request.url)
