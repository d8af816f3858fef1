"""NASA Technical Reports Server (ntrs.nasa.gov): reports that may be used by anyone, as PDF.

The search API pages by `page.from`, an offset (`page=` is silently ignored), at most 100 a page. Each record says its
rights in fields that a machine can read; the gate takes public, permitted, not export-controlled records without
third-party material that have a PDF, and books every refusal.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urljoin

from scrapy.http import Request, Response

from crawlers.items import Record, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["NasaSpider", "pdf_of", "refusal"]

HOST = "ntrs.nasa.gov"
API = f"https://{HOST}/api/citations"
PAGE = 100
DEEPEST = 10_000  # offsets beyond this are refused by the search engine behind the API
LICENCE = "US-GOV-PD"
PERMITTED = ("GOV_PUBLIC_USE_PERMITTED", "PUBLIC_USE_PERMITTED")


class NasaSpider(SiteSpider):
    """One document a permitted record, keyed by its NTRS id."""

    name = "nasa"
    hosts = (HOST,)
    langs = ("en",)
    routes = {"api": (HOST,)}  # noqa: RUF012  Scrapy reads class attributes

    def begin(self) -> Items:
        """The first page of the search for everything."""
        yield self.page(0)

    def page(self, start: int) -> Request:
        """A page of the search."""
        query = urlencode({"page.size": PAGE, "page.from": start})
        return self.listing(f"{API}/search?{query}", self.results, start=start)

    def results(self, response: Response, start: int) -> Items:
        """Each record through the rights gate; then the next page."""
        data = self.json(response, "results")
        if data is None:
            return
        yield from self.each(response, data["results"], self.citation)
        start += len(data["results"])
        if data["results"] and start < min(int((data.get("stats") or {}).get("total") or 0), DEEPEST):
            yield self.page(start)

    def citation(self, found: dict[str, Any]) -> Items:
        """Ask for the PDF of a permitted record, or say why not."""
        number = str(found["id"])
        reason, detail = refusal(found)
        if reason:
            yield Refused(number, reason, detail)
            return
        url = urljoin(API, pdf_of(found))
        rights = found.get("copyright") or {}
        reports = [str(name) for name in found.get("otherReportNumbers") or []]
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
            title=" ".join(str(found.get("title") or "").split()),
            rights=(f"determinationType:{rights['determinationType']}",),
            form="pdf",
        )
        yield self.document(url, record)


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
        ("no_document", found.get("disseminated") or "no PDF", bool(pdf_of(found))),
    )
    for reason, detail, passed in checks:
        if not passed:
            return reason, str(detail or "not stated")
    return "", ""


def pdf_of(found: dict[str, Any]) -> str:
    """The path of a record's PDF, or ""."""
    for download in found.get("downloads") or []:
        links = download.get("links") or {}
        path = links.get("pdf") or (links.get("original") if download.get("mimetype") == "application/pdf" else "")
        if path:
            return str(path)
    return ""
