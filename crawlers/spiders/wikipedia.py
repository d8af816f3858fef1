"""Wikipedia, Japanese and English: articles out of the dumps, or of the pages.

robots.txt forbids the API to all robots, so the dumps come first: `latest` names the date and the checksums, the dated
folder has the articles (multistream) and their index. `html` reads /wiki/ pages, breadth first from the main page;
together with `dump` only those that the index does not name. `api` needs an opt-in, and robots.txt is obeyed all the
same. Articles are CC BY-SA 4.0: title, URL and revision stay with every document.
"""

from __future__ import annotations

import bz2
import io
import re
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlencode

from scrapy.http import Response

from corpus.base.commit import sha256_bytes
from corpus.base.errors import CorruptFileError
from corpus.extract.wikidump import DumpPage, pages
from corpus.extract.wikitext import extract_wikitext
from crawlers.arguments import Route
from crawlers.bulk import BulkFile
from crawlers.bulk_spider import AsyncItems, Bulk, BulkSpider
from crawlers.items import Found, Record, Refused
from crawlers.spider import Items

__all__ = ["WikipediaSpider", "page_url"]

DUMPS = "dumps.wikimedia.org"
WIKIS = {"ja": "ja.wikipedia.org", "en": "en.wikipedia.org"}
SITES = tuple(WIKIS.values())
MAIN_PAGES = {"ja": "メインページ", "en": "Main Page"}
LICENCE = "CC-BY-SA-4.0"
EVIDENCE = "Wikimedia Foundation Terms of Use 7; page footer: Creative Commons Attribution-ShareAlike 4.0"
FILE = r"(?m)^([0-9a-f]{{40}}) +({wiki}-(\d{{8}})-pages-articles-multistream{tail}\.bz2)$"
ARTICLE = r"https://(ja|en)\.wikipedia\.org/wiki/([^:?]+)"  # a colon names another namespace, or a rare title
MORE = r"https://(ja|en)\.wikipedia\.org/wiki/[^?]+\?from=[^&]+"  # the next page of a list of articles
CONTENT = "//*[@id='mw-content-text']//a/@href"
ALL_PAGES = {"list": "allpages", "apfilterredir": "nonredirects", "aplimit": 50, "format": "json", "formatversion": 2}


