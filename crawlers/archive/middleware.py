"""Next to the download handler: every answer goes into the archive before anything reads it, and comes out again.

A request that was answered before a kill and not booked is answered from the archive, so the site is not asked twice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from corpus.base.errors import CorruptFileError, HakushoError
from crawlers.archive.reader import read_answer
from crawlers.archive.writer import member
from crawlers.frontier.requests import Unwritable, request_to_text
from crawlers.frontier.tickets import Followed, ticket_of
from crawlers.manners.part import Part
from crawlers.manners.refusals import EnoughDocuments

if TYPE_CHECKING:
    from scrapy.http import Request, Response


__all__ = ["Archivist"]

_LOG = logging.getLogger(__name__)
_LARGE = 2**20  # bytes of a body that is packed in a thread, so that other answers are not kept waiting


class Archivist(Part):
    """Writes answers into the raw archive, and answers from it what was asked before a kill."""

    def process_request(self, request: Request) -> Response | None:
        """The answer that the archive has for this request, if it was not booked. Raises EnoughDocuments."""
        for name in ("archived", "warc"):
            request.meta.pop(name, None)
        ticket = ticket_of(request)
        answers = self.harvest.frontier.answers.get(ticket.row, []) if ticket and self.harvest.frontier else []
        while answers:
            if self.harvest.full:
                raise EnoughDocuments("limit reached")
            file, offset = answers.pop(0)
            try:
                found = read_answer(self.harvest.workspace.path(file), offset)
            except CorruptFileError as error:
                _LOG.warning("%s; the page is asked for again", error)
                continue
            if found.response.url == request.url and ticket is not None:
                ticket.replayed = True
                request.meta.update(archived=found.time, warc=(file, offset))
                target = self.spider.origins.target(request.url)
                if target != request.url:
                    request.meta["asked_url"] = target
                return found.response
        return None

    async def process_response(self, request: Request, response: Response) -> Response:
        """Archive an answer. Raises EnoughDocuments where the disk refuses: the crawl ends with its line."""
        archive = self.harvest.archive
        if "archived" in request.meta or archive is None:
            return response
        note = self._note(request)
        try:
            if len(response.body) < _LARGE:
                packed = member(request.url, response, note)
            else:
                packed = await asyncio.to_thread(member, request.url, response, note)
            where = archive.add(*packed)
        except HakushoError as error:
            self.harvest.fail(error)
            raise EnoughDocuments("the disk refused") from error
        request.meta["warc"] = where
        ticket = ticket_of(request)
        if ticket is not None and self.harvest.frontier is not None:
            self.harvest.frontier.keep_answer(ticket, where)
        return response

    def _note(self, request: Request) -> dict[str, Any]:
        """What is needed to make documents of an answer without the site: the request with its record and callback."""
        ticket, callback, errback = ticket_of(request), request.callback, request.errback
        if isinstance(callback, Followed):
            callback = callback.function
        if isinstance(errback, Followed):
            errback = errback.function
        note: dict[str, Any] = {
            "source": self.spider.name,
            "run": self.harvest.run,
            "harvest": self.harvest.frontier.store.harvest if self.harvest.frontier else 0,
            "request": ticket.row if ticket else 0,
        }
        if "asked_url" in request.meta:
            note["asked_url"] = request.meta["asked_url"]
        if ticket is not None and ticket.written:
            return note | {"asked": ticket.written}
        try:
            note["asked"] = request_to_text(request, self.spider, callback=callback, errback=errback, lenient=True)
        except Unwritable:
            note["purpose"] = request.meta.get("purpose", "")
        return note
