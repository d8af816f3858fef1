"""The queue that the engine is served from: the best few requests in memory, the others in the store.

Order is priority, then arrival. Memory does not grow with the queue: what does not fit is read back in its turn.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from typing import TYPE_CHECKING, NamedTuple

from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached

from crawlers.frontier.requests import Unwritable, request_from_text, request_to_text
from crawlers.frontier.store import DONE, FAILED, LATER, Answer, Standing, Store
from crawlers.frontier.tickets import Followed, Ticket, ticket_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from corpus.base.workspace import Workspace
    from crawlers.spider import SiteSpider

__all__ = ["Frontier"]

_MOST, _READ = 1000, 200  # requests in memory at most, and read at once
_END = (2**62, 0)
_STATES = {"done": DONE, "failed": FAILED, "later": LATER}


class _Entry(NamedTuple):
    """A request in memory: place in the order, written form ("" where it has none), ticket and object where known."""

    place: tuple[int, int]  # (-priority, number)
    row: int
    written: str
    ticket: Ticket | None
    request: Request | None = None


class Frontier:
    """What one harvest has asked, asks and will ask. Raises StorageError."""

    def __init__(self, workspace: Workspace, source: str, arguments: str, run: str, *, fresh: bool = False) -> None:
        self.source, self.store = source, Store(workspace)
        self.standing: Standing = self.store.begin(source, arguments, run, fresh=fresh)
        self.answers: dict[int, list[Answer]] = {}
        self.pauses: dict[str, float] = self.store.pauses(source, time.time())
        self.kept_later = 0
        self._waiting = self.store.waiting()
        self._number = self.store.last_row()
        self._heap: list[_Entry] = []
        self._known: set[int] = set()  # rows in memory or under way
        self._behind = (-(2**62), 0) if self._waiting else _END  # all queued rows up to here are in memory
        self._new: dict[bytes, tuple[int, int, str]] = {}
        self._booked: list[Callable[[sqlite3.Connection], object]] = []
        self._root = Ticket(0, lambda _: None)

    def serve(self, spider: SiteSpider, fingerprint: Callable[[Request], bytes]) -> None:
        """Name the spider whose methods the requests call, and Scrapy's fingerprint of a request."""
        self._spider, self._fingerprint = spider, fingerprint

    @property
    def waiting(self) -> int:
        """Requests queued, wherever they are."""
        return self._waiting

    @property
    def unbooked(self) -> int:
        """Changes that wait for the next commit."""
        return len(self._booked)

    # ---- in

    def put(self, request: Request) -> bool:
        """Queue a request; False where the harvest has it already."""
        origin: Ticket = request.meta.pop("origin", None) or self._root
        ticket = ticket_of(request)
        if ticket is not None and not ticket.answered:
            self._again(request, ticket)
            return True
        callback, errback = _bare(request.callback), _bare(request.errback)
        try:
            text = request_to_text(request, self._spider, callback=callback, errback=errback)
        except Unwritable:
            self._put_unwritten(request.replace(callback=callback, errback=errback), origin)
            return True
        fingerprint = self._mark_of(request, origin)
        if fingerprint in self._new or self.store.knows(fingerprint):
            return False
        self._number += 1
        self._new[fingerprint] = (self._number, request.priority, text)
        made = request.replace(callback=callback, errback=errback)
        self._push(_Entry((-request.priority, self._number), self._number, text, None, made))
        self._waiting += 1
        if len(self._new) >= _READ:
            self.flush()
        return True

    def _mark_of(self, request: Request, origin: Ticket) -> bytes:
        """What tells a request from others; one exempt from the filter is told by where it came from."""
        fingerprint = self._fingerprint(request)
        if not request.dont_filter:
            return fingerprint
        if origin.row < 0:
            origin = origin.parent or self._root
        origin.children[fingerprint] += 1
        return hashlib.sha1(b"%d %d " % (origin.row, origin.children[fingerprint]) + fingerprint).digest()

    def _put_unwritten(self, request: Request, origin: Ticket) -> None:
        """Keep a request in memory; the one that it came of is not done before it."""
        keeper = origin if origin.row >= 0 else origin.parent
        if keeper is not None and keeper.row:
            keeper.more()
        self._number += 1
        self._push(_Entry((-request.priority, self._number), -1, "", Ticket(-1, self._close, keeper), request))
        self._waiting += 1

    def _again(self, request: Request, ticket: Ticket) -> None:
        """Queue the retry or redirect of a request under way, in its own row."""
        callback, errback = _bare(request.callback), _bare(request.errback)
        ticket.release()
        self._number += 1
        place, row = (-request.priority, self._number), ticket.row
        if row < 0:
            self._push(_Entry(place, row, "", ticket, request.replace(callback=callback, errback=errback)))
        else:
            text = request_to_text(request, self._spider, callback=callback, errback=errback, lenient=True)
            self._booked.append(
                lambda db: (
                    db.execute("UPDATE requests SET request = ?, priority = ? WHERE id = ?",
                               (text, request.priority, row)),
                    db.execute("DELETE FROM answers WHERE request = ?", (row,)),
                )
            )  # fmt: skip
            heapq.heappush(self._heap, _Entry(place, row, text, ticket))
        self._waiting += 1

    def _push(self, entry: _Entry) -> None:
        if entry.place < self._behind or entry.row < 0:
            heapq.heappush(self._heap, entry)
            self._known.add(entry.row)
        if len(self._heap) > _MOST:
            self._forget()

    def _forget(self) -> None:
        """Leave the requests whose turn is far to the store."""
        kept = sorted(self._heap)
        fixed = [entry for entry in kept[_MOST // 2 :] if entry.ticket is not None]
        gone = [entry for entry in kept[_MOST // 2 :] if entry.ticket is None]
        if gone:
            self._heap = [*kept[: _MOST // 2], *fixed]
            heapq.heapify(self._heap)
            self._behind = min(self._behind, gone[0].place)
            self._known.difference_update(entry.row for entry in gone)

    # ---- out

    def next(self) -> Request | None:
        """The next request whose host may be asked, followed by a ticket; None where all have to wait."""
        entry = self._pop()
        if entry is None:
            return None
        self._waiting -= 1
        ticket = entry.ticket or Ticket(entry.row, self._close)
        ticket.outcome, ticket.answered, ticket.written = "done", False, entry.written
        request = entry.request or request_from_text(entry.written, self._spider)
        if entry.row > 0:
            self.flush(under_way=entry.row)
        request.callback = Followed(ticket, request.callback or self._spider._parse)  # noqa: SLF001  Scrapy's default
        request.errback = Followed(ticket, request.errback or _raise)
        return request

    def _pop(self) -> _Entry | None:
        aside: list[_Entry] = []
        found = None
        while found is None and (self._heap or self._read()):
            entry = heapq.heappop(self._heap)
            if self.pauses and self._paused(entry):
                aside.append(entry)
            else:
                found = entry
            if not self._heap and len(aside) >= _MOST:
                break
        for entry in aside:
            heapq.heappush(self._heap, entry)
        return found

    def _paused(self, entry: _Entry) -> bool:
        request = entry.request or request_from_text(entry.written, self._spider)
        until = self.pauses.get(urlparse_cached(request).hostname or "", 0.0)
        return until > time.time()

    def _read(self) -> bool:
        """Read the next requests from the store; False where there are none."""
        self.flush()
        while not self._heap and self._behind != _END:
            rows = self.store.next((self._behind[0], self._behind[1] - 1), _READ)
            for priority, row, text in rows:
                if row not in self._known:
                    self._known.add(row)
                    heapq.heappush(self._heap, _Entry((-priority, row), row, text, None))
            self._behind = (-rows[-1][0], rows[-1][1] + 1) if len(rows) == _READ else _END
        return bool(self._heap)

    def flush(self, under_way: int = 0) -> None:
        """Write the requests that were found."""
        found = [(row, fingerprint, priority, text) for fingerprint, (row, priority, text) in self._new.items()]
        if found or under_way:
            self.store.put(found, under_way)
            self._new.clear()

    # ---- booked

    def book(self, db: sqlite3.Connection) -> None:
        """Write what was booked since the last commit, in the caller's transaction."""
        for change in self._booked:
            change(db)

    def committed(self) -> None:
        """Forget what `book` wrote: its transaction is committed."""
        self._booked.clear()

    def keep_document(self, document: str) -> None:
        """Note a document as harvested, with the next commit."""
        harvest = self.store.harvest
        self._booked.append(
            lambda db: db.execute("INSERT OR IGNORE INTO harvested VALUES (?, ?)", (harvest, bytes.fromhex(document)))
        )

    def keep_answer(self, ticket: Ticket, where: Answer) -> None:
        """Note where the archive has an answer, until it is booked."""
        if ticket.row > 0:
            self._booked.append(
                lambda db: db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (ticket.row, *where))
            )

    def keep_size(self, file: str, size: int | None) -> None:
        """Note how far a file of the archive is written, or (None) that it is complete, with the next commit."""
        if size is None:
            self._booked.append(lambda db: db.execute("DELETE FROM archives WHERE file = ?", (file,)))
        else:
            self._booked.append(lambda db: db.execute("INSERT OR REPLACE INTO archives VALUES (?, ?)", (file, size)))

    def pause(self, host: str, seconds: float) -> None:
        """Do not ask a host for so long, in this run and in the next."""
        until = time.time() + seconds
        if until > self.pauses.get(host, 0.0):
            self.pauses[host] = until
            self.store.pause(self.source, host, until)

    def _close(self, ticket: Ticket) -> None:
        """A request has come to its end."""
        ticket.release()
        if ticket.row < 0:
            if ticket.parent is not None and ticket.parent.row:
                ticket.parent.less()
            return
        row, state = ticket.row, _STATES[ticket.outcome]
        self.kept_later += state == LATER
        self._known.discard(row)
        self.answers.pop(row, None)
        done = state in (DONE, FAILED)
        self._booked.append(
            lambda db: (
                db.execute("UPDATE requests SET state = ?1, request = CASE WHEN ?2 THEN '' ELSE request END "
                           "WHERE id = ?3", (state, done, row)),
                db.execute("DELETE FROM answers WHERE request = ?", (row,)) if done else None,
            )
        )  # fmt: skip


def _bare(function: Callable[..., object] | None) -> Callable[..., object] | None:
    return function.function if isinstance(function, Followed) else function


def _raise(failure: object) -> object:
    """The errback of a request without one: the failure stays one."""
    return failure