class WikipediaSpider(BulkSpider):
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
        self.titles_of_dump: dict[str, set[str]] = {}

    def wanted(self, lang: str) -> int | None:
        """Documents wanted of a language."""
        return self.share(self.arguments.langs.index(lang), len(self.arguments.langs))

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
                yield self.listing(page_url(lang, MAIN_PAGES[lang]), self.titles)

    def named(self, lang: str) -> set[str]:
        """The titles that the index of a dump names, where there is one."""
        if lang not in self.titles_of_dump and "dump" in self.arguments.routes:
            files = BulkFile.newest(self.harvest.workspace, self.name, f"{lang}wiki-*-index.txt.bz2")
            self.titles_of_dump[lang] = set(index_titles(files)) if files else set()
        return self.titles_of_dump.get(lang, set())

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

    def article(self, lang: str, page: DumpPage, container: str) -> Found | Refused:
        """One page: an article is read from its wikitext, anything else is booked."""
        if page.ns:
            return Refused(f"{lang}:{page.title}", "other_namespace", str(page.ns))
        if page.redirect:
            return Refused(f"{lang}:{page.title}", "redirect", page.redirect)
        record = self.record(lang, page.title, str(page.revision_id))
        read = partial(extract_wikitext, page.wikitext, title=page.title, lang=lang)
        return Found(record, page.raw, "application/xml", container_sha256=container, read=read)

    # ---- pages

    def begin_html(self) -> Items:
        """The main page of each language; with `dump`, after its index."""
        for lang in self.arguments.langs if "dump" not in self.arguments.routes else ():
            if self.wanted(lang) != 0:
                yield self.listing(page_url(lang, MAIN_PAGES[lang]), self.titles)

    def titles(self, response: Response) -> Items:
        """A page that lists articles: each of them, then the next page of the list."""
        yield from self.linked(response)
        for url in self.links(response, MORE, CONTENT):
            yield self.listing(url, self.titles)

    def page(self, response: Response) -> Items:
        """An article, and those that it links; a redirect shows its target's page and is booked as what it is."""
        asked: Record = response.meta["record"]
        canonical = next(iter(self.links(response, ARTICLE, "//link[@rel='canonical']/@href").items()), None)
        if canonical and title_of(canonical[1][2]) != title_of(asked.url.rpartition("/wiki/")[2]):
            response.meta["fetch"].close("redirect", canonical[0])
            yield Refused(asked.key, "redirect", canonical[0])
            yield from self.article_page(canonical[1][1], title_of(canonical[1][2]))
            return
        yield self.found(response)
        yield from self.linked(response)

    def linked(self, response: Response) -> Items:
        """The articles that a page's content links."""
        for match in self.links(response, ARTICLE, CONTENT).values():
            if match[1] in self.arguments.langs:
                yield from self.article_page(match[1], title_of(match[2]))

    def article_page(self, lang: str, title: str) -> Items:
        """Ask for the page of an article that the dump has not."""
        if title not in self.named(lang):
            record = self.record(lang, title, "", form="html")
            yield self.document(record.url, record, self.page)

    # ---- the API

    def begin_api(self) -> Items:
        """The first titles of each language."""
        for lang in self.arguments.langs:
            yield self.listing(self.api(lang, ALL_PAGES), self.batch, lang=lang)

    def api(self, lang: str, query: dict[str, Any]) -> str:
        """A URL of the API; maxlag lets a busy server say so."""
        return f"https://{WIKIS[lang]}/w/api.php?{urlencode({'action': 'query', 'maxlag': 5, **query})}"

    def batch(self, response: Response, lang: str) -> Items:
        """The export of a batch of titles, and the next batch, as far as `continue` says that there is one."""
        data = self.json(response, "query", dict)
        if data is None:
            return
        titles = "|".join(page["title"] for page in data["query"].get("allpages", []))
        if titles:
            export = self.api(lang, {"export": 1, "exportnowrap": 1, "titles": titles})
            yield self.listing(export, self.exported, lang=lang)
        if data.get("continue"):
            yield self.listing(self.api(lang, ALL_PAGES | data["continue"]), self.batch, lang=lang)

    async def exported(self, response: Response, lang: str) -> AsyncItems:
        """An export is a small dump."""
        container = sha256_bytes(response.body)
        items = (self.article(lang, page, container) for page in pages(io.BytesIO(response.body)))
        async for item in self.contained(response, items):
            yield item

    def record(self, lang: str, title: str, revision: str, form: str = "") -> Record:
        """What Wikipedia says of an article."""
        url = page_url(lang, title)
        credit = f"Wikipedia contributors, “{title}”, {url}, CC BY-SA 4.0; modified: markup removed"
        return Record(f"{lang}:{title}", url, LICENCE, EVIDENCE, credit, lang, revision, title, (), form)


def page_url(lang: str, title: str) -> str:
    """The URL of an article, with the characters that MediaWiki leaves as they are.

    >>> page_url("en", "AC/DC (band)")
    'https://en.wikipedia.org/wiki/AC/DC_(band)'
    """
    return f"https://{lang}.wikipedia.org/wiki/{quote(title.replace(' ', '_'), safe='/:,()!*;@$~')}"


def title_of(path: str) -> str:
    """The title that the path of an article says."""
    return unquote(path).replace("_", " ")


def index_titles(file: BulkFile) -> Iterator[str]:
    """The titles of a multistream index: lines of `offset:page id:title`."""
    with file.open() as stream, bz2.open(stream, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            yield line.rstrip("\n").split(":", 2)[-1]
