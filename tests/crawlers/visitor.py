"""A spider that asks for what it is given, with all the shared parts of a crawl.

    python visitor.py '{"URL": "FORM"}' …

The first word is a JSON object: URL -> form of the document that should be there, or "listing" for a page whose links
to the same path are followed. Further words NAME=VALUE are settings.
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from scrapy.utils.project import get_project_settings

from crawlers.arguments import Route
from crawlers.items import Record
from crawlers.spider import Items, SiteSpider

WANTED: dict[str, str] = json.loads(sys.argv[1])
HOSTS = tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in WANTED))


class Visitor(SiteSpider):
    """It stands in for the source mod, whatever the hosts are."""

    name = "mod"
    hosts = HOSTS
    langs = ("ja",)
    routes = {"visit": Route(HOSTS, "what the test names")}  # noqa: RUF012  Scrapy reads class attributes

    def begin_visit(self) -> Items:
        """Each URL."""
        for number, (url, form) in enumerate(WANTED.items()):
            if form == "listing":
                yield self.listing(url, self.page)
            else:
                record = Record(f"2024/{number}", url, "PDL-1.0", "a test", "a test", "ja", form=form)
                yield self.document(url, record)

    def page(self, response: Response) -> Items:
        """The links of a page to its own path."""
        path = urlsplit(response.url).path
        for href in response.xpath("//a/@href").getall() if hasattr(response, "selector") else ():
            url = self.link(response, href)
            if url and urlsplit(url).path == path:
                yield self.listing(url, self.page)


settings = get_project_settings()
settings.update(dict(word.split("=", 1) for word in sys.argv[2:]), priority="cmdline")
process = CrawlerProcess(settings)
process.crawl(Visitor)
process.start()
