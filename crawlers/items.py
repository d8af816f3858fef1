"""What spiders yield: a record found (its bytes with what the site says of them) or refused (with a reason)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpus.extract import Extracted

if TYPE_CHECKING:
    from crawlers.frontier.tickets import Ticket

__all__ = ["Fetch", "Found", "Record", "Refused"]


@dataclass(frozen=True)
class Record:
    """What a site says of one document, before its bytes are read.

    `form` is what the bytes must be (xml, zip, pdf, html, or "" for any). `title`, where given, stands above what the
    text itself says; `lang` is the language of the site or record, for a text that does not say its own.
    """

    key: str
    url: str
    licence: str
    licence_evidence: str
    attribution: str
    lang: str
    revision: str = ""
    title: str = ""
    rights: tuple[str, ...] = ()
    form: str = ""


@dataclass
class Fetch:
    """A row of `fetches` in the making; `open` until it is known what became of the answer.

    `held` while a kill would have the answer read again (crawlers.frontier.tickets).
    """

    values: dict[str, object]
    open: bool = False
    held: bool = False

    def close(self, outcome: str, reason: str = "", documents: int = 0) -> None:
        """Say what became of it; a container of many documents is closed once, after the last.

        A 304 that led to what its page leads to keeps its outcome.
        """
        if self.values.get("outcome") == "not_modified" and outcome in ("document", "listing"):
            outcome = "not_modified"
        self.values.update(outcome=outcome, reason=reason, documents=documents)
        self.open = False


@dataclass
class Found:
    """A record and its bytes; the pipeline sets `booked` when it is done with it, and `kept` where it became a row.

    `read` takes the place of corpus.extract.extract for bytes cut out of a container. `more`: where this form gives no
    text, another is asked for.
    """

    record: Record
    raw: bytes
    content_type: str
    container_sha256: str | None = None
    fetch: Fetch | None = None
    read: Callable[[], Extracted] | None = field(default=None, repr=False)
    booked: asyncio.Event = field(default_factory=asyncio.Event, repr=False, compare=False)
    ticket: Ticket | None = field(default=None, repr=False, compare=False)
    kept: bool = False
    more: bool = False


@dataclass
class Refused:
    """A record that is not taken: reason is a code (rights_copyright, repealed, http_404 …), detail says more.

    `more`: another form of it is asked for.
    """

    key: str
    reason: str
    detail: str = ""
    more: bool = False
    booked: asyncio.Event = field(default_factory=asyncio.Event, repr=False, compare=False)
    ticket: Ticket | None = field(default=None, repr=False, compare=False)
