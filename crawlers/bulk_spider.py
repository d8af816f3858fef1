"""A spider that reads its documents out of large files: downloaded, checked, read as a stream, never unpacked."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scrapy.http import Request, Response

from corpus.base.errors import CorruptFileError
from crawlers.bulk import PIECE, BulkFile, total_of
from crawlers.items import Found, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["AsyncItems", "Bulk", "BulkSpider", "entry", "xml_entries"]

AsyncItems = AsyncIterator[Request | Found | Refused]
HUGE = 2 * 2**30  # bytes that a file without Range support may have
PATIENCE = 2 * 3600.0  # seconds that its answer may take
ENTRY = 200 * 2**20  # bytes of an entry of a zip, inflated


@dataclass(frozen=True)
class Bulk:
    """A file to read, in words that a request can carry through a kill.

    `read` names a method of the spider: `read(stream, container_sha256, whole, **known)` yields the records of the
    file. A stream that is not whole ends in the middle of things; `read` ends there too. `sha1` is what the site says
    ("" for a zip: then each entry's CRC is tested). `wanted` is the number of documents to take (None: all). A file is
    asked for in pieces where the site has `ranges`; one that it has not is asked for at once, and `keep` says whether
    it stays here after it was read. `page` says what an HTML page in its place means ("" where it means damage);
    `missing` whether the harvest is not whole then. `cookie`: it is sent with the user's cookie.
    """

    url: str
    name: str
    read: str
    sha1: str = ""
    wanted: int | None = None
    ranges: bool = False
    keep: bool = False
    page: str = ""
    missing: bool = False
    cookie: bool = False
    known: dict[str, Any] = field(default_factory=dict)
    again: bool = False


class BulkSpider(SiteSpider):
    """Base of a spider with a bulk route: its `begin_NAME` and callbacks may yield what `bulk` gives for a Bulk."""

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.taken: dict[str, int] = {}

    async def start(self) -> AsyncIterator[Any]:
        """Begin the routes; a Bulk among their first requests is read or asked for."""
        async for item in super().start():
            if isinstance(item, Bulk):
                async for made in self.bulk(item):
                    yield made
            else:
                yield item

    async def bulk(self, bulk: Bulk) -> AsyncItems:
        """Read a file, as far as it is not here already after downloading it."""
        file = self._file(bulk)
        whole = bool(file.size) and await self._intact(bulk, file)
        if whole or (file.size and bulk.ranges and self.arguments.limit is not None):
            async for item in self._read(bulk, file, whole=whole):
                yield item
        elif file.size and not bulk.ranges:
            file.discard()
        if not whole and not self._enough(bulk):
            yield self.file(bulk)

    def file(self, bulk: Bulk) -> Request:
        """Ask for a file, or for its next piece."""
        start = self._file(bulk).size if bulk.ranges else 0
        meta: dict[str, Any] = {"purpose": "document", "handle_httpstatus_list": [416]}
        meta |= {"download_maxsize": HUGE, "download_timeout": PATIENCE}
        headers = {"Accept-Encoding": "identity"}
        if bulk.ranges:
            headers["Range"] = f"bytes={start}-{start + PIECE - 1}"
        if bulk.cookie:
            meta["cookie_for"] = urlsplit(bulk.url).hostname
        return Request(bulk.url, self.piece, errback=self.failed, cb_kwargs={"bulk": asdict(bulk)}, dont_filter=True,
                       headers=headers, meta=meta)  # fmt: skip

    async def piece(self, response: Response, bulk: dict[str, Any]) -> AsyncItems:
        """A file or a piece of it came: keep it; then read, or ask for the next."""
        job = Bulk(**bulk)
        file = self._file(job)
        header = (response.headers.get("Content-Range") or b"").decode("latin-1")
        start, total = (total_of(header) or (-1, -1)) if response.status == 206 else (0, len(response.body))
        if job.page and response.body.lstrip()[:1] == b"<":
            self.nothing(response, job.page)
            if job.missing:
                self.harvest.lose_listing(job.url, job.page)
            return
        again = file.holds(start, response.body)  # a kill came between this piece and what was read from it
        if not again and (response.status == 416 or start not in (0, file.size)):
            for request in self._start_again(response, job, "these pieces are not of the file that the site has now"):
                yield request
            return
        if not again:
            if start == 0:
                file.discard()
            file.add(start, response.body)
        whole = file.size >= total
        if whole and not await self._intact(job, file):
            for request in self._start_again(response, job, "the checksum differs" if job.sha1 else "no whole zip"):
                yield request
            return
        before = self.taken.get(job.url, 0)
        if whole or self.arguments.limit is not None:  # a few documents do not need all gigabytes
            async for item in self._read(job, file, whole=whole):
                yield item
        response.meta["fetch"].close("document", documents=self.taken.get(job.url, 0) - before)
        if not whole and not self._enough(job):
            yield self.file(job)

    def _file(self, bulk: Bulk) -> BulkFile:
        return BulkFile(self.harvest.workspace, self.name, bulk.name)

    async def _intact(self, bulk: Bulk, file: BulkFile) -> bool:
        """Whether the file is what the site means; in a thread, since gigabytes are read."""
        if bulk.sha1:
            return await asyncio.to_thread(file.digest, "sha1") == bulk.sha1
        return await asyncio.to_thread(_sound, file)

    def _start_again(self, response: Response, bulk: Bulk, why: str) -> Iterator[Request]:
        """Throw the file away; once a run, ask again."""
        self._file(bulk).discard()
        response.meta["fetch"].close("corrupt", f"{why}: {response.body[:60]!r}")
        if bulk.again:
            self.harvest.lose_listing(bulk.url, why)
        else:
            yield self.file(Bulk(**asdict(bulk) | {"again": True}))

    async def _read(self, bulk: Bulk, file: BulkFile, *, whole: bool) -> AsyncItems:
        """Give records one by one, each after the one before is booked: so reading stops at the last one wanted."""
        container, pieces = await asyncio.to_thread(file.digest, "sha256"), file.pieces()
        self.harvest.fetches.assembled(bulk.url, self.origins.target(bulk.url), container, file.size, len(pieces))
        read: Callable[..., Items] = getattr(self, bulk.read)
        with file.open() as stream:
            for item in read(stream, container, whole, **bulk.known):
                if isinstance(item, Bulk):
                    async for made in self.bulk(item):
                        yield made
                    continue
                yield item
                if isinstance(item, Found | Refused):
                    await item.booked.wait()
                    kept = isinstance(item, Found) and item.kept
                    self.taken[bulk.url] = self.taken.get(bulk.url, 0) + kept
                if self._enough(bulk):
                    return
        if whole and not bulk.keep:
            self.harvest.read_through.append(file)

    async def contained(self, response: Response, items: Items) -> AsyncItems:
        """The records of an answer that holds several."""
        kept = 0
        for item in items:
            yield item
            await item.booked.wait()
            kept += isinstance(item, Found) and item.kept
            if self.harvest.full:
                break
        response.meta["fetch"].close("document", documents=kept)

    def _enough(self, bulk: Bulk) -> bool:
        return self.harvest.full or (bulk.wanted is not None and self.taken.get(bulk.url, 0) >= bulk.wanted)


def _sound(file: BulkFile) -> bool:
    """Whether a file is a zip with every entry whole."""
    try:
        with file.open() as stream, zipfile.ZipFile(stream) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError):
        return False


def xml_entries(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The XML files of a zip in their order: stem of the name, and the entry."""
    for info in archive.infolist():
        name = info.filename.rpartition("/")[2]
        if name.lower().endswith(".xml"):
            yield name[:-4], info


def entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry. Raises CorruptFileError for one that inflates beyond 200 MiB."""
    if info.file_size > ENTRY:
        raise CorruptFileError(f"{info.filename}: {info.file_size} bytes, more than {ENTRY}")
    return archive.read(info)
