"""Wikipedia, Japanese and English: articles out of the dumps, or of the pages.

robots.txt forbids the API to all robots, so the dumps come first: `latest` names the date and the checksums, the dated
folder has the articles (multistream) and their index. `html` and `api` stand in wikipedia_pages.py.
Articles are CC BY-SA 4.0: title, URL and revision stay with every document.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, BinaryIO

from scrapy.http import Response

from corpus.base.errors import CorruptFileError
from corpus.extract.wikidump import pages
from crawlers.arguments import Route
from crawlers.bulk import BulkFile
from crawlers.bulk_spider import AsyncItems, Bulk
from crawlers.spider import Items
from crawlers.spiders.wikipedia_pages import LICENCE, MAIN_PAGES, WIKIS, WikiPages, page_url
from crawlers.titles import Titles

__all__ = ["WikipediaSpider", "page_url"]

DUMPS = "dumps.wikimedia.org"
SITES = tuple(WIKIS.values())
FILE = r"(?m)^([0-9a-f]{{40}}) +({wiki}-(\d{{8}})-pages-articles-multistream{tail}\.bz2)$"


class WikipediaSpider(WikiPages):
    """One document an article, keyed `lang:title`."""

    name = "wikipedia"
    hosts = (*SITES, DUMPS)
    langs = tuple(WIKIS)
    licences = (LICENCE,)
    routes = {  # noqa: RUF012  Scrapy reads class attributes
        "dump": Route((DUMPS,), "the newest dumps", 8_500_000, 900, 32 * 2**20, "the dump's date",
                      (f"https://{DUMPS}/jawiki/latest/", f"https://{DUMPS}/enwiki/latest/")),
        "html": Route(SITES, "/wiki/ pages", 0, 0, 10**5, "", tuple(f"https://{host}/wiki/" for host in SITES)),
        "api": Route(SITES, "export by the API", 8_500_000, 350_000, 10**6, "",
                     tuple(f"https://{host}/w/api.php?action=query" for host in SITES), "opt_in",
                     "robots.txt of Wikipedia forbids /w/ and /api/ to all robots, and it is obeyed here: requests "
                     "are made only where the site's robots.txt allows them to this robot, else denied and "
                     "recorded; the dumps hold the same articles. -a opt_in=api says that you know"),
    }  # fmt: skip

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.pages_read: dict[str, int] = {}
        self.titles_of_dump: dict[str, Titles] = {}

    @classmethod
    def usual(cls, limit: int | None, changes: bool) -> Sequence[str]:
        """The dumps; where all is wanted, also the pages that are newer than they are."""
        return ("dump",) if changes or limit is not None else ("dump", "html")

    # ---- dumps

    def begin_dump(self) -> Items:
        """The checksums of each language's newest dump."""
        for lang in self.arguments.langs:
            if self.wanted(lang) != 0:
                wiki = f"{lang}wiki"
                yield self.listing(f"https://{DUMPS}/{wiki}/latest/{wiki}-latest-sha1sums.txt", self.sums, lang=lang)

    async def sums(self, response: Response, lang: str) -> AsyncItems:
        """The file with the articles and its index: their date, names and checksums."""
        wiki, text = f"{lang}wiki", response.body.decode("utf-8", "replace")
        match = re.search(FILE.format(wiki=wiki, tail=r"\.xml"), text)
        index = re.search(FILE.format(wiki=wiki, tail=r"-index\.txt"), text)
        if match is None:
            self.unreadable(response, "no checksum of the articles' dump")
        elif not self.changed(match[3]):
            self.nothing(response, f"the newest dump is of {match[3]}")
        else:
            first = self.dump(lang, match, "articles")
            if index and (self.arguments.limit is None or "html" in self.arguments.routes):
                first = self.dump(lang, index, "index", articles=asdict(first))
            async for item in self.bulk(first):
                yield item

    def dump(self, lang: str, match: re.Match[str], read: str, **known: Any) -> Bulk:
        """A file of a dump."""
        sha1, name, day = match.groups()
        url, wanted = f"https://{DUMPS}/{lang}wiki/{day}/{name}", self.wanted(lang) if read == "articles" else None
        return Bulk(url, name, read, sha1, wanted, ranges=True, keep=True, known={"lang": lang, **known})

    def index(self, stream: BinaryIO, container: str, whole: bool, lang: str, articles: dict[str, Any]) -> Items:
        """The index is here: now the articles, and the pages that it does not name."""
        del stream, container
        if whole:
            yield Bulk(**articles)
            if "html" in self.arguments.routes:
                yield self.listing(page_url(lang, MAIN_PAGES[lang]), self.titles, [404])

    def in_dump(self, lang: str, title: str) -> bool:
        """Whether the index of a dump names a title."""
        if "dump" not in self.arguments.routes:
            return False
        if lang not in self.titles_of_dump:
            files = BulkFile.newest(self.harvest.workspace, self.name, f"{lang}wiki-*-index.txt.bz2")
            self.titles_of_dump[lang] = Titles(index_titles(files) if files else ())
        return title in self.titles_of_dump[lang]

    def articles(self, stream: BinaryIO, container: str, whole: bool, lang: str) -> Items:
        """Every page of a dump that was not read before, articles and others."""
        done = self.pages_read.get(lang, 0)
        try:
            for page in islice(pages(stream), done, None):
                self.pages_read[lang] = done = done + 1
                if self.changed(page.timestamp):
                    yield self.article(lang, page, container)
        except CorruptFileError:
            if whole:
                raise


def index_titles(file: BulkFile) -> Iterator[str]:
    """The titles of a multistream index: lines of `offset:page id:title`."""
    with file.open() as stream, bz2.open(stream, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            yield line.rstrip("\n").split(":", 2)[-1]
