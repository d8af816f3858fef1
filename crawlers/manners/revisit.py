"""Asking again: a page that was had before is asked for conditionally, and a 304 is answered out of the archive.

So whatever reads answers (a spider's callback, the pipeline) sees the page as it stands, and an unchanged site sends no
body. The row of `fetches` says not_modified, with the SHA-256 of the body that stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from corpus.base.errors import CorruptFileError
from crawlers.archive.reader import read_answer
from crawlers.manners.part import Part
from crawlers.validators import Kept, Validators

if TYPE_CHECKING:
    from scrapy.http import Request, Response

__all__ = ["Revisits"]

_UNCONDITIONAL = "unconditional"  # set where the archive could not answer for a 304
_HEADERS = ("If-None-Match", "If-Modified-Since")


class Revisits(Part):
    """Sends the validators of the last good answer, and puts that answer in the place of a 304."""

    def __init__(self) -> None:
        self._validators: Validators | None = None
        self._asked: WeakKeyDictionary[Request, Kept] = WeakKeyDictionary()

    def process_request(self, request: Request) -> None:
        """Make a request conditional, where its last answer had validators and is still in the archive."""
        if request.meta.get("purpose") not in ("listing", "document"):
            return
        for name in ("not_modified", *_HEADERS):
            request.meta.pop(name, None)
            request.headers.pop(name, None)
        if request.method != "GET" or "Range" in request.headers or request.meta.get(_UNCONDITIONAL):
            return
        if self._validators is None:
            harvest = self.spider.harvest
            self._validators = Validators(harvest.workspace, harvest.source)
        kept = self._validators.of(request.url)
        if kept is not None:
            self._asked[request] = kept
            for name, value in zip(_HEADERS, (kept.etag, kept.last_modified), strict=True):
                if value:
                    request.headers[name] = value

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Answer a 304 with the page that stands; where the archive lost it, ask once more without condition."""
        kept = self._asked.pop(request, None)
        if response.status != 304 or kept is None:
            return response
        try:
            archived = read_answer(self.spider.harvest.workspace.path(kept.file), kept.offset)
        except CorruptFileError:
            return request.replace(dont_filter=True, meta={**request.meta, _UNCONDITIONAL: True})
        request.meta["not_modified"] = True
        return archived.response.replace(url=response.url)
