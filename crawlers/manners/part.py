"""What the middlewares share: their crawler, and a report of the hosts that had to be left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals

from corpus.base.errors import HarvestError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.harvest import Harvest
    from crawlers.spider import SiteSpider

__all__ = ["Part", "Reporting"]


class Part:
    """A component that knows its crawler."""

    crawler: Crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one for a crawler."""
        part = cls()
        part.crawler = crawler
        return part

    @property
    def spider(self) -> SiteSpider:
        """The crawl's spider."""
        return self.crawler.spider  # type: ignore[return-value]

    @property
    def harvest(self) -> Harvest:
        """The crawl's shared state."""
        return self.spider.harvest


class Reporting:
    """Mixin of a component that has to leave hosts alone; what it left is an error when the crawl closes."""

    troubles: dict[str, str]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one that reports at the crawl's end what it had to leave."""
        part: Self = super().from_crawler(crawler)  # type: ignore[misc]  # the other base makes it
        part.troubles = {}
        crawler.signals.connect(part.report, signal=signals.spider_closed)
        return part

    def report(self, spider: SiteSpider) -> None:
        """Fail the harvest, unless all that was wanted came from elsewhere."""
        harvest = spider.harvest
        for trouble in self.troubles.values():
            if harvest.limit is None or harvest.documents < harvest.limit:
                harvest.fail(HarvestError(trouble))
