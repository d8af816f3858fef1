"""Wikipedia, Japanese and English: articles out of the dumps, or a few of the pages.

robots.txt forbids the API to all robots, so the dumps come first: `latest` names the date and the checksums, the
dated folder has the files. Route `html` reads /wiki/ pages, breadth first from the main page: for samples.
Articles are CC BY-SA 4.0: title, URL and revision stay with every document.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import BinaryIO
from urllib.parse import quote, unquote

from scrapy.http import Request, Response, TextResponse

from corpus.base.errors import CorruptFileError
from corpus.extract.wikidump import DumpPage, pages
from corpus.extract.wikitext import extract_wikitext
from crawlers.bulk_spider import AsyncItems, BulkSpider
from crawlers.items import Found, Record, Refused
from crawlers.spider import Items

__all__ = ["WikipediaSpider", "page_url"]

DUMPS = "dumps.wikimedia.org"
WIKIS = {"ja": "ja.wikipedia.org", "en": "en.wikipedia.org"}
MAIN_PAGES = {"ja": "メインページ", "en": "Main Page"}
LICENCE = "CC-BY-SA-4.0"
EVIDENCE = "Wikimedia Foundation Terms of Use 7; page footer: Creative Commons Attribution-ShareAlike 4.0"
SUMS = r"(?m)^([0-9a-f]{{40}}) +({wiki}-(\d{{8}})-pages-articles-multistream\.xml\.bz2)$"
ARTICLE = r"https://(ja|en)\.wikipedia\.org/wiki/([^:?]+)"  # a colon names another namespace, or a rare title
MORE = r"https://(ja|en)\.wikipedia\.org/wiki/[^?]+\?from=[^&]+"  # the next page of a list of articles


class WikipediaSpider(BulkSpider):
    """One document an article, keyed `lang:title`."""

    name = "wikipedia"
    hosts = (*WIKIS.values(), DUMPS)
    langs = tuple(WIKIS)
    routes = {"dump": (DUMPS,), "html": tuple(WIKIS.values())}  # noqa: RUF012  Scrapy reads class attributes

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.pages_read: dict[str, int] = {}

    def begin(self) -> Items:
        """The checksums of each language's newest dump, or its main page."""
        for lang in self.shares():
            if self.arguments.route == "dump":
                wiki = f"{lang}wiki"
                yield self.listing(f"https://{DUMPS}/{wiki}/latest/{wiki}-latest-sha1sums.txt", self.sums, lang=lang)
            else:
                yield self.listing(page_url(lang, MAIN_PAGES[lang]), self.titles)

    def shares(self) -> dict[str, int | None]:
        """Documents wanted of each language: a limit is shared out, so that no race decides what comes."""
        limit, langs = self.arguments.limit, self.arguments.langs
        if limit is None:
            return dict.fromkeys(langs)
        return {lang: len(range(at, limit, len(langs))) for at, lang in enumerate(langs[:limit])}

    # ---- dumps

    async def sums(self, response: Response, lang: str) -> AsyncItems:
        """The file with the articles: its date, its name, its checksum."""
        wiki = f"{lang}wiki"
        match = re.search(SUMS.format(wiki=wiki), response.body.decode("utf-8", "replace"))
        if match is None:
            self.unreadable(response, "no checksum of the articles' dump")
            return
        sha1, name, date = match.groups()
        url = f"https://{DUMPS}/{wiki}/{date}/{name}"
        async for item in self.bulk(url, sha1, partial(self.articles, lang), self.shares()[lang]):
            yield item

    def articles(self, lang: str, stream: BinaryIO, container: str, whole: bool) -> Items:
        """Every page of a dump that was not read before, articles and others."""
        done = self.pages_read.get(lang, 0)
        try:
            for page in islice(pages(stream), done, None):
                self.pages_read[lang] = done = done + 1
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

    def titles(self, response: Response) -> Items:
        """A page that lists articles: each of them, then the next page of the list."""
        yield from self.linked(response)
        for url in self.links(response, MORE, within="//*[@id='mw-content-text']//a"):
            yield self.listing(url, self.titles)

    def page(self, response: Response) -> Items:
        """An article, and those that it links; a redirect shows its target's page and is booked as what it is."""
        asked: Record = response.meta["record"]
        canonical = ""
        if isinstance(response, TextResponse):
            canonical = response.xpath("//link[@rel='canonical']/@href").get() or ""
        match = re.fullmatch(ARTICLE, canonical)
        if match and canonical != asked.url and title_of(match[2]) != title_of(asked.url.rpartition("/wiki/")[2]):
            response.meta["fetch"].close("redirect", canonical)
            yield Refused(asked.key, "redirect", canonical)
            yield self.article_page(match[1], title_of(match[2]))
            return
        yield self.found(response)
        yield from self.linked(response)

    def linked(self, response: Response) -> Items:
        """The articles that a page's content links."""
        links = self.links(response, ARTICLE, within="//*[@id='mw-content-text']//a")
        for lang, path in (match.groups() for match in links.values()):
            if lang in self.arguments.langs:
                yield self.article_page(lang, title_of(path))

    def article_page(self, lang: str, title: str) -> Request:
        """Ask for the page of an article."""
        record = self.record(lang, title, "", form="html")
        return self.document(record.url, record, self.page)

    def record(self, lang: str, title: str, revision: str, form: str = "") -> Record:
        """What Wikipedia says of an article."""
        url = page_url(lang, title)
        return Record(
            key=f"{lang}:{title}",
            url=url,
            licence=LICENCE,
            licence_evidence=EVIDENCE,
            attribution=f"Wikipedia contributors, “{title}”, {url}, CC BY-SA 4.0; modified: markup removed",
            lang=lang,
            revision=revision,
            title=title,
            form=form,
        )


def page_url(lang: str, title: str) -> str:
    """The URL of an article, with the characters that MediaWiki leaves as they are.

    >>> page_url("en", "AC/DC (band)")
    'https://en.wikipedia.org/wiki/AC/DC_(band)'
    """
    return f"https://{lang}.wikipedia.org/wiki/{quote(title.replace(' ', '_'), safe='/:,()!*;@$~')}"


def title_of(path: str) -> str:
    """The title that the path of an article says."""
    return unquote(path).replace("_", " ")
