"""PMDA's review reports (審査報告書) on new drugs (www.pmda.go.jp): lists of PDFs.

A report is the agency's own text by the code in its file name (A100), under the terms of its site; what applicants
wrote is theirs.
"""

from __future__ import annotations

from scrapy.http import Response

from crawlers.items import Record
from crawlers.spider import Items, SiteSpider
from crawlers.spiders.pmda_set import WWW

__all__ = ["LISTS", "ReportSpider"]

LISTS = f"https://{WWW}/review-services/drug-reviews/review-information/p-drugs"
LIST = rf"{LISTS}/\d{{4}}\.html"
REPORT = rf"https://{WWW}/drugs/(\d{{4}})/[^?]+/([^/?]+\.pdf)"
AGENCY = "PMDA ホームページ利用規約: 公共データ利用規約（第1.0版）（PDL1.0）; 審査報告書（A100）は PMDA の著作物"
APPLICANT = "審査報告書（A100）でない文書: 申請者の著作物でありうる"


class ReportSpider(SiteSpider):
    """The route `reports`: one document a PDF, keyed by its file."""

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
