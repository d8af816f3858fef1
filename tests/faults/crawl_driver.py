"""A crawl without a network: frontier, archive, history and documents of a real harvest, one request after the other.

The site is a function; everything that is written is written by crawlers.*. Readers run in this process, so that one
process does all the writing and strace can follow it.

Usage: crawl_driver.py FOLDER; prints a line a commit: the numbers of the pages whose documents it made durable.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import scrapy
from scrapy.http import Request, Response, TextResponse
from scrapy.utils.request import RequestFingerprinter

from corpus.base.workspace import Workspace
from corpus.extract import Extracted
from crawlers.archive.middleware import Archivist
from crawlers.booking import Booking
from crawlers.harvest import Harvest
from crawlers.items import Found, Record
from crawlers.origins import Origins

HOST, PAGES, PART = "www.mod.go.jp", 6, 2
START = f"https://{HOST}/list"


def url_of(number: int) -> str:
    """The URL of a page."""
    return f"https://{HOST}/page/{number}"


class Pages(scrapy.Spider):
    """A list, and the pages that it names."""

    name = "mod"

    def __init__(self, harvest: Harvest) -> None:
        super().__init__()
        self.harvest, self.origins = harvest, Origins({HOST: None})

    def listed(self, response: Response) -> Iterator[Request]:
        """The pages of the list."""
        for number in map(int, response.body.split()):
            record = Record(str(number), url_of(number), "PDL-1.0", "test", "test", "ja")
            meta = {"purpose": "document", "record": record}
            yield Request(url_of(number), self.page, meta=meta, priority=10, errback=self.failed)

    def page(self, response: Response) -> Iterator[Found]:
        """A document."""
        record, text = response.meta["record"], response.body.decode()
        read = Extracted("ok", text=text, lang="ja", kept_share=1.0, extractor="test", extractor_version="1")
        yield Found(record, response.body, "text/html", fetch=response.meta["fetch"], read=lambda: read)

    def failed(self, failure: Any) -> None:
        """Nothing fails here."""
        raise failure.value


class _Here:
    """A sandbox that reads in this process."""

    def call(self, read: Callable[[], Extracted]) -> Extracted:
        """Read."""
        return read()

    def close(self) -> None:
        """Nothing to end."""


def site(request: Request) -> Response:
    """What the site answers: the same on every day."""
    number = request.url.rpartition("/")[2]
    body = b"%d " * PAGES % tuple(range(PAGES)) if number == "list" else f"これは{number}の頁である。".encode() * 20
    return TextResponse(request.url, body=body, headers={"Content-Type": "text/html"}, request=request)


async def crawl(root: Path, mark: Callable[[str], object]) -> tuple[list[str], Harvest]:
    """Crawl to the end, or go on from what is there; the URLs that were asked of the site."""
    harvest = Harvest("mod", Workspace(root), quiet=True, part_rows=PART, part_seconds=1e9, warc_size=2500)
    spider = Pages(harvest)
    harvest.open()
    harvest.settle()
    frontier = harvest.frontier
    assert frontier is not None
    frontier.serve(spider, RequestFingerprinter().fingerprint)
    archivist, booking = Archivist.from_crawler(SimpleNamespace(spider=spider)), Booking(harvest)  # type: ignore[arg-type]
    booking._sandbox = _Here()  # type: ignore[assignment]
    frontier.put(Request(START, spider.listed, errback=spider.failed))
    asked, told, kept = [], 0, list[str]()
    while request := frontier.next():
        response = archivist.process_request(request)
        if response is None:
            asked.append(request.url)
            response = site(request)
        response.request = request
        await archivist.process_response(request, response)
        request.meta["fetch"] = harvest.fetches.answer(request, response)
        for item in request.callback(response):  # type: ignore[misc]
            if isinstance(item, Request):
                frontier.put(item)
                continue
            await booking.take(item)
            item.ticket.less()
            kept.append(item.record.key)
        if harvest._written > told:
            told = harvest._written
            mark(" ".join(kept[: len(kept) // PART * PART]))
    harvest.commit(last=True)
    mark(" ".join(kept))
    harvest.close("finished")
    harvest.settle()
    return asked, harvest


if __name__ == "__main__":
    done, _ = asyncio.run(crawl(Path(sys.argv[1]), lambda text: os.write(1, text.encode())))
    sys.stderr.write(f"{len(done)} asked\n")
