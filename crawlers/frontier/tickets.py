"""Following a request until everything that came of it is booked: only then it is done, and never asked again.

Scrapy tells when an answer came, not when its callback has yielded the last item and the pipeline has taken it. So the
queue gives requests out with callbacks that count: the answer itself, each item until it is booked, each request that
has no written form until it is done. At zero the ticket closes.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from scrapy.http import Request
from scrapy.utils.misc import arg_to_iter

from crawlers.items import Fetch, Found, Refused

__all__ = ["Followed", "Ticket", "ticket_of"]


class Ticket:
    """One request under way. `row` is its row in the frontier; 0 is the spider's start, -1 a request kept in memory."""

    def __init__(self, row: int, close: Callable[[Ticket], None], parent: Ticket | None = None) -> None:
        self.row, self.parent = row, parent
        self.outcome = "done"  # or failed (its callback raised), later (not asked now), queued (not asked at all)
        self.answered = False
        self.written = ""  # the request as the frontier holds it; "" where it has no such form
        self.replayed = False  # whether its answer came out of the archive
        self.children: Counter[bytes] = Counter()  # times that a request exempt from the duplicate filter was yielded
        self._close = close
        self._pending = 1
        self._fetches: list[Fetch] = []

    def more(self) -> None:
        """Something of it is not booked yet."""
        self._pending += 1

    def less(self) -> None:
        """Something of it was booked."""
        self._pending -= 1
        if self._pending == 0:
            self._close(self)

    def hold(self, fetch: Fetch) -> None:
        """Keep a row of the history back until what it stands for is booked: a replay would write it twice."""
        fetch.held = True
        self._fetches.append(fetch)

    def release(self) -> None:
        """Let the rows of the history go."""
        for fetch in self._fetches:
            fetch.held = False
        self._fetches.clear()

    def mark(self, item: Any) -> Any:
        """Note on what a callback yields that it came of this request."""
        if isinstance(item, Request):
            item.meta["origin"] = self
        elif isinstance(item, Found | Refused):
            item.ticket = self
            self.more()
        return item


class Followed:
    """A callback or errback that tells a ticket what comes of it."""

    def __init__(self, ticket: Ticket, function: Callable[..., Any]) -> None:
        self.ticket, self.function = ticket, function

    def __call__(self, answer: Any, **known: Any) -> Any:
        """Call the function and follow what it yields."""
        self.ticket.answered = True
        self.ticket.outcome = _outcome(getattr(answer, "value", None))
        try:
            result = self.function(answer, **known)
        except Exception:
            self._end(failed=True)
            raise
        if inspect.isasyncgen(result) or isinstance(result, AsyncIterator):
            return self._each_async(result)
        if inspect.isawaitable(result):
            return self._awaited(result)
        return self._each(arg_to_iter(result))

    def _end(self, *, failed: bool = False) -> None:
        if failed:
            self.ticket.outcome = "failed"
        self.ticket.less()

    def _each(self, items: Iterable[Any]) -> Iterator[Any]:
        try:
            for item in items:
                yield self.ticket.mark(item)
        except Exception:
            self._end(failed=True)
            raise
        self._end()

    async def _each_async(self, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        try:
            async for item in items:
                yield self.ticket.mark(item)
        except Exception:
            self._end(failed=True)
            raise
        self._end()

    async def _awaited(self, result: Any) -> Any:
        try:
            items = await result
        except Exception:
            self._end(failed=True)
            raise
        return self._each(arg_to_iter(items))


def _outcome(error: object) -> str:
    """What a failure means for its request: a busy or silent host is asked by the next run of the same command."""
    if getattr(getattr(error, "response", None), "status", 0) in (429, 503):
        return "later"
    return str(getattr(error, "outcome", "done"))


def ticket_of(request: Request) -> Ticket | None:
    """The ticket of a request that the queue gave out, and of its retries and redirects; None for any other."""
    return request.callback.ticket if isinstance(request.callback, Followed) else None
