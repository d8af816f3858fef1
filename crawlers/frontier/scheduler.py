"""The frontier as Scrapy's scheduler, which also filters duplicates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy.core.scheduler import BaseScheduler

from corpus.base.errors import HakushoError
from crawlers.manners.part import Part

if TYPE_CHECKING:
    from scrapy.http import Request

    from crawlers.frontier.queue import Frontier

__all__ = ["FrontierScheduler"]

_AGAIN = 0.25  # seconds until a queue is looked at again whose hosts all have to wait


class FrontierScheduler(Part, BaseScheduler):
    """Serves the engine from the harvest's frontier; a disk that refuses ends the harvest with one line."""

    @property
    def frontier(self) -> Frontier | None:
        """The frontier, unless it could not be opened."""
        return None if self.harvest.error else self.harvest.frontier

    def open(self, spider: object) -> None:
        """Open the harvest: a new one, or the one that was left unfinished."""
        del spider
        try:
            self.harvest.open()
            if self.harvest.frontier is not None:
                fingerprint = self.crawler.request_fingerprinter.fingerprint
                self.harvest.frontier.serve(self.crawler.spider, fingerprint)  # type: ignore[arg-type]
        except HakushoError as error:
            self.harvest.fail(error)

    def close(self, reason: str) -> None:
        """End the harvest, or leave it to the next run."""
        try:
            self.harvest.close(reason)
        except HakushoError as error:
            self.harvest.fail(error)

    def has_pending_requests(self) -> bool:
        """Whether requests are queued, also where their hosts have to wait."""
        return self.frontier is not None and self.frontier.waiting > 0

    def enqueue_request(self, request: Request) -> bool:
        """Queue a request; False where the harvest has it already."""
        try:
            taken = self.frontier is not None and self.frontier.put(request)
        except HakushoError as error:
            self.harvest.fail(error)
            return False
        if not taken:
            self.crawler.stats.inc_value("dupefilter/filtered")
        return taken

    def next_request(self) -> Request | None:
        """The next request; None where there is none that may be asked now."""
        if self.frontier is None:
            return None
        try:
            request = self.frontier.next()
        except HakushoError as error:
            self.harvest.fail(error)
            return None
        if request is None and self.frontier.waiting:
            asyncio.get_running_loop().call_later(_AGAIN, self._wake)
        return request

    def _wake(self) -> None:
        slot = getattr(self.crawler.engine, "_slot", None)
        if slot is not None and slot.closing is None:
            slot.nextcall.schedule()
