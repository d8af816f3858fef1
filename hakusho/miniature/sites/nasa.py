"""ntrs.nasa.gov: the search API, records with the rights fields of the real ones, and a PDF for each."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from hakusho.miniature import pdf
from hakusho.miniature.site import Query, Reply, Site, page, records, text_file

HOST = "ntrs.nasa.gov"
_JSON = "application/json; charset=utf-8"
_CENTERS = {
    "LARC": "Langley Research Center",
    "GRC": "Glenn Research Center",
    "JSC": "Johnson Space Center",
    "ARC": "Ames Research Center",
    "MSFC": "Marshall Space Flight Center",
}
_KINDS = {
    "TM": ("TECHNICAL_MEMORANDUM", "Technical Memorandum (TM)"),
    "TP": ("TECHNICAL_PUBLICATION", "Technical Publication (TP)"),
    "CP": ("CONFERENCE_PAPER", "Conference Paper"),
    "CR": ("CONTRACTOR_REPORT", "Contractor Report (CR)"),
}
_AGGREGATIONS = (
    "created",
    "author",
    "reportNumber",
    "center",
    "fundingNumber",
    "published",
    "distribution",
    "stiType",
    "subjectCategory",
    "disseminated",
    "stiTypeDetails",
    "organization",
    "modified",
    "keyword",
)


def _stamp(day: str) -> str:
    """Give a date as the API writes it: with seven fractional digits."""
    return f"{day}T00:00:00.0000000+00:00"


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _links(number: str) -> dict[str, object]:
    path = f"/api/citations/{number}/downloads/{number}.pdf"
    return {
        "draft": False,
        "mimetype": "application/pdf",
        "name": f"{number}.pdf",
        "type": "STI",
        "links": {"original": path, "pdf": path, "fulltext": path.removesuffix(".pdf") + ".txt"},
    }


def _record(fields: dict[str, str], abstract: str) -> dict[str, object]:
    """Make a record of the real shape; a key with nothing to say is missing, as there."""
    number, kind = fields["name"], _KINDS[fields["kind"]]
    copyright_ = {
        "licenseType": "NO",
        "determinationType": fields.get("rights", "GOV_PUBLIC_USE_PERMITTED"),
        "thirdPartyContentCondition": "NOT_SET",
    }
    export = fields.get("export", "NO")
    metadata_only = fields.get("disseminated") == "METADATA_ONLY"
    record: dict[str, object] = {
        "_meta": {"score": 0},
        "copyright": {**copyright_, "containsThirdPartyMaterial": True} if fields.get("third_party") else copyright_,
        "subjectCategories": [fields["subject"]],
        "exportControl": {"isExportControl": export, "ear": export, "itar": "NO"},
        "created": _stamp(fields["published"]),
        "distributionDate": _stamp("2019-06-20"),
        "otherReportNumbers": [fields["report"]],
        "center": {"code": fields["center"], "name": _CENTERS[fields["center"]], "id": _hex(fields["center"])},
        "onlyAbstract": metadata_only,
        "sensitiveInformation": 2,
        "abstract": abstract,
        "title": fields["title"],
        "stiType": kind[0],
        "distribution": fields.get("distribution", "PUBLIC"),
        "submittedDate": _stamp(fields["published"]),
        "isLessonsLearned": False,
        "disseminated": "METADATA_ONLY" if metadata_only else "DOCUMENT_AND_METADATA",
        "stiTypeDetails": kind[1],
        "technicalReviewType": "TECHNICAL_REVIEW_TYPE_NONE",
        "modified": _stamp("2021-12-09"),
        "id": int(number),
        "status": "CURATED",
        "related": [],
        "downloads": [] if metadata_only else [_links(number)],
        "downloadsAvailable": not metadata_only,
        "publications": [
            {
                "submissionId": int(number),
                "publisher": "National Aeronautics and Space Administration",
                "id": _hex(number),
                "publicationDate": _stamp(fields["published"]),
            }
        ],
    }
    if "keywords" in fields:
        record["keywords"] = fields["keywords"].split(", ")
    if not abstract:
        del record["abstract"]
    return record


@lru_cache(maxsize=1)
def load() -> dict[str, tuple[dict[str, object], bytes]]:
    """Give every record and its PDF by id; `same_as` gives a second record the file of another."""
    found: dict[str, tuple[dict[str, object], bytes]] = {}
    for fields, text in records(text_file("nasa", "reports.txt")):
        if "same_as" in fields:
            first, data = found[fields["same_as"]]
            abstract = str(first.get("abstract", ""))
        else:
            abstract, _, body = text.partition("\n\n")
            data = _report(fields, abstract, body)
        found[fields["name"]] = (_record(fields, abstract), data)
    return found


def _report(fields: dict[str, str], abstract: str, body: str) -> bytes:
    text = f"{fields['title']}\n\n{fields['author']}\n{_CENTERS[fields['center']]}\n\nABSTRACT\n\n{abstract}\n\n{body}"
    return pdf.write(pdf.pages(pdf.wrap(text, 92), head=fields["report"]), title=fields["title"])


def _json(data: object, status: int = 200) -> Reply:
    return Reply(json.dumps(data).encode(), _JSON, status, validators=False)


def _error(status: int, message: str) -> Reply:
    return _json({"statusCode": status, "message": message, "error": message}, status)


def _published(record: dict[str, object]) -> str:
    return str(record["submittedDate"])[:10]


def _search(_path: str, query: Query) -> Reply:
    """Search: words in title and abstract, dates; page.from is an offset, and a wrong `page` is silently ignored."""
    size, start = query.get("page.size", "25"), query.get("page.from", "0")
    if not (size.isdigit() and start.isdigit()):
        return _error(400, "page.size and page.from must be numbers")
    words = query.get("q", "").lower().strip("*").split()
    hits = [
        record
        for record, _ in load().values()
        if all(word in f"{record['title']} {record.get('abstract', '')}".lower() for word in words)
        and query.get("published.gte", "") <= _published(record) <= query.get("published.lte", "9")
    ]
    first, last = int(start), int(start) + min(int(size), 100)
    return _json(
        {
            "stats": {"took": 12, "total": len(hits), "estimate": False, "maxScore": 0},
            "results": hits[first:last],
            "aggregations": {name: {"buckets": []} for name in _AGGREGATIONS},
        }
    )


def sites() -> list[Site]:
    """Give the one host of the source."""
    site = Site(HOST, _error(404, "Not Found"))
    site.fixed = {
        "/robots.txt": Reply(b"User-agent: *\nAllow: /\n", "text/plain"),
        "/": page(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>NASA Technical Reports Server (NTRS)'
            '</title><base href="/"></head><body><app-root></app-root></body></html>'
        ),
    }
    for number, (record, data) in load().items():
        site.fixed[f"/api/citations/{number}"] = _json(record)
        if record["downloads"]:
            site.fixed[f"/api/citations/{number}/downloads/{number}.pdf"] = Reply(data, "application/pdf")
    site.answers = {"/api/citations/search": _search}
    site.probes = ["/api/citations/search", "/api/citations/search?page.size=5&page.from=5"]
    return [site]
