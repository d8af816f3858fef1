"""Patience: failed requests come again, after as long a pause of the whole host as it asks for."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.utils.httpobj import urlparse_cached

from crawlers.manners.part import Reporting
from crawlers.manners.refusals import EnoughDocuments, HostPaused

if TYPE_CHECKING:
    from scrapy.http import Request, Response

    from crawlers.spider import SiteSpider

__all__ = ["Retries", "retry_after"]


_LAST = -1000  # priority of a request that waits until nothing else is left to ask


class Retries(Reporting, RetryMiddleware):
    """Scrapy's retries, after as long a pause of the whole host as it asks for, or one that doubles where it does not.

    A host that asks for more than HAKUSHO_RETRY_AFTER_CAP seconds is asked nothing more until then. A request that
    failed RETRY_TIMES in a row is put last and tried anew, HAKUSHO_ROUNDS times: a bad minute of a server costs no
    document.
    """

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._cap, self._backoff = settings.getfloat("HAKUSHO_RETRY_AFTER_CAP"), settings.getfloat("HAKUSHO_BACKOFF")
        self._rounds = settings.getint("HAKUSHO_ROUNDS")
        self._until: dict[str, float] = {}
        self._why: dict[str, str] = {}

    async def process_request(self, request: Request) -> None:
        """Wait until the host may be asked. Raises HostPaused beyond the cap, EnoughDocuments where the crawl ends."""
        host = urlparse_cached(request).hostname or ""
        while (wait := self._until.get(host, 0.0) - monotonic()) > 0:
            if wait > self._cap:
                raise HostPaused("retry_after_over_cap")
            if self._ending:
                raise EnoughDocuments("the crawl ended while this request waited")
            await asyncio.sleep(min(wait, 0.25))  # short, so that Ctrl-C does not wait for the whole pause

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Pause the host after a 429 or 503, and repeat the request after it unless that takes too long."""
        del spider
        if response.status in (429, 503):
            host, given = urlparse_cached(request).hostname or "", response.headers.get("Retry-After")
            wait = retry_after(given, response.headers.get("Date"))
            self._why[host] = "Retry-After" if wait is not None else "back-off"
            if wait is None:
                wait = min(self._backoff * 2 ** request.meta.get("retry_times", 0), self._cap)
            self._until[host] = max(self._until.get(host, 0.0), monotonic() + wait)
            if wait > self._cap:
                self.troubles[host] = (
                    f"{host} asks to come back in {wait:.0f} s, longer than HAKUSHO_RETRY_AFTER_CAP ({self._cap:g} s), "
                    "so it was asked nothing more; run the same command later"
                )
                request.meta["fetch"].values["reason"] = "retry_after_over_cap"
                return response
        return super().process_response(request, response)

    def _retry(self, request: Request, reason: Any) -> Request | None:
        """Another try, at once or at the crawl's end; None where there were enough."""
        again = super()._retry(request, reason)
        rounds = request.meta.get("rounds", 0)
        if again is not None or rounds >= self._rounds or request.meta.get("purpose") in ("robots", "tdmrep"):
            return again
        last = request.replace(dont_filter=True, priority=_LAST)
        last.meta.update(rounds=rounds + 1, retry_times=0)
        return last

    def pause(self) -> tuple[float, str] | None:
        """The longest pause of a host that is under way: seconds left, and Retry-After or back-off."""
        left = {host: until - monotonic() for host, until in self._until.items()}
        host = max(left, key=lambda name: left[name], default="")
        return (left[host], self._why[host]) if left.get(host, 0.0) > 0 else None

    @property
    def _ending(self) -> bool:
        site: SiteSpider = self.crawler.spider  # type: ignore[assignment]
        return site.harvest.full or not self.crawler.engine.running


def retry_after(value: bytes | None, date: bytes | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110 10.2.3); None where it says nothing that can be read.

    An HTTP-date is measured from the answer's own `date` where it has one, so a wrong clock does no harm.

    >>> retry_after(b"120"), retry_after(b"soon")
    (120.0, None)
    >>> retry_after(b"Sun, 06 Nov 1994 08:50:37 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT")
    60.0
    """
    text = (value or b"").strip()
    if re.fullmatch(rb"[0-9]{1,15}", text):
        return float(text)
    then = _http_date(text)
    return None if then is None else max(0.0, (then - (_http_date(date or b"") or datetime.now(UTC))).total_seconds())


def _http_date(value: bytes) -> datetime | None:
    try:
        found = parsedate_to_datetime(value.decode("ascii"))
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
