"""The files in which a site speaks to robots (robots.txt, tdmrep.json): asked for, and kept for a person to read.

Every answer's body stands in `robots/<source>/<SHA-256>.txt`; `latest.json` beside it holds the validators of the last
good answer of each URL, so that the next crawl asks conditionally and an unchanged file costs a 304.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK

from corpus.base.commit import commit_bytes, sha256_bytes
from corpus.base.manifest import Manifest
from corpus.base.workspace import Workspace
from crawlers.manners.refusals import EnoughDocuments, TooManyRedirects

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.items import Fetch

__all__ = ["Answer", "Kept", "SiteFiles", "max_age"]

_MAX_AGE = re.compile(r"(?:^|,)\s*(?:max-age\s*=\s*\"?(\d{1,9})\"?|(no-cache|no-store))", re.IGNORECASE)


@dataclass(frozen=True)
class Kept:
    """A good answer that was kept: what its next request and its reader need to know."""

    status: int
    content_type: str
    sha256: str
    etag: str = ""
    last_modified: str = ""


@dataclass
class Answer:
    """What came of asking: `status` is None without an answer; `why` says what went wrong; `age` is Cache-Control's."""

    status: int | None
    body: bytes = b""
    content_type: str = ""
    sha256: str | None = None
    why: str = ""
    age: float | None = None
    fetch: Fetch | None = None


class SiteFiles:
    """The kept files of one source."""

    def __init__(self, workspace: Workspace, source: str) -> None:
        self.workspace = workspace
        self.folder = workspace.path("robots", source)
        self._latest = self._read()

    async def ask(self, crawler: Crawler, url: str, purpose: str, tries: int) -> Answer:
        """Ask for a file, conditionally where it was had before. Raises EnoughDocuments, StorageError."""
        kept = self.kept(url)
        meta = {
            "purpose": purpose,
            "max_retry_times": tries,
            "download_maxsize": crawler.settings.getint("HAKUSHO_PAGE_MAXSIZE"),
        }
        request = Request(url, callback=NO_CALLBACK, meta=meta, headers=_conditions(kept[0]) if kept else {})
        try:
            response = await crawler.engine.download_async(request)
        except EnoughDocuments:
            raise
        except TooManyRedirects:
            return Answer(302)
        except Exception as error:  # noqa: BLE001  whatever went wrong, the file is not known
            return Answer(None, why=str(error) if isinstance(error, IgnoreRequest) else f"no answer, {_name(error)}")
        fetch = response.request.meta.get("fetch") if response.request is not None else None
        return self._answer(url, response, kept, fetch)

    def kept(self, url: str) -> tuple[Kept, bytes] | None:
        """The last good answer of a URL, if its body is whole."""
        kept = self._latest.get(url)
        path = self.folder / f"{kept.sha256}.txt" if kept else None
        if kept is None or path is None or not path.is_file():
            return None
        body = path.read_bytes()
        return (kept, body) if sha256_bytes(body) == kept.sha256 else None

    def _answer(self, url: str, response: Response, kept: tuple[Kept, bytes] | None, fetch: Fetch | None) -> Answer:
        age = max_age(_header(response, "Cache-Control"))
        if response.status == 304 and kept is not None:
            if fetch is not None:
                fetch.values["raw_sha256"] = kept[0].sha256
            return Answer(kept[0].status, kept[1], kept[0].content_type, kept[0].sha256, "HTTP 304", age, fetch)
        now = Kept(
            response.status,
            _header(response, "Content-Type"),
            sha256_bytes(response.body),
            _header(response, "ETag"),
            _header(response, "Last-Modified"),
        )
        self._keep(url, now, response.body)
        return Answer(now.status, response.body, now.content_type, now.sha256, f"HTTP {response.status}", age, fetch)

    def _keep(self, url: str, kept: Kept, body: bytes) -> None:
        """Commit the body of any answer, and of a good one what the next request needs. Raises StorageError."""
        path = self.folder / f"{kept.sha256}.txt"
        files = [] if path.is_file() and path.stat().st_size == len(body) else [commit_bytes(path, body)]
        if 200 <= kept.status < 300 and self._latest.get(url) != kept:
            self._latest[url] = kept
            text = json.dumps({name: asdict(one) for name, one in sorted(self._latest.items())}, indent=1)
            files.append(commit_bytes(self.folder / "latest.json", text.encode()))
        if files:
            with Manifest(self.workspace) as manifest:
                manifest.record(files)

    def _read(self) -> dict[str, Kept]:
        """The validators; none where the file is missing or no longer what was written: then all is asked anew."""
        try:
            data = json.loads((self.folder / "latest.json").read_bytes())
            return {str(url): Kept(**values) for url, values in data.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def max_age(cache_control: str) -> float | None:
    """Seconds for which an answer may stand by its Cache-Control header; None where that does not say.

    >>> max_age("public, max-age=3600"), max_age("no-store"), max_age("public")
    (3600.0, 0.0, None)
    """
    match = _MAX_AGE.search(cache_control)
    if match is None:
        return None
    return float(match[1]) if match[1] else 0.0


def _conditions(kept: Kept) -> Mapping[str, str]:
    given = {"If-None-Match": kept.etag, "If-Modified-Since": kept.last_modified}
    return {name: value for name, value in given.items() if value}


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1")


def _name(error: Exception) -> str:
    return type(error).__name__
