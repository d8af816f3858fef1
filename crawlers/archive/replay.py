"""Documents out of the archive, without the network: each answer goes through its spider's callback once more.

What a callback asks for next is not asked: its answer stands in the archive by itself. Readers, rights gates and limits
are those of a crawl (crawlers.booking), and the day of the answer is today while it is read, so the same versions give
the same bytes, and newer readers give newer rows. Nothing is needed but the files of raw/<source>/; where the history
of fetches is there too, answers that came after the limit of their harvest are left out by its word.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import Settings
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.statscollectors import StatsCollector
from scrapy.utils.misc import arg_to_iter
from twisted.python.failure import Failure

from corpus.base.commit import scratch_folder
from corpus.base.errors import EmptyInputError, HakushoError
from corpus.base.manifest import Manifest
from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from crawlers.archive.reader import arguments_of, notes, read_answer
from crawlers.arguments import NOW
from crawlers.booking import Booking
from crawlers.documents import Parts
from crawlers.frontier.requests import request_from_text
from crawlers.harvest import Harvest
from crawlers.history import media_type
from crawlers.items import Fetch, Found, Refused
from crawlers.plan import spider_class
from crawlers.spider import SECRETS

if TYPE_CHECKING:
    from crawlers.archive.reader import Noted
    from crawlers.spider import SiteSpider

__all__ = ["Rebuilt", "rebuild"]

_LOG = logging.getLogger(__name__)
_SETTINGS = "crawlers.settings"
_KEPT_BACK = "not kept"  # stands for an argument that is a secret and so not in the archive (crawlers.spider)


@dataclass
class Rebuilt:
    """What came of a source's archive: answers read, documents taken, refusals, and answers nobody can read."""

    source: str
    answers: int = 0
    documents: int = 0
    dropped: int = 0
    unread: list[str] = field(default_factory=list)


