"""PMDA (www.info.pmda.go.jp, www.pmda.go.jp): package inserts as PackIns XML, and the agency's review reports.

`week` is the page of what was posted, by date. An insert is a page of frames; its foot links the XML, which comes in a
zip. The last part of `2399008F1020_7_04` is the version: one that is gone (404) has been replaced by +1 to +5.
`reports` (PDFs) stand in pmda_reports.py, `set` (one zip of all inserts) in pmda_set.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from scrapy.http import Request, Response

from crawlers.arguments import Arguments, Route
from crawlers.items import Record, Refused
from crawlers.spider import Items
from crawlers.spiders.pmda_reports import LISTS, ReportSpider
from crawlers.spiders.pmda_set import INFO, WWW, SetSpider

__all__ = ["PmdaSpider", "next_version"]

WEEK = f"https://{INFO}/downfiles/ph/1week.html"
DAY = re.compile(r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日")
PACK = rf"https://{INFO}/go/pack/(\w+)/(?:\?.*)?"
XML = rf"https://{INFO}/go/xml/\w+/?"
LATER = 5  # versions tried after one that is gone


class PmdaSpider(ReportSpider, SetSpider):
    """One document an insert, keyed by its packins_no, or a report, keyed by its file."""

    name = "pmda"
    hosts = (INFO, WWW)
    langs = ("ja",)
    licences = ("restricted", "PDL-1.0")
    own = {"cookie": None}  # noqa: RUF012  Scrapy reads class attributes
    routes = {  # noqa: RUF012
        "week": Route((INFO,), "inserts of the week, XML", 300, 601, 5 * 10**4, "the weekly page's dates", (WEEK,)),
        "reports": Route((WWW,), "review reports, PDF", 2000, 2020, 2 * 10**6, "", (f"{LISTS}/0010.html",)),
        "set": Route((WWW,), "one zip of all inserts, XML", 12000, 2, 500 * 10**6, "", (f"https://{WWW}/",), "cookie",
                     "the zip is for registered users: -a cookie=NAME=VALUE of your own session, or "
                     "HAKUSHO_PMDA_COOKIE; route=week needs none"),
    }  # fmt: skip

    @classmethod
    def _read_arguments(cls, given: Mapping[str, str]) -> Arguments:
        cookie = os.environ.get("HAKUSHO_PMDA_COOKIE", "")
        return super()._read_arguments(({"cookie": cookie} if cookie else {}) | dict(given))

    @classmethod
    def usual(cls, limit: int | None, changes: bool) -> Sequence[str]:
        """What needs no registration; of changes, what has dates."""
        del limit
        return ("week",) if changes else ("week", "reports")

    # ---- inserts

    def begin_week(self) -> Items:
        """The weekly page."""
        yield self.listing(WEEK, self.week)

    def week(self, response: Response) -> Items:
        """Each insert of the days wanted: straight to the foot of its frames."""
        numbers, days, day = dict[str, str](), set[str](), ""
        for text in response.xpath("//text()[contains(., '年')] | //a/@href").getall():
            if stamp := DAY.search(text):
                day = "{}{:0>2}{:0>2}".format(*stamp.groups())
                days.add(day)
            elif match := re.fullmatch(PACK, self.link(response, text)):
                numbers.setdefault(match[1], day)
        if not numbers:
            self.unreadable(response, "no insert is linked")
        since = self.arguments.since
        if since and days and f"{since:%Y%m%d}" < min(days):
            self.harvest.lose_listing(response.url, f"it goes back to {min(days)} only, not to {since}")
        for number, posted in numbers.items():
            if self.changed(posted or "9"):
                yield self.foot_of(number, LATER)

    def foot_of(self, number: str, tries: int) -> Request:
        """Ask for the foot of an insert's frames; `tries` later versions may stand in for it."""
        record = self.insert(number, "zip")
        return self.step(f"{record.url}?view=foot&lang=ja", self.foot, record, [404], tries=tries)

    def foot(self, response: Response, tries: int) -> Items:
        """The zip that the foot links; or, where this version is gone, the next one."""
        record: Record = response.meta["record"]
        if response.status == 404:
            later = next_version(record.key)
            yield Refused(record.key, "http_404", f"gone; {later} is asked for" if tries and later else "gone")
            if tries and later:
                yield self.foot_of(later, tries - 1)
            return
        url = next(iter(self.links(response, XML)), "")
        if url:
            yield self.document(url, record)
        else:
            yield Refused(record.key, "no_document", "the foot links no XML")


def next_version(number: str) -> str:
    """The packins_no of the next version, or "" for one without a version.

    >>> next_version("2399008F1020_7_09")
    '2399008F1020_7_10'
    """
    head, _, version = number.rpartition("_")
    return f"{head}_{int(version) + 1:0{len(version)}d}" if version.isdigit() else ""
