"""What the spiders share: arguments, manners, the ways to ask, and the way every failure is booked."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import scrapy
from scrapy.http import HtmlResponse, Request, Response
from scrapy.spidermiddlewares.httperror import HttpError

from corpus.base.workspace import Workspace
from crawlers.arguments import Arguments, Site, read
from crawlers.harvest import Harvest
from crawlers.history import media_type
from crawlers.identity import user_agent
from crawlers.items import Found, Record, Refused
from crawlers.manners.refusals import EnoughDocuments

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings
    from twisted.python.failure import Failure

    from crawlers.origins import Origins

__all__ = ["Items", "SiteSpider"]

Items = Iterator[Request | Found | Refused]
Callback = Callable[..., Items | AsyncIterator[Request | Found | Refused]]


class SiteSpider(scrapy.Spider, ABC):
    """Base of the five spiders. A spider names its hosts, languages and routes, and knows its site's pages.

    `routes` maps a route to the hosts it asks, the default first. Raises UsageError for a wrong argument and
    ConfigError for a live harvest without a contact, before anything is asked.
    """

    hosts: ClassVar[Sequence[str]] = ()
    langs: ClassVar[Sequence[str]] = ()
    routes: ClassVar[Mapping[str, Sequence[str]]] = {}
    harvest: Harvest

    def __init__(self, **given: str) -> None:
        super().__init__()
        self.arguments: Arguments = self._read_arguments(given)

    @classmethod
    def check(cls, given: Mapping[str, str]) -> str:
        """The User-Agent of a crawl with these arguments. Raises UsageError, ConfigError."""
        return user_agent(live=cls._read_arguments(given).origins.live)

    @classmethod
    def _read_arguments(cls, given: Mapping[str, str]) -> Arguments:
        return read(Site(cls.name, cls.hosts, cls.langs, cls.routes), given)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> Self:
        """Make the spider and its harvest out of arguments and settings."""
        agent = cls.check(given)
        spider = super().from_crawler(crawler, *args, **given)
        settings: BaseSettings = crawler.settings
        settings.set("USER_AGENT", agent, priority="spider")
        spider.harvest = Harvest(
            cls.name,
            Workspace(settings.get("HAKUSHO_DATA")),
            limit=spider.arguments.limit,
            quiet=settings.getbool("HAKUSHO_JSON"),
            part_rows=settings.getint("HAKUSHO_PART_ROWS"),
            part_seconds=settings.getfloat("HAKUSHO_PART_SECONDS"),
        )
        return spider

    @property
    def origins(self) -> Origins:
        """The hosts this crawl may ask."""
        return self.arguments.origins

    async def start(self) -> AsyncIterator[Any]:
        """Begin the route."""
        for item in self.begin():
            yield item

    @abstractmethod
    def begin(self) -> Items:
        """The first requests of the route."""

    # ---- asking

    def listing(self, url: str, callback: Callback, **known: Any) -> Request:
        """Ask for a page that names documents; `known` goes to the callback."""
        return Request(
            url, callback, errback=self.failed, cb_kwargs=known,
            meta={"purpose": "listing", "download_maxsize": self.settings.getint("HAKUSHO_PAGE_MAXSIZE")},
        )  # fmt: skip

    def step(self, url: str, callback: Callable[..., Items], record: Record, **known: Any) -> Request:
        """Ask for a page on the way to one document; a failure is booked on its record."""
        request = self.listing(url, callback, **known)
        request.meta["record"] = record
        return request.replace(priority=5)

    def document(self, url: str, record: Record, callback: Callable[..., Items] | None = None, **known: Any) -> Request:
        """Ask for the bytes of a document, before any further listing."""
        meta: dict[str, Any] = {"purpose": "document", "record": record}
        if record.form == "html":
            meta["download_maxsize"] = self.settings.getint("HAKUSHO_PAGE_MAXSIZE")
        return Request(url, callback or self.received, errback=self.failed, priority=10, cb_kwargs=known, meta=meta)

    # ---- what comes back

    def received(self, response: Response) -> Items:
        """The bytes of a document, as they are."""
        yield self.found(response)

    def found(self, response: Response) -> Found:
        """The record of a response with its bytes."""
        header = (response.headers.get("Content-Type") or b"").decode("latin-1")
        return Found(response.meta["record"], response.body, media_type(header), fetch=response.meta["fetch"])

    def failed(self, failure: Failure) -> Items:
        """Book a failure: on the record it belongs to, else as a listing that is missing."""
        error, request = failure.value, failure.request  # type: ignore[attr-defined]
        if error is None or isinstance(error, EnoughDocuments):
            return
        fetch = request.meta.get("fetch")
        if fetch is None:  # raised after the answer had come, e.g. by a body that inflates beyond its cap
            fetch = self.harvest.fetches.failure(request, error)
        elif fetch.open:
            fetch.close("too_large" if "DOWNLOAD_MAXSIZE" in str(error) else "refused", str(error))
        reason, detail = str(fetch.values["outcome"]), str(fetch.values["reason"])
        if reason == "http_error" and isinstance(error, HttpError):
            reason = f"http_{error.response.status}"
        record = request.meta.get("record")
        if record is None:
            self.harvest.lose_listing(request.url, reason)
        else:
            yield Refused(record.key, reason, detail or request.url)

    def unreadable(self, response: Response, why: str) -> None:
        """Book a listing that is not what it should be."""
        response.meta["fetch"].close("not_a_document", f"{why}: {response.body[:60]!r}")
        self.harvest.lose_listing(response.url, why)

    def json(self, response: Response, key: str) -> dict[str, Any] | None:
        """A JSON object with a list `key`; else the listing is booked as unreadable (an HTML page, say)."""
        try:
            data = json.loads(response.body)
        except ValueError:
            data = None
        if isinstance(data, dict) and isinstance(data.get(key), list):
            return data
        self.unreadable(response, f"no JSON object with a list {key!r}")
        return None

    def each(self, response: Response, entries: list[Any], handle: Callable[[Any], Items]) -> Items:
        """The items of every entry of a listing; one of an unknown shape is booked and costs itself alone."""
        for number, entry in enumerate(entries):
            try:
                items = list(handle(entry))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                self.harvest.lose_listing(response.url, f"entry {number} is not of the known shape: {error!r}")
            else:
                yield from items

    def links(self, response: Response, pattern: str, within: str = "//a") -> dict[str, re.Match[str]]:
        """The links of a page whose whole URL matches: URL on the site's own host -> match, in order, each once."""
        if not isinstance(response, HtmlResponse):
            return {}
        found: dict[str, re.Match[str]] = {}
        for href in response.xpath(f"{within}/@href").getall():
            try:
                url = self.origins.site_url(response.urljoin(href.strip()), response.url).partition("#")[0]
            except ValueError:  # a broken IPv6 bracket in a link
                continue
            match = re.fullmatch(pattern, url)
            if match and self.origins.knows(url):
                found.setdefault(url, match)
        return found
