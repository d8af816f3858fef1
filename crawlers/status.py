"""Where a crawl stands, a line of JSON now and then on stdout for whoever draws it; and the budgets of one run."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawlers.manners.patience import Retries

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request, Response

__all__ = ["Status"]

_WINDOW = 60.0  # seconds over which pages a minute are counted


class Status:
    """Scrapy extension: tells the state every HAKUSHO_STATUS seconds, and closes at HAKUSHO_RUN_BYTES."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.every = crawler.settings.getfloat("HAKUSHO_STATUS")
        self.most = crawler.settings.getint("HAKUSHO_RUN_BYTES")
        if not self.every and not self.most:
            raise NotConfigured
        self.bytes = 0
        self._pages: deque[float] = deque()
        self._telling: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one. Raises NotConfigured where nobody listens and no budget is set."""
        status = cls(crawler)
        crawler.signals.connect(status.opened, signal=signals.spider_opened)
        crawler.signals.connect(status.closed, signal=signals.spider_closed)
        crawler.signals.connect(status.downloaded, signal=signals.response_downloaded)
        return status

    def opened(self) -> None:
        """Begin to tell."""
        if self.every:
            self._telling = asyncio.ensure_future(self._tell())

    async def closed(self) -> None:
        """Tell the end, and no more."""
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling
            self._write()

    def downloaded(self, response: Response, request: Request) -> None:
        """Count an answer; close where the bytes of this run are spent."""
        del request
        self.bytes += len(response.body)
        self._pages.append(monotonic())
        if self.most and self.bytes >= self.most and self._closing is None:
            engine = self.crawler.engine
            self._closing = asyncio.ensure_future(engine.close_spider_async(reason="bytes"))

    async def _tell(self) -> None:
        while True:
            self._write()
            await asyncio.sleep(self.every)

    def _write(self) -> None:
        with suppress(OSError):  # whoever listened has gone
            sys.stdout.write(json.dumps(self.state()) + "\n")
            sys.stdout.flush()

    def state(self) -> dict[str, Any]:
        """done, queued, denied, failed, pages a minute, seconds left (None: not known), delay in seconds and why."""
        harvest = self.crawler.spider.harvest  # type: ignore[union-attr]
        summary, now = harvest.summary(), monotonic()
        while self._pages and now - self._pages[0] > _WINDOW:
            self._pages.popleft()
        span = min(max(summary.seconds, 1.0), _WINDOW)
        rate, queued = len(self._pages) * 60 / span, self._queued()
        wanted = queued if harvest.limit is None else min(queued, max(harvest.limit - summary.documents, 0))
        delay, why = self._delay()
        return {
            "status": harvest.source, "done": summary.documents, "queued": queued, "denied": summary.denied,
            "failed": summary.failed, "pages_per_minute": round(rate, 1), "bytes": self.bytes,
            "left": round(wanted * 60 / rate) if rate and wanted else None, "delay": round(delay, 2), "why": why,
        }  # fmt: skip

    def _queued(self) -> int:
        frontier = self.crawler.spider.harvest.frontier  # type: ignore[union-attr]
        return (frontier.waiting if frontier is not None else 0) + len(self.crawler.engine.downloader.active)

    def _delay(self) -> tuple[float, str]:
        """The longest pause under way, else the longest gap kept now: own, Crawl-delay, Retry-After or back-off."""
        retries = self.crawler.get_downloader_middleware(Retries)
        pause = retries.pause() if isinstance(retries, Retries) else None
        if pause is not None:
            return pause
        own = self.crawler.settings.getfloat("DOWNLOAD_DELAY")
        slots = self.crawler.engine.downloader.slots.values()
        longest = max((slot.delay for slot in slots), default=own)
        return (longest, "Crawl-delay") if longest > own else (own, "own")
