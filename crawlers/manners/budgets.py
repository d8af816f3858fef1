"""Budgets: a crawl ends, whatever a site links. Calendars without end, pages without number, answers that drip."""

from __future__ import annotations

import re
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.exceptions import StopDownload
from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached

from crawlers.items import Found, Refused
from crawlers.manners.part import Part
from crawlers.manners.refusals import OverBudget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.crawler import Crawler
    from scrapy.http import Response

__all__ = ["BarrenPages", "Budgets", "pattern"]


class Budgets(Part):
    """Refuses pages beyond a host's budget and listings of a barren pattern, and cuts answers that drip.

    A pattern is barren once so many of its pages in a row led to no document: a calendar that links its next month
    for ever, a search that pages on and on. Documents and whatever leads to one directly are not counted.
    """

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._coming: WeakKeyDictionary[Request, tuple[float, int]] = WeakKeyDictionary()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one that watches the bytes come in."""
        part = super().from_crawler(crawler)
        crawler.signals.connect(part.pace, signal=signals.bytes_received)
        return part

    def process_request(self, request: Request) -> None:
        """Raise OverBudget for a page too many. Give a large document the time it needs."""
        settings, purpose = self.crawler.settings, request.meta.get("purpose")
        if purpose == "document" and "download_maxsize" not in request.meta:
            request.meta.setdefault("download_timeout", settings.getfloat("HAKUSHO_DOCUMENT_TIMEOUT"))
        if purpose in ("robots", "tdmrep"):
            return
        most, host = settings.getint("HAKUSHO_HOST_PAGES"), urlparse_cached(request).hostname or ""
        if self._asked[host] >= most:
            raise OverBudget(f"over_budget: {host} was asked {most} times (HAKUSHO_HOST_PAGES)")
        barren, shape = settings.getint("HAKUSHO_BARREN_PAGES"), pattern(request.url)
        if purpose == "listing" and "record" not in request.meta and self.spider.harvest.barren[shape] >= barren:
            raise OverBudget(f"over_budget: {barren} pages like {shape} led to no document (HAKUSHO_BARREN_PAGES)")
        self._asked[host] += 1

    def pace(self, data: bytes, request: Request) -> None:
        """Raise StopDownload where an answer comes too slowly to ever be whole."""
        now = monotonic()
        start, size = self._coming.get(request, (now, 0))
        self._coming[request] = (start, size := size + len(data))
        settings = self.crawler.settings
        least, after = settings.getfloat("HAKUSHO_LEAST_PACE"), settings.getfloat("HAKUSHO_PACE_AFTER")
        if now - start > after and size < least * (now - start):
            request.meta["too_slow"] = f"{size / (now - start):.0f} bytes/s over {now - start:.0f} s"
            raise StopDownload(fail=True)


class BarrenPages(Part):
    """Counts, beside the spiders, the listings of a pattern that led to no document since the last that did."""

    async def process_spider_output(self, response: Response, result: Any) -> AsyncIterator[Any]:
        """Look at what a page led to."""
        fruitful = False
        async for item in result:
            fruitful = fruitful or _leads(item)
            yield item
        request = response.request
        if request is not None and request.meta.get("purpose") == "listing" and "record" not in request.meta:
            barren, shape = self.spider.harvest.barren, pattern(request.url)
            barren[shape] = 0 if fruitful else barren[shape] + 1


def pattern(url: str) -> str:
    """The shape of a URL: numbers and the values of its query taken out.

    >>> pattern("https://www.example.org/wp/2024/index.html?ym=2026-11&page=3")
    'www.example.org/wp/#/index.html?page&ym'
    """
    parts = urlsplit(url)
    names = "&".join(sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}))
    return f"{parts.hostname}{re.sub('[0-9]+', '#', parts.path)}{'?' if names else ''}{names}"


def _leads(item: Any) -> bool:
    """Whether an item is a document or leads straight to one."""
    if isinstance(item, Request):
        return item.meta.get("purpose") == "document" or "record" in item.meta
    return isinstance(item, Found | Refused)
