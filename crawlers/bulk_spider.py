"""A spider that reads its documents out of one large file: downloaded in pieces, checked, read as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from scrapy.http import Request, Response

from crawlers.bulk import PIECE, BulkFile, total_of
from crawlers.items import Found, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["AsyncItems", "Bulk", "BulkSpider"]

AsyncItems = AsyncIterator[Request | Found | Refused]


@dataclass
class Bulk:
    """A file to read: `read(stream, container_sha256, whole)` yields its records, going on where it stopped before.

    A stream that is not whole ends in the middle of things; `read` ends there too. `wanted` is the number of documents
    to take from this file (None: all).
    """

    url: str
    sha1: str
    file: BulkFile
    read: Callable[[BinaryIO, str, bool], Items]
    wanted: int | None = None
    taken: int = 0
    restarted: bool = False


class BulkSpider(SiteSpider):
    """Base of a spider with a bulk route."""

    async def bulk(
        self, url: str, sha1: str, read: Callable[[BinaryIO, str, bool], Items], wanted: int | None = None
    ) -> AsyncItems:
        """Read a file, as far as it is not here already after downloading it."""
        job = Bulk(url, sha1, BulkFile(self.harvest.workspace, self.name, url.rpartition("/")[2]), read, wanted)
        whole = bool(job.file.size) and job.file.digest("sha1") == sha1
        if whole or (job.file.size and self.arguments.limit is not None):
            async for item in self._read(job, whole=whole):
                yield item
        if not whole and not self._enough(job):
            yield self._ask(job)

    def _ask(self, job: Bulk) -> Request:
        start = job.file.size
        return Request(
            job.url, self._piece, errback=self.failed, cb_kwargs={"job": job}, dont_filter=True,
            headers={"Range": f"bytes={start}-{start + PIECE - 1}", "Accept-Encoding": "identity"},
            meta={"purpose": "document", "handle_httpstatus_list": [416]},
        )  # fmt: skip

    async def _piece(self, response: Response, job: Bulk) -> AsyncItems:
        """A piece came: keep it; then read, or ask for the next."""
        header = (response.headers.get("Content-Range") or b"").decode("latin-1")
        start, total = (total_of(header) or (-1, -1)) if response.status == 206 else (0, len(response.body))
        if response.status == 416 or start not in (0, job.file.size):
            for request in self._start_again(response, job, "these pieces are not of the file that the site has now"):
                yield request
            return
        if start == 0:
            job.file.discard()
        job.file.add(start, response.body)
        whole = job.file.size >= total
        if whole and job.file.digest("sha1") != job.sha1:
            for request in self._start_again(response, job, "the checksum differs"):
                yield request
            return
        before = job.taken
        if whole or self.arguments.limit is not None:  # a few documents do not need all gigabytes
            async for item in self._read(job, whole=whole):
                yield item
        response.meta["fetch"].close("document", documents=job.taken - before)
        if not whole and not self._enough(job):
            yield self._ask(job)

    def _start_again(self, response: Response, job: Bulk, why: str) -> Iterator[Request]:
        """Throw the pieces away; once a run, ask again."""
        job.file.discard()
        response.meta["fetch"].close("corrupt", why)
        if job.restarted:
            self.harvest.lose_listing(job.url, why)
        else:
            job.restarted = True
            yield self._ask(job)

    async def _read(self, job: Bulk, *, whole: bool) -> AsyncItems:
        """Give records one by one, each after the one before is booked: so reading stops at the last one wanted."""
        container, pieces = job.file.digest("sha256"), job.file.pieces()
        asked = self.origins.target(job.url)
        self.harvest.fetches.assembled(job.url, asked, container, job.file.size, len(pieces))
        with job.file.open() as stream:
            for item in job.read(stream, container, whole):
                yield item
                if isinstance(item, Found | Refused):
                    await item.booked.wait()
                    job.taken += isinstance(item, Found) and item.kept
                if self._enough(job):
                    return

    def _enough(self, job: Bulk) -> bool:
        return self.harvest.full or (job.wanted is not None and job.taken >= job.wanted)
