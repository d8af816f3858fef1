"""防衛白書 (www.mod.go.jp): the HTML edition of Japan's defence white paper, by year.

The index names the years; a year's page names the pages of its HTML edition (`html/n310101000.html`), and these name
one another. Nothing else is followed: the same site has an endless calendar, and forms that robots.txt forbids.
The edge answers 403 with `cf-mitigated: challenge` on some paths; that is recorded and not tried again.
"""

from __future__ import annotations

from scrapy.http import Response

from crawlers.items import Record
from crawlers.spider import Items, SiteSpider

__all__ = ["ModSpider"]

HOST = "www.mod.go.jp"
BASE = f"https://{HOST}/j/press/wp"
YEAR = rf"{BASE}/wp(\d{{4}})/w\d{{4}}_00\.html"
PAGE = rf"{BASE}/wp(\d{{4}})/html/(n\w+)\.html"
LICENCE = "PDL-1.0"
EVIDENCE = "防衛省ホームページ 利用規約: 公共データ利用規約（第1.0版）（PDL1.0）、旧 政府標準利用規約（第2.0版）"


class ModSpider(SiteSpider):
    """One document a page of the HTML edition, keyed `year/page`."""

    name = "mod"
    hosts = (HOST,)
    langs = ("ja",)
    routes = {"html": (HOST,)}  # noqa: RUF012  Scrapy reads class attributes

    def begin(self) -> Items:
        """The index of all years."""
        yield self.listing(f"{BASE}/index.html", self.index)

    def index(self, response: Response) -> Items:
        """Each year, the newest first as the index has them."""
        years = self.links(response, YEAR)
        if not years:
            self.unreadable(response, "no year is linked")
        for url in years:
            yield self.listing(url, self.year)

    def year(self, response: Response) -> Items:
        """Each page of the year's HTML edition."""
        yield from self.pages(response)

    def page(self, response: Response) -> Items:
        """A page, and the pages that it names."""
        yield self.found(response)
        yield from self.pages(response)

    def pages(self, response: Response) -> Items:
        """The pages of the HTML edition that a page links."""
        for url, match in self.links(response, PAGE).items():
            year, name = match.groups()
            record = Record(
                key=f"{year}/{name}",
                url=url,
                licence=LICENCE,
                licence_evidence=EVIDENCE,
                attribution=f"出典：{year}年版防衛白書（防衛省）（{url}）",
                lang="ja",
                revision=year,
                form="html",
            )
            yield self.document(url, record, self.page)
