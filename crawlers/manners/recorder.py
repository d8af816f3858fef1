"""The record: every answer and every failure goes into the history of fetches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.manners.part import Part
from crawlers.manners.refusals import EnoughDocuments

if TYPE_CHECKING:
    from scrapy.http import Request, Response

__all__ = ["Recorder"]


class Recorder(Part):
    """Writes every answer and every failure into the history of fetches."""

    def process_request(self, request: Request) -> None:
        """Forget what an earlier try of this request left."""
        request.meta.pop("fetch", None)

    def process_response(self, request: Request, response: Response) -> Response:
        """Record an answer as it stands after content decoding."""
        request.meta["fetch"] = self.spider.harvest.fetches.answer(request, response)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Record that no answer came."""
        if not isinstance(exception, EnoughDocuments):
            request.meta["fetch"] = self.spider.harvest.fetches.failure(request, exception)
