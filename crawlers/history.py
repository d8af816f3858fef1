"""The history of fetches: one row an answer or failure, committed in small Parquet parts while the crawl runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest, StopDownload
from scrapy.http import Request

from corpus.base.commit import FileRecord, sha256_bytes
from corpus.base.schemas import FETCHES
from corpus.base.shards import write_shard
from corpus.base.workspace import Workspace
from crawlers.frontier.tickets import ticket_of
from crawlers.items import Fetch
from crawlers.manners.refusals import DeniedByRobots, ForbiddenAddress, HostPaused, OffSite, OverBudget

if TYPE_CHECKING:
    from scrapy.http import Response

    from crawlers.reservations import TdmRule
    from crawlers.robots import Verdict

__all__ = ["ASSEMBLED", "FetchLog", "media_type"]

ASSEMBLED = "assembled"  # outcome of a row that is no answer but a file put together from several


class FetchLog:
    """Rows of `fetches` of one run; `counts` by outcome over the whole run."""

    def __init__(self, workspace: Workspace, source: str, run: str) -> None:
        self.workspace, self.source, self.run = workspace, source, run
        self.counts: Counter[str] = Counter()
        self._rows: list[Fetch] = []
        self._ready: list[Fetch] = []
        self._parts = 0

    def answer(self, request: Request, response: Response, outcome: str = "", reason: str = "") -> Fetch:
        """Record an answer; one that should hold a document stays open until that is known."""
        purpose = _purpose(request)
        same = bool(request.meta.get("not_modified"))  # the response stands in for a 304 (manners.revisit)
        outcome = outcome or ("not_modified" if same else _outcome(response, purpose))
        header = {name: _header(response, name) for name in ("ETag", "Last-Modified", "Content-Type")}
        first = str(next(iter(request.meta.get("redirect_urls", [])), request.url))
        row = self._row(request, purpose, outcome, reason)
        row.values.update(
            url=first if not reason else request.url,
            final_url=response.url,
            status=304 if same else response.status,
            content_type=media_type(header["Content-Type"] or ""),
            bytes=0 if same else len(response.body),
            etag=header["ETag"],
            last_modified=header["Last-Modified"],
            raw_sha256=sha256_bytes(response.body),
            **_reserved(request, response),
        )
        row.values["warc_file"], row.values["warc_offset"] = request.meta.get("warc", (None, None))
        row.open = purpose == "document" and outcome in ("document", "not_modified")
        return row

    def failure(self, request: Request, error: BaseException) -> Fetch:
        """Record that no answer came, or that none was asked for, and why."""
        why = request.meta.pop("too_slow", None) or _words(error)
        return self._row(request, _purpose(request), _failure(error), why)

    def assembled(self, url: str, asked_url: str, sha256: str, size: int, pieces: int) -> None:
        """Record that documents are now read out of a file that came in pieces, maybe in an earlier run.

        No answer of the site has the hash of the whole, so without this row its documents would go back to nothing.
        """
        request = Request(url, meta={"asked_url": asked_url} if asked_url != url else {})
        row = self._row(request, "document", ASSEMBLED, f"read from {pieces} piece(s) that came before")
        row.values.update(raw_sha256=sha256, bytes=size)

    def __len__(self) -> int:
        """Rows that are not written yet."""
        return len(self._rows)

    def write(self, *, all_rows: bool = False) -> list[FileRecord]:
        """Commit a file of the rows that are decided and booked, or of all. Raises StorageError."""
        self._ready = [row for row in self._rows if all_rows or not (row.open or row.held)]
        if not self._ready:
            return []
        path = self.workspace.fetches(self.source) / f"{self.run}-{self._parts:06d}.parquet"
        return [write_shard(path, pa.Table.from_pylist([row.values for row in self._ready], schema=FETCHES))]

    def committed(self) -> None:
        """Forget the rows of `write`: the manifest names their file."""
        written = {id(row) for row in self._ready}
        self._rows = [row for row in self._rows if id(row) not in written]
        self.counts.update(str(row.values["outcome"]) for row in self._ready)
        self._parts += bool(self._ready)
        self._ready = []

    def totals(self) -> Counter[str]:
        """Rows by outcome so far, open ones as they stand."""
        return self.counts + Counter(str(row.values["outcome"]) for row in self._rows)

    def _row(self, request: Request, purpose: str, outcome: str, reason: str) -> Fetch:
        values: dict[str, object] = dict.fromkeys(FETCHES.names)
        verdict: Verdict | None = request.meta.get("robots")
        values |= {
            "time": request.meta.get("archived") or datetime.now(UTC), "run": self.run, "source": self.source,
            "url": request.url, "asked_url": request.meta.get("asked_url"), "final_url": request.url,
            "method": request.method, "purpose": purpose, "outcome": outcome, "reason": reason,
            "content_type": "", "bytes": 0, "documents": 0,
            "retries": request.meta.get("retry_times", 0), "robots_rule": verdict and verdict.rule,
            "robots_line": verdict and verdict.line, "robots_sha256": request.meta.get("robots_sha256"),
        }  # fmt: skip
        row = Fetch(values)
        self._rows.append(row)
        ticket = ticket_of(request)
        if ticket is not None:
            ticket.hold(row)
        return row


def media_type(header: str) -> str:
    """The media type of a Content-Type header, in lower case and without parameters.

    >>> media_type("Text/HTML; charset=UTF-8")
    'text/html'
    """
    return header.partition(";")[0].strip().lower()


def _purpose(request: Request) -> str:
    return str(request.meta.get("purpose", "listing"))


def _outcome(response: Response, purpose: str) -> str:
    if response.status == 403 and _header(response, "cf-mitigated"):
        return "access_challenged"
    if purpose in ("robots", "tdmrep"):
        return purpose
    return purpose if response.status in (200, 206) else "http_error"


def _reserved(request: Request, response: Response) -> dict[str, str | None]:
    """The columns of page-level reservations: headers as sent, else what the site's tdmrep.json says of the URL."""
    rule: TdmRule | None = request.meta.get("tdm")
    lines = [line.decode("latin-1") for line in response.headers.getlist("X-Robots-Tag")]
    said = _header(response, "TDM-Reservation")
    reservation, policy, place = (
        (said, _header(response, "TDM-Policy"), "header")
        if said
        else ((rule.reservation, rule.policy, "well-known") if rule else (None, None, None))
    )
    return {"x_robots_tag": "\n".join(lines) or None, "tdm_reservation": reservation, "tdm_policy": policy or None,
            "tdm_place": place}  # fmt: skip


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value is not None else None


_FAILURES = (
    (DeniedByRobots, "denied_by_robots"),
    (OffSite, "off_site"),
    (ForbiddenAddress, "forbidden_address"),
    (OverBudget, "over_budget"),
    (StopDownload, "too_slow"),
    (DownloadCancelledError, "too_large"),
)


def _failure(error: BaseException) -> str:
    for kind, outcome in _FAILURES:
        if isinstance(error, kind):
            return outcome
    if "DOWNLOAD_MAXSIZE" in str(error):
        return "too_large"
    return "refused" if isinstance(error, IgnoreRequest) else "network_error"


def _words(error: BaseException) -> str:
    """One short line; a failure's class says most, but where its words are a reason already."""
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, DeniedByRobots | ForbiddenAddress | HostPaused | OverBudget):
        return first[:300]
    return f"{type(error).__name__}: {first}"[:300].removesuffix(": ")