class _Again(Harvest):
    """A harvest that is read from the archive: no frontier, no archive of its own, parts right into the target."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._taken: set[bytes] = set()

    def has(self, document: str) -> bool:
        """Whether an earlier answer of this harvest gave the document."""
        return bytes.fromhex(document) in self._taken

    def keep(self, row: dict[str, Any]) -> None:
        """Take a document. Raises StorageError."""
        self._taken.add(bytes.fromhex(row["id"]))
        super().keep(row)

    def commit(self, *, now: bool = False, last: bool = False) -> None:
        """Write a part, where much is pending or at once. Raises StorageError."""
        if not (now or last or self.much):
            return
        files = self.parts.write(f"{self.run}-{self._written:06d}", self._rows, self._drops)
        with Manifest(self.parts.workspace) as manifest:
            manifest.record(files)
        self.forget(last=last)


class _Reader:
    """Spider and harvest of the answers of one harvest."""

    def __init__(self, source: str, arguments: str, target: Workspace, scratch: Workspace) -> None:
        kind = spider_class(source)
        given: dict[str, str] = json.loads(arguments)
        for secret in SECRETS:
            if secret in kind.own:
                given.setdefault(secret, _KEPT_BACK)
        settings = Settings()
        settings.setmodule(_SETTINGS)
        crawler = Crawler(kind, settings)
        crawler.stats = StatsCollector(crawler)
        self.spider: SiteSpider = kind(**given)
        self.spider._set_crawler(crawler)  # noqa: SLF001  as Scrapy does in from_crawler
        limit = self.spider.arguments.limit
        run = f"rebuilt-{secrets.token_hex(8)}"
        self.spider.harvest = self.harvest = _Again(source, scratch, arguments, limit, quiet=True, run=run)
        self.harvest.part_rows = settings.getint("HAKUSHO_PART_ROWS")
        self.harvest.parts = Parts(target, source)
        self.booking = Booking(self.harvest)
        self._decoding = HttpCompressionMiddleware(crawler=crawler)

    async def read(self, note: dict[str, Any], response: Response) -> None:
        """Call the callback, or for an error the errback, and book what it yields. Raises what a callback raises."""
        request = request_from_text(note["asked"], self.spider)
        header = (response.headers.get("Content-Type") or b"").decode("latin-1")
        request.meta["fetch"] = Fetch({"outcome": "http_error", "reason": "", "content_type": media_type(header)})
        response.request = request
        function: Callable[..., Any] | None = request.callback
        answer: Any = None
        if 200 <= response.status < 300 or response.status in request.meta.get("handle_httpstatus_list", ()):
            answer = self._decoding.process_response(request, response)
            answer.request = request
            result = function(answer, **request.cb_kwargs) if function else None
        else:
            answer = Failure(HttpError(response))  # type: ignore[no-untyped-call]
            answer.request = request
            result = request.errback(answer) if request.errback else None
        async for item in _each(result):
            if isinstance(item, Found | Refused):
                await self.booking.take(item)

    def close(self) -> None:
        """Write what is pending. Raises what stopped the harvest."""
        self.booking.close()
        self.harvest.commit(last=True)


def rebuild(workspace: Workspace, source: str, target: Workspace, *, tell: Callable[[str], None]) -> Rebuilt:
    """Read every answer in raw/<source>/ of a workspace once more, and settle its documents in the target.

    `tell` is called with the name of each file. In the workspace itself a row that a newer reader gives takes the place
    of the older one. Raises EmptyInputError where there is no archive, StorageError, and CorruptFileError for one that
    is damaged in its middle.
    """
    files = sorted(workspace.path("raw", source).glob("*.warc.gz"))
    if not files:
        raise EmptyInputError(f"{workspace.path('raw', source)}: no archive (*.warc.gz) of {source}; harvest it first")
    done = Rebuilt(source)
    target.documents(source).mkdir(parents=True, exist_ok=True)
    with scratch_folder(target.path("tmp", f"extract-{source}")) as folder:
        readers: dict[tuple[str, int], _Reader] = {}
        try:
            asyncio.run(_read_all(_Place(workspace, source, target, Workspace(folder)), files, readers, done, tell))
        finally:
            for reader in readers.values():
                reader.close()
        for reader in readers.values():
            done.documents += reader.harvest.documents
            done.dropped += reader.harvest.dropped.total()
            if reader.harvest.error:
                raise HakushoError(reader.harvest.error)
            last = reader.harvest
    if readers:
        last.workspace = target
        last.settle()
    return done


@dataclass(frozen=True)
class _Place:
    """Where answers are read from, and what is written where."""

    workspace: Workspace
    source: str
    target: Workspace
    scratch: Workspace


async def _read_all(
    place: _Place, files: Iterable[Path], readers: dict[tuple[str, int], _Reader], done: Rebuilt,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    beyond = _beyond(place.workspace, place.source)
    for path in files:
        name, arguments = place.workspace.relative(path), arguments_of(path)
        tell(path.name)
        for noted in notes(path):
            if "asked" not in noted.note or (name, noted.offset) in beyond:
                continue
            key = (arguments, noted.note["harvest"])
            if key not in readers:
                readers[key] = _Reader(place.source, arguments, place.target, place.scratch)
            await _read_one(readers[key], path, noted, done)


async def _read_one(reader: _Reader, path: Path, noted: Noted, done: Rebuilt) -> None:
    """Read an answer; one that its spider cannot take costs itself alone."""
    archived = read_answer(path, noted.offset)
    if 300 <= archived.response.status < 400:  # a redirect: where it leads to is an answer of its own; or a 304
        return
    done.answers += 1
    token = NOW.set(archived.time)
    try:
        await reader.read(noted.note, archived.response)
    except IgnoreRequest:
        return  # it inflates beyond its cap, as it did in the crawl
    except HakushoError:
        raise
    except Exception as error:  # noqa: BLE001  a callback of this version may fail in any way on an old page
        done.unread.append(f"{archived.response.url}: {error!r}")
        _LOG.warning("%s: cannot be read: %r", archived.response.url, error)
    finally:
        NOW.reset(token)


def _beyond(workspace: Workspace, source: str) -> set[tuple[str, int]]:
    """Answers that came after the limit of their harvest, as its history says."""
    found = set()
    for path in sorted(workspace.fetches(source).glob("*.parquet")):
        for row in read_shard(path, ["outcome", "warc_file", "warc_offset"]).to_pylist():
            if row["outcome"] == "beyond_limit":
                found.add((row["warc_file"], row["warc_offset"]))
    return found


async def _each(result: Any) -> Any:
    """The items of a callback of any kind."""
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aiter__"):
        async for item in result:
            yield item
        return
    items: Iterator[Any] = iter(arg_to_iter(result))
    for item in items:
        yield item
