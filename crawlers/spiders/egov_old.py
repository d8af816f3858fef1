"""What e-Gov had before API version 2, and what all its routes say of a law.

`api1` is the old XML API: it names laws by their LawID and no revision, so its key is the LawID. `old` are the
Shift_JIS pages of law.e-gov.go.jp (http only), as they were before 2017.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from scrapy.http import Response

from crawlers.bulk_spider import BulkSpider
from crawlers.items import Record
from crawlers.spider import Items

__all__ = ["API1", "HOST", "LICENCE", "OLD", "OldEgov", "enforced"]

HOST, OLD = "laws.e-gov.go.jp", "law.e-gov.go.jp"
API1 = f"https://{HOST}/api/1"
LICENCE = "PDL-1.0"
EVIDENCE = (
    "著作権法13条（法令は著作権の目的とならない）; e-Gov法令検索 利用規約: 公共データ利用規約（第1.0版）（PDL1.0）"
)


class OldEgov(BulkSpider):
    """The routes `api1` and `old`."""

    def begin_api1(self) -> Items:
        """The list of all laws, or of those that changed on each day; a day without changes answers 404.

        Beside the routes that know revisions it has nothing to add: each law is wanted once.
        """
        if self.arguments.since is None and {"bulk", "api"} & {*self.arguments.routes}:
            return
        if self.arguments.since is None:
            yield self.listing(f"{API1}/lawlists/1", self.names)
        for day in self.days():
            yield self.listing(f"{API1}/updatelawlists/{day}", self.names, statuses=[404])

    def names(self, response: Response) -> Items:
        """The text in force of each law of a list."""
        if response.status == 404:
            self.nothing(response, "nothing changed on this day")
            return
        for law in self.xml(response, "LawNameListInfo"):
            record = self.record(law["LawId"], law["LawId"], law.get("LawName", ""))
            yield self.document(f"{API1}/lawdata/{quote(law['LawId'])}", record)

    def begin_old(self) -> Items:
        """The index of the old pages."""
        yield self.listing(f"http://{OLD}/", self.index)

    def index(self, response: Response) -> Items:
        """Every page of a law."""
        for url, match in self.links(response, rf"http://{OLD}/htmldata/(.+)\.html").items():
            yield self.document(url, self.record(f"html:{unquote(match[1])}", "", "", url=url, form="html"))

    def record(self, key: str, law_id: str, title: str, *rights: str, url: str = "", form: str = "xml") -> Record:
        """What the site says of a law."""
        url = url or f"https://{HOST}/law/{law_id}"
        credit = f"出典：e-Gov法令検索（デジタル庁）（{url}）"
        return Record(key, url, LICENCE, EVIDENCE, credit, "ja", enforced(key), title, rights, form)


def enforced(revision: str) -> str:
    """The day from which a revision is in force.

    >>> enforced("405AC0000000088_20190401_430AC0000000044")
    '20190401'
    """
    return revision.split("_")[1] if revision.count("_") == 2 else ""
