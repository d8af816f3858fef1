"""What becomes of a record: read by corpus.extract, booked in the ledger, kept as a document.

A crawl (crawlers.pipeline) and a rebuilding from the archive (crawlers.archive.replay) book in the same way, so that
the same bytes give the same rows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from corpus.base.commit import sha256_bytes
from corpus.base.errors import HakushoError
from corpus.base.schemas import document_id
from corpus.extract.sandbox import Sandbox
from crawlers.documents import document_row
from crawlers.items import Found, Refused

if TYPE_CHECKING:
    from corpus.extract import Extracted
    from crawlers.harvest import Harvest

__all__ = ["Booking", "misfit"]

_MARKS = {"pdf": b"%PDF-", "zip": b"PK\x03\x04"}


class Booking:
    """Books Found and Refused items of one harvest, one by one."""

    def __init__(self, harvest: Harvest) -> None:
        self.harvest = harvest
        self._sandbox = Sandbox()

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    async def take(self, item: Any) -> None:
        """Book one record; nothing after the limit: it belongs to a later run. A refusing disk ends the harvest."""
        try:
            if isinstance(item, Found) and self.harvest.full:
                if item.fetch is not None:
                    item.fetch.close("beyond_limit")
            elif isinstance(item, Found):
                await self._found(item)
            elif isinstance(item, Refused) and not self.harvest.full:
                self.harvest.drop(item.key, item.reason, item.detail, more=item.more)
        except HakushoError as error:
            self.harvest.fail(error)
        if isinstance(item, Found | Refused):
            item.booked.set()

    async def _found(self, found: Found) -> None:
        """Read a record's bytes; a thread waits for them (a large PDF must not stop the clock of other answers)."""
        harvest = self.harvest
        document = document_id(harvest.source, found.record.key, sha256_bytes(found.raw))
        if harvest.has(document):
            self._again(found)
            return
        if found.fetch is not None and found.fetch.values.get("status") == 304 and harvest.stands(document):
            found.kept = True
            found.fetch.close("not_modified")
            harvest.count(document)
            return
        wrong = misfit(found.raw, found.record.form)
        if wrong:
            self._drop(found, "empty" if not found.raw else "not_a_document", wrong)
            return
        extracted = await asyncio.to_thread(self._read, found)
        if extracted.outcome != "ok":
            self._drop(found, extracted.outcome, extracted.reason)
            return
        row = document_row(harvest.source, found, extracted)
        if found.fetch is not None:
            found.fetch.close("document", documents=1)
        found.kept = True
        harvest.keep(row)

    def _read(self, found: Found) -> Extracted:
        """The text of a record, read in the sandbox."""
        if found.read is not None:
            return self._sandbox.call(found.read)
        return self._sandbox.extract(found.raw, url=found.record.url, content_type=found.content_type)

    def _again(self, found: Found) -> None:
        """A document that this harvest has: its answer is read once more after a kill, or another page shows it."""
        found.kept = True
        if found.fetch is not None:
            replayed = found.ticket is not None and found.ticket.replayed
            found.fetch.close("document", documents=int(replayed))

    def _drop(self, found: Found, reason: str, detail: str) -> None:
        if found.fetch is not None:
            found.fetch.close(reason, detail)
        self.harvest.drop(found.record.key, reason, detail, more=found.more)


def misfit(raw: bytes, form: str) -> str:
    """Why bytes cannot be of a form ("" where they can): a maintenance page is no XML, whatever its status says.

    >>> misfit(b"<html>maintenance</html>", "xml")
    "no xml: b'<html>maintenance</html>'"
    """
    if not raw.strip():
        return "the body is empty"
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if form == "xml":
        fits = head.startswith(b"<") and not head[:9].lower().startswith((b"<!doctype", b"<html"))
    elif form == "html":
        fits = b"<" in head
    else:
        fits = _MARKS.get(form, b"") in head
    return "" if fits else f"no {form}: {head[:60]!r}"
