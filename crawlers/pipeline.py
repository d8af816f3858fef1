"""Where records end: read by corpus.extract, booked in the ledger, committed as documents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import CloseSpider

from corpus.base.commit import sha256_bytes
from corpus.base.errors import HakushoError
from corpus.base.schemas import document_id
from corpus.extract import Extracted
from corpus.extract.sandbox import Sandbox
from crawlers.documents import document_row
from crawlers.items import Found, Refused

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.harvest import Harvest

__all__ = ["HarvestPipeline", "misfit"]

_MARKS = {"pdf": b"%PDF-", "zip": b"PK\x03\x04"}


class HarvestPipeline:
    """Takes Found and Refused items one by one, in order of arrival, and closes the crawl at its limit."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._turn = asyncio.Lock()
        self._closing: asyncio.Future[None] | None = None
        self._sandbox = Sandbox()

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
        """Book one record. After the limit nothing is booked: it belongs to a later run."""
        async with self._turn:  # two answers may be read at once, in threads; the first to come is booked first
            if not self.harvest.full:
                await self._book(item)
            elif isinstance(item, Found) and item.fetch is not None:
                item.fetch.close("beyond_limit")
        if isinstance(item, Found | Refused):
            item.booked.set()
            if item.ticket is not None:
                item.ticket.less()
        if self.harvest.full and self._closing is None:  # not awaited: the engine waits for this very item
            reason = "storage" if self.harvest.error else "limit"
            self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))
        return item

    def close_spider(self) -> None:
        """Commit what is pending and settle it."""
        self._sandbox.close()
        try:
            self.harvest.commit(last=True)
            self.harvest.settle()
        except HakushoError as error:
            self.harvest.fail(error)

    async def _book(self, item: Any) -> None:
        try:
            if isinstance(item, Refused):
                self.harvest.drop(item.key, item.reason, item.detail, more=item.more)
            elif isinstance(item, Found):
                await self._found(item)
        except HakushoError as error:
            self.harvest.fail(error)

    async def _found(self, found: Found) -> None:
        """Read a record's bytes; a thread waits for them (a large PDF must not stop the clock of other answers)."""
        harvest = self.harvest
        if harvest.has(document_id(harvest.source, found.record.key, sha256_bytes(found.raw))):
            self._again(found)
            return
        wrong = misfit(found.raw, found.record.form)
        if wrong:
            self._drop(found, "empty" if not found.raw else "not_a_document", wrong)
            return
        extracted = await asyncio.to_thread(self._read, found)
        if extracted.outcome != "ok":
            self._drop(found, extracted.outcome, extracted.reason)
            return
        row = document_row(harvest.source, found, extracted)
        if found.fetch is not None:
            found.fetch.close("document", documents=1)
        found.kept = True
        harvest.keep(row)

    def _read(self, found: Found) -> Extracted:
        """The text of a record, read in the sandbox."""
        if found.read is not None:
            return self._sandbox.call(found.read)
        return self._sandbox.extract(found.raw, url=found.record.url, content_type=found.content_type)

    def _again(self, found: Found) -> None:
        """A document that this harvest has: its answer is read once more after a kill, or another page shows it."""
        found.kept = True
        if found.fetch is not None:
            replayed = found.ticket is not None and found.ticket.replayed
            found.fetch.close("document", documents=int(replayed))

    def _drop(self, found: Found, reason: str, detail: str) -> None:
        if found.fetch is not None:
            found.fetch.close(reason, detail)
        self.harvest.drop(found.record.key, reason, detail, more=found.more)


def misfit(raw: bytes, form: str) -> str:
    """Why bytes cannot be of a form ("" where they can): a maintenance page is no XML, whatever its status says.

    >>> misfit(b"<html>maintenance</html>", "xml")
    "no xml: b'<html>maintenance</html>'"
    """
    if not raw.strip():
        return "the body is empty"
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if form == "xml":
        fits = head.startswith(b"<") and not head[:9].lower().startswith((b"<!doctype", b"<html"))
    elif form == "html":
        fits = b"<" in head
    else:
        fits = _MARKS.get(form, b"") in head
    return "" if fits else f"no {form}: {head[:60]!r}"
