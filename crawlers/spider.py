"""What the spiders share: arguments, manners, the ways to ask, and the way every failure is booked."""

from __future__ import annotations

import json
import re
from abc import ABC
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Self

import scrapy
from lxml import etree  # type: ignore[import-untyped]
from scrapy.http import HtmlResponse, Request, Response
from scrapy.spidermiddlewares.httperror import HttpError

from corpus.base.units import canonical
from corpus.base.workspace import Workspace
from crawlers.arguments import Arguments, Route, Site, read, today
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

__all__ = ["SECRETS", "Items", "SiteSpider"]

SECRETS = ("cookie",)  # arguments that no file ever holds
Items = Iterator[Any]  # of Request, Found, Refused; what a spider begins with may be a Bulk too
Callback = Callable[..., Items | AsyncIterator[Request | Found | Refused]]


class SiteSpider(scrapy.Spider, ABC):
    """Base of the five spiders. A spider names its hosts, languages and routes, and knows its site's pages.

    A route NAME begins with the requests of the method `begin_NAME`. `licences` says what the documents are under, for
    a plan. Raises UsageError for a wrong argument and ConfigError for a live harvest without a contact, before
    anything is asked.
    """

    hosts: ClassVar[Sequence[str]] = ()
    langs: ClassVar[Sequence[str]] = ()
    licences: ClassVar[Sequence[str]] = ()
    routes: ClassVar[Mapping[str, Route]] = {}
    own: ClassVar[Mapping[str, Sequence[str] | None]] = {}
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
        return read(Site(cls.name, cls.hosts, cls.langs, cls.routes, cls.usual, cls.own), given)

    @classmethod
    def usual(cls, limit: int | None, changes: bool) -> Sequence[str]:
        """The routes taken where none is named: the first, unless a source knows better."""
        del limit, changes
        return tuple(cls.routes)[:1]

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> Self:
        """Make the spider and its harvest out of arguments and settings."""
        agent = cls.check(given)
        spider = super().from_crawler(crawler, *args, **given)
        settings: BaseSettings = crawler.settings
        settings.set("USER_AGENT", agent, priority="cmdline")  # above whatever else names another
        spider.harvest = Harvest(
            cls.name,
            Workspace(settings.get("HAKUSHO_DATA")),
            arguments=canonical({name: value for name, value in given.items() if name not in SECRETS}).decode(),
            limit=spider.arguments.limit,
            fresh=settings.getbool("HAKUSHO_FRESH"),
            quiet=settings.getbool("HAKUSHO_JSON"),
            part_rows=settings.getint("HAKUSHO_PART_ROWS"),
            part_seconds=settings.getfloat("HAKUSHO_PART_SECONDS"),
            warc_size=settings.getint("HAKUSHO_WARC_SIZE"),
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

    def begin(self) -> Items:
        """The first requests of each route, in their order."""
        for route in self.arguments.routes:
            yield from getattr(self, f"begin_{route}")()

    def share(self, at: int, of: int) -> int | None:
        """Documents wanted of part `at` of `of`: a limit is shared out, so that no race decides what comes."""
        limit = self.arguments.limit
        return None if limit is None else len(range(at, limit, of))

    def changed(self, day: str) -> bool:
        """Whether a day or time as the site writes it (2026-11-20, 20261120, 2026-11-20T…) is wanted by `since`."""
        since = self.arguments.since
        return since is None or re.sub("[^0-9]", "", day)[:8] >= f"{since:%Y%m%d}"

    def days(self) -> Iterator[str]:
        """The days from `since` to today, as 20261120."""
        since = self.arguments.since
        for number in range(since.toordinal(), today().toordinal() + 1) if since else ():
            yield f"{date.fromordinal(number):%Y%m%d}"

    # ---- asking

    def listing(self, url: str, callback: Callback, statuses: Sequence[int] = (), **known: Any) -> Request:
        """Ask for a page that names documents; `known` goes to the callback, which takes `statuses` as answers too."""
        meta: dict[str, Any] = {"purpose": "listing", "download_maxsize": self.settings.getint("HAKUSHO_PAGE_MAXSIZE")}
        if statuses:
            meta["handle_httpstatus_list"] = list(statuses)
        return Request(url, callback, errback=self.failed, cb_kwargs=known, meta=meta)

    def step(self, url: str, callback: Callback, record: Record, statuses: Sequence[int] = (), **known: Any) -> Request:
        """Ask for a page on the way to one document; a failure is booked on its record."""
        request = self.listing(url, callback, statuses, **known)
        request.meta["record"] = record
        return request.replace(priority=5)

    def document(self, url: str, record: Record, callback: Callback | None = None, **known: Any) -> Request:
        """Ask for the bytes of a document, before any further listing."""
        meta: dict[str, Any] = {"purpose": "document", "record": record}
        if record.form == "html":
            meta["download_maxsize"] = self.settings.getint("HAKUSHO_PAGE_MAXSIZE")
        return Request(url, callback or self.received, errback=self.failed, priority=10, cb_kwargs=known, meta=meta)

    def first_of(self, urls: Sequence[str], record: Record) -> Request:
        """Ask for a document that is there in several forms: where none comes of one URL, for the next."""
        first = replace(record, url=urls[0], form=record.form if urls[0].endswith(f".{record.form}") else "")
        request = self.document(urls[0], first, self.either, others=list(urls[1:]))
        return request.replace(errback=self.neither)

    # ---- what comes back

    async def either(self, response: Response, others: list[str]) -> AsyncIterator[Request | Found]:
        """One form of a document; where it gives no text, the next."""
        found = self.found(response)
        found.more = bool(others)
        yield found
        await found.booked.wait()
        if not found.kept and others and not self.harvest.full:
            yield self.first_of(others, found.record)

    def neither(self, failure: Failure) -> Items:
        """One form of a document failed: book it, ask for the next."""
        yield from self.failed(failure)
        request: Request = failure.request  # type: ignore[attr-defined]
        others = request.cb_kwargs["others"]
        if others and not self.harvest.full:
            yield self.first_of(others, request.meta["record"])

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
            yield Refused(record.key, reason, detail or request.url, more=bool(request.cb_kwargs.get("others")))

    def unreadable(self, response: Response, why: str) -> None:
        """Book a listing that is not what it should be."""
        response.meta["fetch"].close("not_a_document", f"{why}: {response.body[:60]!r}")
        self.harvest.lose_listing(response.url, why)

    def json(self, response: Response, key: str, kind: type = list) -> dict[str, Any] | None:
        """A JSON object with a list `key`; else the listing is booked as unreadable (an HTML page, say)."""
        try:
            data = json.loads(response.body)
        except ValueError:
            data = None
        if isinstance(data, dict) and isinstance(data.get(key), kind):
            return data
        self.unreadable(response, f"no JSON object with a {kind.__name__} {key!r}")
        return None

    def xml(self, response: Response, tag: str) -> list[dict[str, str]]:
        """The elements `tag` of an XML answer, each as child tag -> text; where there are none, booked as unreadable.

        Entities are not resolved and nothing is loaded.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=False)
        try:
            root = etree.fromstring(response.body, parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
        found = [] if root is None else list(root.iter(tag))
        if not found:
            self.unreadable(response, f"no XML with <{tag}>")
        return [{str(child.tag): "".join(child.itertext()).strip() for child in element} for element in found]

    def nothing(self, response: Response, why: str) -> None:
        """Book an answer that says in its own way that there is nothing, e.g. no change on a day."""
        response.meta["fetch"].close("listing", why)

    def each(self, response: Response, entries: list[Any], handle: Callable[[Any], Items]) -> Items:
        """The items of every entry of a listing; one of an unknown shape is booked and costs itself alone."""
        for number, entry in enumerate(entries):
            try:
                items = list(handle(entry))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                self.harvest.lose_listing(response.url, f"entry {number} is not of the known shape: {error!r}")
            else:
                yield from items

    def links(self, response: Response, pattern: str, within: str = "//a/@href") -> dict[str, re.Match[str]]:
        """The links of a page whose whole URL matches: URL on the site's own host -> match, in order, each once."""
        if not isinstance(response, HtmlResponse):
            return {}
        found: dict[str, re.Match[str]] = {}
        for href in response.xpath(within).getall():
            url = self.link(response, href)
            match = re.fullmatch(pattern, url) if url else None
            if match:
                found.setdefault(url, match)
        return found

    def link(self, response: Response, href: str) -> str:
        """A link of a page as a whole URL on the site's own host, without fragment; "" where it leads elsewhere."""
        try:
            url = self.origins.site_url(response.urljoin(href.strip()), response.url).partition("#")[0]
        except ValueError:  # a broken IPv6 bracket
            return ""
        return url if self.origins.knows(url) else ""
