"""The state of one crawl that its parts share: what is committed, what is counted, and how it ended."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpus.base.append import locked
from corpus.base.commit import FileRecord
from corpus.base.errors import HakushoError, HarvestError
from corpus.base.progress import Progress
from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from crawlers.archive.recovery import recover
from crawlers.archive.writer import Archive
from crawlers.bulk import BulkFile
from crawlers.documents import Parts, settle, whole
from crawlers.frontier.queue import Frontier
from crawlers.history import ASSEMBLED, FetchLog
from crawlers.manners.site_files import SiteFiles
from crawlers.standing import stand

__all__ = ["BARRED", "FAILED", "Harvest", "Summary"]

_CHARS = 8 * 2**20  # pending characters at which a part is written whatever its rows
_NO_ANSWER = ("denied_by_robots", "off_site", "network_error", "forbidden_address", "over_budget", ASSEMBLED)
_CHANGES = 5000  # unbooked changes of the frontier, and rows of history, at which a commit is due
_WHOLE = ("finished", "limit")  # reasons for which a crawl closes with nothing left to ask
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
    left: int = 0


@dataclass
class Harvest:
    """One crawl of one source into one workspace, resumed where an earlier run of the same `arguments` was stopped.

    `limit` counts the documents of all its runs; None takes all. `warc_size` is in bytes.
    """

    source: str
    workspace: Workspace
    arguments: str = "{}"
    limit: int | None = None
    fresh: bool = False
    quiet: bool = False
    part_rows: int = 50
    part_seconds: float = 10.0
    warc_size: int = 2**30
    run: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.fetches = FetchLog(self.workspace, self.source, self.run)
        self.parts = Parts(self.workspace, self.source)
        self.site_files = SiteFiles(self.workspace, self.source)
        self.progress = Progress(self.source, total=self.limit, unit="documents", quiet=self.quiet)
        self.frontier: Frontier | None = None
        self.archive: Archive | None = None
        self.documents = 0
        self.dropped: Counter[str] = Counter()
        self.barren: Counter[str] = Counter()  # pages of a pattern in a row that led to no document (manners.budgets)
        self.lost_listings: list[str] = []
        self.error = ""
        self._before: dict[str, str] = {}  # records of which another form is asked for -> why the first gave nothing
        self.left = 0
        self.read_through: list[BulkFile] = []  # large files that may go when what came of them is safe
        self._read_through: list[BulkFile] = []
        self._lock = ExitStack()
        self._rows: list[dict[str, Any]] = []
        self._ids: set[str] = set()
        self._settled: set[bytes] | None = None
        self._chars = 0
        self._drops: list[tuple[str, str, str]] = []
        self._written = 0
        self._since = self._started = time.monotonic()

    def open(self) -> None:
        """Open the frontier and the archive; say what is resumed. Raises StorageError, HarvestError."""
        name = hashlib.sha256(self.arguments.encode()).hexdigest()[:12]
        if not self._lock.enter_context(locked(self.workspace.path("raw", self.source, f".{name}.lock"))):
            raise HarvestError(f"{self.source}: another crawl with the same arguments is under way; wait for its end")
        self.frontier = Frontier(self.workspace, self.source, self.arguments, self.run, fresh=self.fresh)
        asked = recover(self.workspace, self.source, self.frontier)
        info = {"isPartOf": self.source, "description": f"arguments {self.arguments}"}
        self.archive = Archive(self.workspace, self.source, self.run, size=self.warc_size, info=info)
        standing = self.frontier.standing
        if standing.resumed:
            self.documents = standing.documents
            self.progress.advance(self.documents)
            self.progress.say(
                f"resumed: {standing.documents} documents, {standing.done} requests done, {standing.queued} queued, "
                f"{standing.under_way} in flight: {standing.under_way - asked} answered from the archive, "
                f"{asked} asked again"
            )

    def close(self, reason: str) -> None:
        """End the harvest where nothing is left to ask, else leave it to the same command. Raises StorageError."""
        if self.frontier is None:
            return
        frontier, self.frontier = self.frontier, None
        whole = reason in _WHOLE and not self.error and (reason == "limit" or not frontier.kept_later)
        self.left = 0 if whole else frontier.waiting + frontier.kept_later
        if whole:
            frontier.store.finish()
        frontier.store.close()
        self._lock.close()

    @property
    def full(self) -> bool:
        """Whether no further document is wanted: the limit is reached, or the crawl cannot go on."""
        return bool(self.error) or (self.limit is not None and self.documents >= self.limit)

    def has(self, document: str) -> bool:
        """Whether this harvest has committed a document, in this run or one before it, or is about to."""
        return document in self._ids or (self.frontier is not None and self.frontier.store.has_document(document))

    def stands(self, document: str) -> bool:
        """Whether a document is among the settled ones of the workspace; they are looked up once."""
        if self._settled is None:
            self._settled = {bytes.fromhex(row["id"]) for row in self.held("id")}
        return bytes.fromhex(document) in self._settled

    def count(self, document: str) -> None:
        """Count a document that is taken, or that stands already and whose page is unchanged. Raises StorageError."""
        self._ids.add(document)
        if self.frontier is not None:
            self.frontier.keep_document(document)
        self.documents += 1
        self.progress.advance(1, self._note())
        self.commit()

    def keep(self, row: dict[str, Any]) -> None:
        """Take a document. Raises StorageError."""
        self._rows.append(row)
        self._before.pop(row["key"], None)
        self._chars += len(row["text"])
        self.count(row["id"])

    def drop(self, key: str, reason: str, detail: str, *, more: bool = False) -> None:
        """Book a record that is not taken, or one form of it of `more` that may be. Raises StorageError."""
        self._drops.append((whole(key), reason, whole(detail)[:300]))
        if more:
            self._before.setdefault(key, reason)
        else:
            self.dropped[self._before.pop(key, reason)] += 1
        self.progress.advance(0, self._note())
        self.commit()

    def commit(self, *, now: bool = False, last: bool = False) -> None:
        """Make durable what is pending, if it is much, if it is old, or at once; `last` with all open ends.

        Raises StorageError.

        The archive first, so that no row points to bytes that a power cut took; then the files; then one transaction
        that names the files, the documents and the requests that are done. What is not in it is done again from the
        archive, or asked again.
        """
        changes = len(self.fetches) + (self.frontier.unbooked if self.frontier else 0)
        due = self.much or changes > _CHANGES
        if not (now or last or due or time.monotonic() - self._since > self.part_seconds) or self.frontier is None:
            return
        if self.archive is not None:
            if last:
                self.archive.close()
            for file, size in self.archive.sync().items():
                self.frontier.keep_size(file, size)
        self.frontier.flush()
        files = [*self._closed_archives(), *self.fetches.write(all_rows=last and not self.error)]
        files += self.parts.write(f"{self.run}-{self._written:06d}", self._rows, self._drops)
        self.frontier.store.manifest.record(files, self.frontier.book)
        self.frontier.committed()
        self.fetches.committed()
        self.forget(last=last)

    @property
    def much(self) -> bool:
        """Whether what is pending makes a part."""
        return len(self._rows) + len(self._drops) >= self.part_rows or self._chars > _CHARS

    def forget(self, *, last: bool) -> None:
        """Let go of what is committed."""
        self._rows, self._drops, self._chars = [], [], 0
        self._ids.clear()
        self._discard(last=last)
        self._written += 1
        self._since = time.monotonic()

    def _discard(self, *, last: bool) -> None:
        """Remove large files that were read, once the request that brought them is done, so one commit later."""
        for file in [*self._read_through, *(self.read_through if last else ())]:
            file.discard()
        self._read_through, self.read_through = ([], []) if last else (self.read_through, [])

    def _closed_archives(self) -> list[FileRecord]:
        """Files of the archive that are complete."""
        closed = self.archive.closed() if self.archive is not None else []
        for record in closed:
            if self.frontier is not None:
                self.frontier.keep_size(self.workspace.relative(record.path), None)
        return closed

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
            left=self.left,
        )

    def _note(self) -> str:
        if not self.progress.due:
            return ""
        state = self.summary()
        return f"{state.fetched} fetched, {state.denied} denied, {state.failed} failed, {self.dropped.total()} dropped"
