"""PMDA (www.info.pmda.go.jp, www.pmda.go.jp): package inserts as PackIns XML, and the agency's review reports.

`week` is the page of what was posted, by date. An insert is a page of frames; its foot links the XML, which comes in a
zip. The last part of `2399008F1020_7_04` is the version: one that is gone (404) has been replaced by +1 to +5.
`reports` are the 審査報告書, PDFs. `set` is one zip of all inserts, for those who registered: it needs their cookie.
Inserts belong to the companies, so they are `restricted` whatever the agency's own terms say; a report is the agency's
own text by the code in its file name (A100), what applicants wrote is theirs.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from scrapy.http import Request, Response

from crawlers.arguments import Arguments, Route
from crawlers.bulk_spider import AsyncItems, Bulk, BulkSpider, entry, xml_entries
from crawlers.items import Found, Record, Refused
from crawlers.spider import Items

__all__ = ["PmdaSpider", "next_version"]

INFO, WWW = "www.info.pmda.go.jp", "www.pmda.go.jp"
WEEK = f"https://{INFO}/downfiles/ph/1week.html"
DAY = re.compile(r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日")
PACK = rf"https://{INFO}/go/pack/(\w+)/(?:\?.*)?"
XML = rf"https://{INFO}/go/xml/\w+/?"
LATER = 5  # versions tried after one that is gone
LISTS = f"https://{WWW}/review-services/drug-reviews/review-information/p-drugs"
LIST = rf"{LISTS}/\d{{4}}\.html"
REPORT = rf"https://{WWW}/drugs/(\d{{4}})/[^?]+/([^/?]+\.pdf)"
WHOLE = rf"https://{WWW}/medinavi/(pmda_all_sgml_xml_\d{{8}}\.zip)"
INSERT = (
    "添付文書は製造販売業者の著作物: PMDA 添付文書情報の注意（企業の許諾なき複製・再配布の禁止）; "
    "PMDA ホームページの公共データ利用規約（PDL1.0）は企業の提供する文書に及ばない"
)
AGENCY = (
    "PMDA ホームページ利用規約: 公共データ利用規約（第1.0版）（PDL1.0）; 審査報告書（文書番号 A100）は PMDA の著作物"
)
APPLICANT = "審査報告書（文書番号 A100）でない文書: 申請者の著作物でありうる"


class PmdaSpider(BulkSpider):
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

    def insert(self, number: str, form: str, title: str = "") -> Record:
        """What the site says of an insert."""
        url = f"https://{INFO}/go/pack/{number}/"
        credit = f"出典：独立行政法人医薬品医療機器総合機構ホームページ（{url}）。添付文書の著作権は製造販売業者にある"
        version = number.rpartition("_")[2]
        return Record(number, url, "restricted", INSERT, credit, "ja", version, title, ("company_text",), form)

    # ---- review reports

    def begin_reports(self) -> Items:
        """The list of reports on new drugs."""
        yield self.listing(f"{LISTS}/0010.html", self.reports)

    def reports(self, response: Response) -> Items:
        """Every report of a list, and the lists beside it."""
        for url in self.links(response, LIST):
            yield self.listing(url, self.reports)
        for url, match in self.links(response, REPORT).items():
            agency = "_A100_" in match[2]
            licence, evidence = ("PDL-1.0", AGENCY) if agency else ("restricted", APPLICANT)
            credit = f"出典：独立行政法人医薬品医療機器総合機構ホームページ（{url}）"
            rights = () if agency else ("company_text",)
            yield self.document(
                url, Record(match[2], url, licence, evidence, credit, "ja", match[1], "", rights, "pdf")
            )

    # ---- the whole set

    def begin_set(self) -> Items:
        """The front page names the newest zip."""
        yield self.listing(f"https://{WWW}/", self.front)

    async def front(self, response: Response) -> AsyncItems:
        """The zip, with the user's cookie; a login page in its place says that the cookie is not valid."""
        links = self.links(response, WHOLE)
        if not links:
            self.unreadable(response, "no zip of all inserts is linked")
        for url, match in list(links.items())[-1:]:
            page = "a login page in place of the zip: the cookie is not that of a registered session"
            async for item in self.bulk(Bulk(url, match[1], "inserts_in", page=page, missing=True, cookie=True)):
                yield item

    def inserts_in(self, stream: BinaryIO, container: str, whole: bool) -> Items:
        """Every insert of the zip, with the brand name of its list (cp932); old SGML is booked."""
        del whole  # a zip is read whole or not at all
        with zipfile.ZipFile(stream, metadata_encoding="cp932") as archive:
            lists = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            text = archive.read(lists[0]).decode("cp932", "replace") if lists else ""
            rows = csv.DictReader(io.StringIO(text))
            brands = {row.get("添付文書番号") or "": row.get("販売名") or "" for row in rows}
            for name, info in xml_entries(archive):
                record = self.insert(name.partition("_")[2], "xml")
                yield Found(record, entry(archive, info), "application/xml", container_sha256=container)
                brands.pop(record.key, None)
        for number, brand in brands.items():
            yield Refused(number, "no_document", f"{brand}: listed, without XML in the zip")


def next_version(number: str) -> str:
    """The packins_no of the next version, or "" for one without a version.

    >>> next_version("2399008F1020_7_09")
    '2399008F1020_7_10'
    """
    head, _, version = number.rpartition("_")
    return f"{head}_{int(version) + 1:0{len(version)}d}" if version.isdigit() else ""
