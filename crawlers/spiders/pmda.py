"""PMDA (www.info.pmda.go.jp): package inserts of prescription drugs, as the PackIns XML that the agency publishes.

The weekly page lists what was posted, by date. An insert is a page of frames; its foot links the XML, which comes in a
zip. The last part of `2399008F1020_7_04` is the version: one that is gone (404) has been replaced by +1 to +5.
The texts belong to the companies, so they are `restricted` whatever the agency's own terms say.
"""

from __future__ import annotations

from scrapy.http import Request, Response

from crawlers.items import Record, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["PmdaSpider", "next_version"]

INFO, WWW = "www.info.pmda.go.jp", "www.pmda.go.jp"
WEEK = f"https://{INFO}/downfiles/ph/1week.html"
PACK = rf"https://{INFO}/go/pack/(\w+)/(?:\?.*)?"
XML = rf"https://{INFO}/go/xml/\w+/?"
LATER = 5  # versions tried after one that is gone
LICENCE = "restricted"
EVIDENCE = (
    "添付文書は製造販売業者の著作物: PMDA 添付文書情報の注意（企業の許諾なき複製・再配布の禁止）; "
    "PMDA ホームページの公共データ利用規約（PDL1.0）は企業の提供する文書に及ばない"
)


class PmdaSpider(SiteSpider):
    """One document an insert, keyed by its packins_no."""

    name = "pmda"
    hosts = (INFO, WWW)
    langs = ("ja",)
    routes = {"week": (INFO,)}  # noqa: RUF012  Scrapy reads class attributes

    def begin(self) -> Items:
        """The weekly page."""
        yield self.listing(WEEK, self.week)

    def week(self, response: Response) -> Items:
        """Each insert of the week: straight to the foot of its frames."""
        links = self.links(response, PACK)
        if not links:
            self.unreadable(response, "no insert is linked")
        for match in links.values():
            yield self.foot_of(match[1], LATER)

    def foot_of(self, number: str, tries: int) -> Request:
        """Ask for the foot of an insert's frames; `tries` later versions may stand in for it."""
        url = f"https://{INFO}/go/pack/{number}/"
        record = Record(
            key=number,
            url=url,
            licence=LICENCE,
            licence_evidence=EVIDENCE,
            attribution=f"出典：独立行政法人医薬品医療機器総合機構ホームページ（{url}）。添付文書の著作権は製造販売業者にある",
            lang="ja",
            revision=number.rpartition("_")[2],
            rights=("company_text",),
            form="zip",
        )
        request = self.step(f"{url}?view=foot&lang=ja", self.foot, record, tries=tries)
        request.meta["handle_httpstatus_list"] = [404]
        return request

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
