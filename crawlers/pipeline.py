"""Where records end: booked one by one, and the crawl closed at its limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import CloseSpider

from corpus.base.errors import HakushoError
from crawlers.booking import Booking
from crawlers.items import Found, Refused

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.harvest import Harvest

__all__ = ["HarvestPipeline"]


class HarvestPipeline:
    """Takes Found and Refused items one by one, in order of arrival, and closes the crawl at its limit."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._turn = asyncio.Lock()
        self._closing: asyncio.Future[None] | None = None
        self._booking = Booking(self.harvest)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the pipeline of a crawler."""
        return cls(crawler)

    @property
    def harvest(self) -> Harvest:
        """The crawl's shared state."""
        return self.crawler.spider.harvest  # type: ignore[union-attr,no-any-return]

    def open_spider(self) -> None:
        """Settle what a killed run left. Raises CloseSpider where the workspace cannot be written."""
        try:
            if not self.harvest.error:  # a disk that refuses is told before anything is asked of a site
                self.harvest.settle()
        except HakushoError as error:
            self.harvest.fail(error)
        if self.harvest.error:
            raise CloseSpider("storage")

    async def process_item(self, item: Any) -> Any:
        """Book one record."""
        async with self._turn:  # two answers may be read at once, in threads; the first to come is booked first
            await self._booking.take(item)
        # What a refusing disk kept from being booked stays under way: the same command takes it out of the archive.
        if isinstance(item, Found | Refused) and item.ticket is not None and not self.harvest.error:
            item.ticket.less()
        if self.harvest.full and self._closing is None:  # not awaited: the engine waits for this very item
            reason = "storage" if self.harvest.error else "limit"
            self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))
        return item

    def close_spider(self) -> None:
        """Commit what is pending and settle it."""
        self._booking.close()
        try:
            self.harvest.commit(last=True)
            self.harvest.settle()
        except HakushoError as error:
            self.harvest.fail(error)
