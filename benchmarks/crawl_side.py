"""One crawl for benchmarks/crawl.py, in a process of its own: ours, or bare Scrapy with the same spider and handlers.

Usage: python -m benchmarks.crawl_side ours|bare|queue PORT DATA READ COUNT; prints one JSON object.
READ is 1 where both sides read the pages in the sandbox, 0 where neither reads them. `queue` is ours with COUNT
requests queued before the first page is asked for.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.http import Response
from scrapy.settings import Settings

from benchmarks.common import peak_mb
from corpus.extract import Extracted
from corpus.extract.sandbox import Sandbox
from crawlers.items import Found, Record
from crawlers.pipeline import HarvestPipeline
from crawlers.spider import SiteSpider
from crawlers.spiders.mod import ModSpider

UNREAD = Extracted("ok", text="not read", lang="ja", kept_share=1.0, extractor="none", extractor_version="1")
HOST = "https://www.mod.go.jp"


class Unread:
    """A sandbox that reads nothing."""

    def extract(self, data: bytes, **about: str) -> Extracted:
        """Always the same."""
        del data, about
        return UNREAD

    def close(self) -> None:
        """Nothing to end."""


class UnreadPipeline(HarvestPipeline):
    """Our pipeline without the readers."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._booking._sandbox = Unread()  # type: ignore[assignment]  # noqa: SLF001


class BareSpider(ModSpider):
    """The same spider where nothing records a fetch."""

    def found(self, response: Response) -> Found:
        """The record with its bytes."""
        record: Record = response.meta["record"]
        return Found(replace(record), response.body, "text/html")


class BarePipeline:
    """Reads and counts."""

    sandbox: Any = None

    async def process_item(self, item: Any) -> Any:
        """Read one record as our pipeline does."""
        if self.sandbox is not None:
            await asyncio.to_thread(self.sandbox.extract, item.raw, url=item.record.url, content_type=item.content_type)
        return item

    def close_spider(self) -> None:
        """End the sandbox."""
        if self.sandbox is not None:
            self.sandbox.close()


class ReadingPipeline(BarePipeline):
    """The same with the readers."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()


class QueueSpider(ModSpider):
    """Queues many pages before the first."""

    count = 0

    async def start(self) -> AsyncIterator[Any]:
        """All pages, found by the spider itself."""
        for number in range(self.count):
            url = f"{HOST}/j/press/wp/wp2024/html/n{number:06d}.html"
            record = Record(f"2024/n{number:06d}", url, "PDL-1.0", "a benchmark", "a benchmark", "ja", form="html")
            self.deepest = number
            yield self.document(url, record)


def settings_of(side: str, data: Path, *, read: bool) -> Settings:
    """Scrapy's own defaults for the bare side, ours for ours; both with the same handlers, concurrency and no delay."""
    settings = Settings()
    if side == "bare":
        from crawlers import settings as ours

        settings.setdict({"DOWNLOAD_HANDLERS": ours.DOWNLOAD_HANDLERS, "HAKUSHO_DATA": str(data),
                          "HAKUSHO_PAGE_MAXSIZE": ours.HAKUSHO_PAGE_MAXSIZE, "TELNETCONSOLE_ENABLED": False,
                          "ROBOTSTXT_OBEY": False})  # fmt: skip
        settings.set("ITEM_PIPELINES", {ReadingPipeline if read else BarePipeline: 100})
    else:
        settings.setmodule("crawlers.settings")
        settings.set("HAKUSHO_DATA", str(data))
        settings.set("HAKUSHO_JSON", True)
        if not read:
            settings.set("ITEM_PIPELINES", {UnreadPipeline: 100})
    settings.setdict({"LOG_LEVEL": "ERROR", "DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS": 8,
                      "CONCURRENT_REQUESTS_PER_DOMAIN": 8}, priority="cmdline")  # fmt: skip
    return settings


def main(side: str, port: int, data: Path, *, read: bool, count: int) -> dict[str, Any]:
    """Crawl to the end, or `queue` to its limit; seconds and CPU seconds are from the engine's start to its end."""
    kinds: dict[str, type[SiteSpider]] = {"ours": ModSpider, "bare": BareSpider, "queue": QueueSpider}
    QueueSpider.count = count
    given = {"base_url": f"http://127.0.0.1:{port}", "route": "html", "lang": "ja"}
    if side == "queue":
        given["limit"] = "500"
    process = AsyncCrawlerProcess(settings_of(side, data, read=read))
    crawler = process.create_crawler(kinds[side])
    took: dict[str, float] = {}
    crawler.signals.connect(
        lambda: took.update(start=time.perf_counter(), cpu=time.process_time()), signals.engine_started, weak=False
    )
    process.crawl(crawler, **given)
    process.start()
    end, cpu = time.perf_counter(), time.process_time()
    pages = crawler.stats.get_value("item_scraped_count", 0)
    told = {"side": side, "pages": pages, "seconds": end - took["start"], "cpu": cpu - took["cpu"],
            "peak_mb": peak_mb(), "queued": getattr(crawler.spider, "deepest", 0) + 1}  # fmt: skip
    return told | {"pages_per_second": pages / told["seconds"]}


if __name__ == "__main__":
    words = sys.argv
    done = main(words[1], int(words[2]), Path(words[3]), read=words[4] == "1", count=int(words[5]))
    sys.stdout.write(json.dumps(done) + "\n")
