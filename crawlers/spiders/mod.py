"""防衛白書 (www.mod.go.jp, www.clearing.mod.go.jp): Japan's defence white paper, by year.

The index names the years; a year's page names its PDFs and the pages of its HTML edition (`html/n310101000.html`), and
these name one another. Years that only the archive has (http only, Shift_JIS framesets) are read there; for the others
the archive is a mirror, and the main host's copy counts. The English edition has an index of its own.
Nothing else is followed: the same site has an endless calendar, and forms that robots.txt forbids. The edge answers 403
with `cf-mitigated: challenge` on some paths; that is recorded as access_challenged and not tried again.
The feeds (`since`) date a third of their items wrongly, so the year in the URL decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scrapy.http import Response

from crawlers.arguments import Route
from crawlers.items import Record
from crawlers.spider import Items, SiteSpider

__all__ = ["ModSpider"]

HOST, ARCHIVE = "www.mod.go.jp", "www.clearing.mod.go.jp"
BASE, ENGLISH, OLD = f"https://{HOST}/j/press/wp", f"https://{HOST}/en/publ/w_paper", f"http://{ARCHIVE}/hakusho_data"
INDEXES = (f"{BASE}/index.html", f"{ENGLISH}/index.html")
FEEDS = (f"https://{HOST}/j/rss/news.xml", f"https://{HOST}/j/rss/update.xml")
YEAR = rf"(?:{BASE}/wp(?P<year>\d{{4}})/w\d{{4}}_00|{ENGLISH}/wp(?P<english>\d{{4}})/DOJ\d{{4}}_EN)\.html"
PAGE = rf"(?:{BASE}|{ENGLISH})/wp(\d{{4}})/html/(n\w+)\.html"
PDF = rf"(?:{BASE}|{ENGLISH})/wp(\d{{4}})/(?:pdf/)?([^/?]+\.pdf)"
OLD_YEAR = rf"{OLD}/(\d{{4}})/(?:index|w\d{{4}}_00)\.html"
OLD_MENU = rf"{OLD}/(\d{{4}})/(?:[^?]*/)?menu\w*\.html"
OLD_PAGE = rf"{OLD}/(\d{{4}})/(?:[^?]*/)?(n\w+)\.html"
LINKED = "//a/@href | //area/@href | //frame/@src"
LICENCE = "PDL-1.0"
EVIDENCE = "防衛省ホームページ 利用規約: 公共データ利用規約（第1.0版）（PDL1.0）、旧 政府標準利用規約（第2.0版）"


class ModSpider(SiteSpider):
    """One document a page of an HTML edition, keyed `year/page`, or a PDF, keyed `year/pdf/file`."""

    name = "mod"
    hosts = (HOST, ARCHIVE)
    langs = ("ja", "en")
    licences = (LICENCE,)
    routes = {  # noqa: RUF012  Scrapy reads class attributes
        "html": Route((HOST,), "HTML editions by year", 2000, 2030, 5 * 10**4, "RSS", INDEXES),
        "pdf": Route((HOST,), "PDFs by year", 300, 330, 8 * 10**6, "RSS", INDEXES),
        "archive": Route((HOST, ARCHIVE), "Shift_JIS framesets of old years", 3000, 3060, 3 * 10**4, "",
                         (INDEXES[0], f"{OLD}/1970/index.html")),
    }  # fmt: skip

    @classmethod
    def usual(cls, limit: int | None, changes: bool) -> Sequence[str]:
        """Everything; what has a feed where changes are asked for."""
        del limit
        return [name for name, route in cls.routes.items() if route.feed or not changes]

    def begin(self) -> Items:
        """The indexes of all years, or the feeds: all routes begin there."""
        if self.arguments.since is not None:
            for feed in FEEDS:
                yield self.listing(feed, self.feed)
            return
        if "ja" in self.arguments.langs:
            yield self.listing(INDEXES[0], self.index)
        if "en" in self.arguments.langs and {"html", "pdf"} & {*self.arguments.routes}:
            yield self.listing(INDEXES[1], self.index)

    def index(self, response: Response) -> Items:
        """Each year, the newest first as the index has them; those of the archive that the main host has not."""
        years = self.links(response, YEAR)
        old = self.links(response, OLD_YEAR)
        if not years and not old:
            self.unreadable(response, "no year is linked")
        if {"html", "pdf"} & {*self.arguments.routes}:
            for url in years:
                yield self.listing(url, self.year)
        here = {match["year"] for match in years.values()}
        for url, match in old.items():
            if "archive" in self.arguments.routes and match[1] not in here:
                yield self.listing(url, self.old_year)

    def year(self, response: Response) -> Items:
        """Each page of the year's HTML edition, and its PDFs."""
        yield from self.pages(response)

    def feed(self, response: Response) -> Items:
        """The white papers of the years wanted that a feed names: their index pages, pages and PDFs."""
        since = self.arguments.since
        for item in self.xml(response, "item"):
            url = item.get("link", "")
            year = re.search(r"/wp(\d{4})/", url)
            if since is None or not year or int(year[1]) < since.year:
                continue
            if re.fullmatch(YEAR, url):
                yield self.listing(url, self.year)
            yield from self.known(url)

    def page(self, response: Response) -> Items:
        """A page, and the pages and PDFs that it names."""
        yield self.found(response)
        yield from self.pages(response)

    def pages(self, response: Response) -> Items:
        """The pages and PDFs that a page links."""
        for url in self.links(response, f"{PAGE}|{PDF}"):
            yield from self.known(url)

    def known(self, url: str) -> Items:
        """Ask for a page or PDF of a white paper, on the routes that were chosen."""
        page, pdf = re.fullmatch(PAGE, url), re.fullmatch(PDF, url)
        lang = "en" if url.startswith(ENGLISH) else "ja"
        if lang not in self.arguments.langs:
            return
        if page and "html" in self.arguments.routes:
            yield self.document(url, self.record(page[1], page[2], url, lang, "html"), self.page)
        if pdf and "pdf" in self.arguments.routes:
            yield self.document(url, self.record(pdf[1], f"pdf/{pdf[2]}", url, lang, "pdf"))

    # ---- the archive

    def old_year(self, response: Response) -> Items:
        """A year's frameset, or its menu: its frames, and the pages that these link."""
        for url in self.links(response, f"{OLD_MENU}|{OLD_YEAR}", LINKED):
            yield self.listing(url, self.old_year)
        yield from self.old_pages(response)

    def old_page(self, response: Response) -> Items:
        """A page, and those that it names."""
        yield self.found(response)
        yield from self.old_pages(response)

    def old_pages(self, response: Response) -> Items:
        """The pages of the same year that a page or frame links."""
        here = re.match(rf"{OLD}/(\d{{4}})/", response.url)
        for url, match in self.links(response, OLD_PAGE, LINKED).items():
            if here and here[1] == match[1]:
                yield self.document(url, self.record(match[1], match[2], url, "ja", "html"), self.old_page)

    def record(self, year: str, name: str, url: str, lang: str, form: str) -> Record:
        """What the site says of a page; the English edition has keys of its own."""
        key = f"{year}/{name}" if lang == "ja" else f"{year}/{lang}/{name}"
        credit = f"出典：{year}年版防衛白書（防衛省）（{url}）"
        return Record(key, url, LICENCE, EVIDENCE, credit, lang, year, form=form)
