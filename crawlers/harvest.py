"""The state of one crawl that its parts share: what is committed, what is counted, and how it ended."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpus.base.errors import HakushoError
from corpus.base.progress import Progress
from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from crawlers.documents import Parts, settle
from crawlers.history import ASSEMBLED, FetchLog
from crawlers.manners.site_files import SiteFiles
from crawlers.standing import stand

__all__ = ["BARRED", "FAILED", "Harvest", "Summary"]

_CHARS = 8 * 2**20  # pending characters at which a part is written whatever its rows
_NO_ANSWER = ("denied_by_robots", "off_site", "network_error", "forbidden_address", "over_budget", ASSEMBLED)
BARRED = ("denied_by_robots", "access_challenged")
FAILED = ("http_error", "network_error", "too_large", "redirect_refused", "off_site", "refused",
           "forbidden_address", "over_budget", "too_slow", "corrupt")  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """How a crawl ended; `error` is the one line of what stopped it, or empty."""

    source: str
    run: str
    documents: int
    dropped: dict[str, int]
    fetched: int
    denied: int
    failed: int
    lost_listings: list[str]
    seconds: float
    where: str
    error: str


@dataclass
class Harvest:
    """One crawl of one source into one workspace. `limit` counts documents; None takes all."""

    source: str
    workspace: Workspace
    limit: int | None = None
    quiet: bool = False
    part_rows: int = 50
    part_seconds: float = 10.0
    run: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.fetches = FetchLog(self.workspace, self.source, self.run)
        self.parts = Parts(self.workspace, self.source)
        self.site_files = SiteFiles(self.workspace, self.source)
        self.progress = Progress(self.source, total=self.limit, unit="documents", quiet=self.quiet)
        self.documents = 0
        self.dropped: Counter[str] = Counter()
        self.barren: Counter[str] = Counter()  # pages of a pattern in a row that led to no document (manners.budgets)
        self.lost_listings: list[str] = []
        self.error = ""
        self._before: dict[str, str] = {}  # records of which another form is asked for -> why the first gave nothing
        self._rows: list[dict[str, Any]] = []
        self._drops: list[tuple[str, str, str]] = []
        self._written = 0
        self._since = self._started = time.monotonic()

    @property
    def full(self) -> bool:
        """Whether no further document is wanted: the limit is reached, or the crawl cannot go on."""
        return bool(self.error) or (self.limit is not None and self.documents >= self.limit)

    def keep(self, row: dict[str, Any]) -> None:
        """Take a document. Raises StorageError."""
        self._rows.append(row)
        self._before.pop(row["key"], None)
        self.documents += 1
        self.progress.advance(1, self._note())
        self.commit()

    def drop(self, key: str, reason: str, detail: str, *, more: bool = False) -> None:
        """Book a record that is not taken, or one form of it of `more` that may be. Raises StorageError."""
        self._drops.append((key, reason, detail[:300]))
        if more:
            self._before.setdefault(key, reason)
        else:
            self.dropped[self._before.pop(key, reason)] += 1
        self.progress.advance(0, self._note())
        self.commit()

    def commit(self, *, now: bool = False) -> None:
        """Write a part of what is pending, if there is enough, if it is old, or at once. Raises StorageError."""
        pending = len(self._rows) + len(self._drops)
        due = pending >= self.part_rows or time.monotonic() - self._since > self.part_seconds
        due = due or sum(len(row["text"]) for row in self._rows) > _CHARS
        if pending and (now or due):
            # Before its documents: a kill must not leave one that goes back to no fetch.
            self.fetches.commit(all_rows=now, now=True)
            self.parts.write(f"{self.run}-{self._written:06d}", self._rows, self._drops)
            self._rows, self._drops = [], []
            self._written += 1
            self._since = time.monotonic()
        self.fetches.commit(all_rows=now)

    def held(self, *names: str) -> Iterator[dict[str, Any]]:
        """Columns of the settled documents of this source, e.g. to know on a second run what there is already."""
        for path in sorted(self.workspace.documents(self.source).glob("[0-9a-f].parquet")):
            yield from read_shard(path, list(names)).to_pylist()

    def settle(self) -> None:
        """Merge what earlier, killed runs and this one left in parts. Raises StorageError, CorruptFileError."""
        settle(self.workspace, self.source)
        stand(self.workspace, self.source)

    def lose_listing(self, url: str, why: str) -> None:
        """Remember a listing that could not be read: what it names is unknown, so the harvest is not whole."""
        self.lost_listings.append(f"{url} ({why})")

    def fail(self, error: HakushoError) -> None:
        """Remember the first error that stops the crawl."""
        self.error = self.error or str(error)

    def summary(self) -> Summary:
        """Where the crawl stands."""
        totals = self.fetches.totals()
        denied, failed = (sum(totals[name] for name in names) for names in (BARRED, FAILED))
        return Summary(
            source=self.source,
            run=self.run,
            documents=self.documents,
            dropped=dict(sorted(self.dropped.items())),
            fetched=totals.total() - sum(totals[name] for name in _NO_ANSWER),
            denied=denied,
            failed=failed,
            lost_listings=list(self.lost_listings),
            seconds=round(time.monotonic() - self._started, 1),
            where=str(self.workspace.documents(self.source)),
            error=self.error,
        )

    def _note(self) -> str:
        state = self.summary()
        return f"{state.fetched} fetched, {state.denied} denied, {state.failed} failed, {self.dropped.total()} dropped"
