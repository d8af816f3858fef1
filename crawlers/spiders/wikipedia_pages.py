"""Wikipedia's pages and API, and what all its routes say of an article.

`html` reads /wiki/ pages, breadth first from the main page; together with `dump` only those that its index does not
name. `api` exports articles as small dumps, 50 titles a request; it needs an opt-in, and robots.txt is obeyed all the
same.
"""

from __future__ import annotations

import io
from abc import abstractmethod
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlencode

from scrapy.http import Response

from corpus.base.commit import sha256_bytes
from corpus.extract.wikidump import DumpPage, pages
from corpus.extract.wikitext import extract_wikitext
from crawlers.bulk_spider import AsyncItems, BulkSpider
from crawlers.items import Found, Record, Refused
from crawlers.spider import Items

__all__ = ["LICENCE", "MAIN_PAGES", "WIKIS", "WikiPages", "page_url"]

WIKIS = {"ja": "ja.wikipedia.org", "en": "en.wikipedia.org"}
MAIN_PAGES = {"ja": "メインページ", "en": "Main Page"}
LICENCE = "CC-BY-SA-4.0"
EVIDENCE = "Wikimedia Foundation Terms of Use 7; page footer: Creative Commons Attribution-ShareAlike 4.0"
ARTICLE = r"https://(ja|en)\.wikipedia\.org/wiki/([^:?]+)"  # a colon names another namespace, or a rare title
MORE = r"https://(ja|en)\.wikipedia\.org/wiki/[^?]+\?from=[^&]+"  # the next page of a list of articles
CONTENT = "//*[@id='mw-content-text']//a/@href"
ALL_PAGES = {"list": "allpages", "apfilterredir": "nonredirects", "aplimit": 50, "format": "json", "formatversion": 2}


class WikiPages(BulkSpider):
    """The routes `html` and `api`."""

    def wanted(self, lang: str) -> int | None:
        """Documents wanted of a language."""
        return self.share(self.arguments.langs.index(lang), len(self.arguments.langs))

    @abstractmethod
    def in_dump(self, lang: str, title: str) -> bool:
        """Whether another route gives this article."""

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
        """A page that lists articles: each of them, then the next page of the list; beside a dump it may be missing."""
        if response.status == 404:
            self.nothing(response, "no such page")
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
        if not self.in_dump(lang, title):
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
