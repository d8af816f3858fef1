"""NASA Technical Reports Server (ntrs.nasa.gov): reports that may be used by anyone.

The search API pages by `page.from`, an offset (`page=` is silently ignored), at most 100 a page and 10,000 deep; what
is larger is cut by publication date. Each record says its rights in fields that a machine can read; the gate takes
public, permitted, not export-controlled records without third-party material that have a document, and books every
refusal. The document of a record is its PDF; where that is gone or cannot be read, the OCR text beside it; where that
fails too, the abstract. One paper under two ids (same title and report number) is taken once.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode, urljoin

from scrapy.http import Request, Response

from crawlers.arguments import Route, today
from crawlers.items import Record, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["NasaSpider", "link", "refusal"]

HOST = "ntrs.nasa.gov"
API = f"https://{HOST}/api/citations"
PAGE = 100
DEEPEST = 10_000  # offsets beyond this are refused by the search engine behind the API
OLDEST = date(1900, 1, 1)  # no report is older; the NACA's first are of 1915
LICENCE = "US-GOV-PD"
PERMITTED = ("GOV_PUBLIC_USE_PERMITTED", "PUBLIC_USE_PERMITTED")


class NasaSpider(SiteSpider):
    """One document a permitted record, keyed by its NTRS id."""

    name = "nasa"
    hosts = (HOST,)
    langs = ("en",)
    licences = (LICENCE,)
    routes = {  # noqa: RUF012  Scrapy reads class attributes
        "api": Route((HOST,), "search, then a PDF a record", 0, 0, 5 * 10**6, "`modified` of each record",
                     (f"{API}/search",)),
    }  # fmt: skip

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.papers: dict[tuple[str, str], str] = {}  # title and report number -> the id that stands for the paper

    def begin_api(self) -> Items:
        """The first page of the search for everything; papers that are here already are known by their ids."""
        for row in self.harvest.held("key", "title", "attribution"):
            for report in row["attribution"].partition(f"{row['key']}, ")[2].split(", "):
                self.papers[row["title"].casefold(), report.casefold()] = row["key"]
        yield self.page(0)

    def page(self, start: int, first: str = "", last: str = "") -> Request:
        """A page of the search, in a slice of publication dates where two are given."""
        query: dict[str, object] = {"page.size": PAGE, "page.from": start}
        if first:
            query |= {"published.gte": first, "published.lte": last}
        if self.arguments.since:
            query["modified.gte"] = self.arguments.since.isoformat()
        return self.listing(f"{API}/search?{urlencode(query)}", self.results, start=start, first=first, last=last)

    def results(self, response: Response, start: int, first: str, last: str) -> Items:
        """Each record through the rights gate, then the next page; of more than can be paged, two halves by date."""
        data = self.json(response, "results")
        if data is None:
            return
        total = int((data.get("stats") or {}).get("total") or 0)
        begin, end = (date.fromisoformat(day) if day else otherwise
                      for day, otherwise in ((first, OLDEST), (last, today())))  # fmt: skip
        if start == 0 and total > DEEPEST and begin < end:
            middle = date.fromordinal((begin.toordinal() + end.toordinal()) // 2)
            yield self.page(0, begin.isoformat(), middle.isoformat())
            yield self.page(0, date.fromordinal(middle.toordinal() + 1).isoformat(), end.isoformat())
            return
        yield from self.each(response, data["results"], self.citation)
        start += len(data["results"])
        if data["results"] and start < min(total, DEEPEST):
            yield self.page(start, first, last)
        elif total > DEEPEST:
            self.harvest.lose_listing(response.url, f"{total - DEEPEST} records of one day lie deeper than {DEEPEST}")

    def citation(self, found: dict[str, Any]) -> Items:
        """Ask for the document of a permitted record, or say why not."""
        number, title = str(found["id"]), " ".join(str(found.get("title") or "").split())
        if not self.changed(str(found.get("modified") or "9")):
            return  # a server that does not know `modified.gte` finds all
        reason, detail = refusal(found)
        if reason:
            yield Refused(number, reason, detail)
            return
        reports = [str(name) for name in found.get("otherReportNumbers") or []]
        for report in reports:
            twin = self.papers.setdefault((title.casefold(), report.casefold()), number)
            if twin != number:
                yield Refused(number, "twin_of", twin)
                return
        rights = found.get("copyright") or {}
        url = urljoin(API, link(found, "pdf"))
        record = Record(
            key=number,
            url=url,
            licence=LICENCE,
            licence_evidence=(
                f"NTRS record {number}: distribution={found['distribution']}, "
                f"determinationType={rights['determinationType']}, isExportControl=NO; 17 USC 105"
            ),
            attribution=", ".join([f"NASA Technical Reports Server (NTRS), Document ID {number}", *reports]),
            lang="en",
            title=title,
            rights=(f"determinationType:{rights['determinationType']}",),
            form="pdf",
        )
        text, abstract = link(found, "fulltext"), bool(found.get("abstract"))
        others = [urljoin(API, text)] if text else []
        yield self.first_of([url, *others, *([f"{API}/{number}"] if abstract else [])], record)


def refusal(found: dict[str, Any]) -> tuple[str, str]:
    """The gate: reason code and detail of a record that must not be taken, or ("", "").

    >>> refusal({"distribution": "LIMITED_US_GOV"})
    ('rights_distribution', 'LIMITED_US_GOV')
    """
    rights, export = found.get("copyright") or {}, found.get("exportControl") or {}
    checks = (
        ("rights_distribution", found.get("distribution"), found.get("distribution") == "PUBLIC"),
        ("rights_copyright", rights.get("determinationType"), rights.get("determinationType") in PERMITTED),
        ("rights_export_control", export.get("isExportControl"), export.get("isExportControl") == "NO"),
        ("rights_third_party", "containsThirdPartyMaterial", not rights.get("containsThirdPartyMaterial")),
        ("no_document", found.get("disseminated") or "no PDF", bool(link(found, "pdf"))),
    )
    for reason, detail, passed in checks:
        if not passed:
            return reason, str(detail or "not stated")
    return "", ""


def link(found: dict[str, Any], kind: str) -> str:
    """The path of a record's `pdf` or `fulltext`, or ""."""
    for download in found.get("downloads") or []:
        links = download.get("links") or {}
        path = links.get(kind)
        if not path and kind == "pdf" and download.get("mimetype") == "application/pdf":
            path = links.get("original")
        if path:
            return str(path)
    return ""
