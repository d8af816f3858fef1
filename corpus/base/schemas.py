"""The Arrow schemas of the two tables at the source, and of the ledger.

`fetches` is append-only history and carries the clock. `documents` is a pure function of raw bytes, source key and
extractor version, and carries none: the same bytes give the same rows on every machine, in any order.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

__all__ = [
    "DOCUMENTS",
    "FETCHES",
    "HARVESTS",
    "LEDGER",
    "LICENCES_OPEN",
    "LICENCES_SHARE_ALIKE",
    "SECTION",
    "STANDING",
    "document_id",
]

LICENCES_OPEN = ("CC-BY-4.0", "CC0-1.0", "PDL-1.0", "US-GOV-PD")
LICENCES_SHARE_ALIKE = ("CC-BY-SA-4.0",)


def _field(name: str, kind: pa.DataType, doc: str, *, nullable: bool = False) -> pa.Field[pa.DataType]:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


SECTION = pa.struct(
    [
        _field("kind", pa.string(), "title, body, table, appendix, note or caption"),
        _field("path", pa.string(), "the headings above, outermost first, joined by ' > '"),
        _field("level", pa.int32(), "depth of the innermost heading, 0 for none"),
        _field("start", pa.int32(), "first code point of the section in text"),
        _field("end", pa.int32(), "code point after its last"),
    ]
)

DOCUMENTS = pa.schema(
    [
        _field("id", pa.string(), "first 32 hex digits of SHA-256 over source, key and raw_sha256, NUL between them"),
        _field("source", pa.string(), "egov, mod, nasa, pmda or wikipedia"),
        _field(
            "key",
            pa.string(),
            "the source's own name of the document: law revision id, NTRS id, packins_no, page, title",
        ),
        _field(
            "revision",
            pa.string(),
            "the source's own version: enforcement date, insert version, year, wiki revision id",
        ),
        _field("url", pa.string(), "citable URL on the site's own host, also where a mirror was read"),
        _field("title", pa.string(), "title as the document states it"),
        _field("lang", pa.string(), "ja or en, by the text"),
        _field("text", pa.string(), "whole text in reading order"),
        _field("sections", pa.list_(SECTION), "the parts of text, in order"),
        _field("raw_sha256", pa.string(), "SHA-256 of the bytes the row was made from"),
        _field(
            "container_sha256",
            pa.string(),
            "SHA-256 of the response those bytes were cut out of, e.g. a dump",
            nullable=True,
        ),
        _field("content_type", pa.string(), "media type of the raw bytes"),
        _field(
            "licence",
            pa.string(),
            "licence id; SPDX where there is one, US-GOV-PD, PDL-1.0 or restricted",
            nullable=True,
        ),
        _field("licence_evidence", pa.string(), "what the licence was read from"),
        _field("attribution", pa.string(), "the credit line the source asks for, without a date"),
        _field("rights", pa.list_(pa.string()), "rights flags the source states for this document"),
        _field(
            "reservations",
            pa.list_(pa.string()),
            "what the bytes themselves reserve, e.g. meta:noai or pdf:tdm-reservation=1; null where nobody looked",
            nullable=True,
        ),
        _field("extractor", pa.string(), "name of the reader that made text"),
        _field("extractor_version", pa.string(), "its version, with that of the library that decides the text"),
        _field("kept_share", pa.float64(), "characters of text over visible characters of the raw document, 0 to 1"),
        _field("garbled_share", pa.float64(), "share of characters that no Japanese or English text holds, 0 to 1"),
    ],
    metadata={"table": "documents", "version": "1"},
)

FETCHES = pa.schema(
    [
        _field("time", pa.timestamp("us", tz="UTC"), "when the answer was complete, or the failure known"),
        _field("run", pa.string(), "the crawl that asked: start time in UTC and a random part"),
        _field("source", pa.string(), "egov, mod, nasa, pmda or wikipedia"),
        _field("url", pa.string(), "URL asked for, on the site's own host"),
        _field(
            "asked_url", pa.string(), "address the request went to, where base_url stood in for the site", nullable=True
        ),
        _field("final_url", pa.string(), "URL that answered, after redirects"),
        _field("method", pa.string(), "GET or POST"),
        _field("status", pa.int16(), "HTTP status; null where no answer came", nullable=True),
        _field("purpose", pa.string(), "robots, tdmrep, listing or document"),
        _field(
            "outcome",
            pa.string(),
            "robots, tdmrep, listing, document, not_modified, assembled, denied_by_robots, http_error, network_error "
            "or why it gave none",
        ),
        _field("reason", pa.string(), "why, where the outcome alone does not say it"),
        _field("content_type", pa.string(), "media type as the server named it"),
        _field("bytes", pa.int64(), "size of the body after content decoding"),
        _field("etag", pa.string(), "validator as sent", nullable=True),
        _field("last_modified", pa.string(), "validator as sent", nullable=True),
        _field(
            "raw_sha256",
            pa.string(),
            "SHA-256 of the body, or of the one that a 304 says still stands; null where none came",
            nullable=True,
        ),
        _field("warc_file", pa.string(), "file of the raw archive with the answer, below the workspace", nullable=True),
        _field("warc_offset", pa.int64(), "offset in bytes of its record in that file", nullable=True),
        _field("x_robots_tag", pa.string(), "page-level reservation as sent, one line a header", nullable=True),
        _field("tdm_reservation", pa.string(), "TDMRep: 1 reserved, 0 not; null where not stated", nullable=True),
        _field("tdm_policy", pa.string(), "TDMRep: address of the policy", nullable=True),
        _field(
            "tdm_place",
            pa.string(),
            "where the two stand: header, or well-known (/.well-known/tdmrep.json)",
            nullable=True,
        ),
        _field("documents", pa.int32(), "documents rows this answer gave"),
        _field("retries", pa.int16(), "times the request was repeated before this answer"),
        _field(
            "robots_rule",
            pa.string(),
            "rule of robots.txt that allowed or denied the URL, as written; null where none applied",
            nullable=True,
        ),
        _field("robots_line", pa.int32(), "its line in robots.txt, from 1", nullable=True),
        _field(
            "robots_sha256",
            pa.string(),
            "SHA-256 of the robots.txt answer that holds that rule, kept as robots/<source>/<hash>.txt",
            nullable=True,
        ),
    ],
    metadata={"table": "fetches", "version": "1"},
)

STANDING = pa.schema(
    [
        _field("id", pa.string(), "document id; a document that has nothing to say here has no row"),
        _field("source", pa.string(), "egov, mod, nasa, pmda or wikipedia"),
        _field("supersedes", pa.string(), "document that this one took the place of at its URL", nullable=True),
        _field("superseded_by", pa.string(), "document that took its place; null: it stands", nullable=True),
        _field("reservations", pa.list_(pa.string()), "what headers and tdmrep.json reserve, e.g. header:noai"),
    ],
    metadata={"table": "standing", "version": "1"},
)

_COUNTS = pa.map_(pa.string(), pa.int64())

HARVESTS = pa.schema(
    [
        _field("source", pa.string(), "egov, mod, nasa, pmda or wikipedia"),
        _field("run", pa.string(), "the crawl, as in fetches"),
        _field("time", pa.timestamp("us", tz="UTC"), "when it began"),
        _field("seconds", pa.float64(), "how long it took"),
        _field("documents", pa.int64(), "documents that this run brought"),
        _field("held", pa.int64(), "documents of the source in the workspace at its end"),
        _field("fetched", pa.int64(), "answers that came"),
        _field("not_modified", pa.int64(), "of them: 304, what is here is still true"),
        _field("bytes", pa.int64(), "bytes of the answers after content decoding"),
        _field("denied", pa.int64(), "requests that robots.txt or an access challenge denied"),
        _field("denied_by_rule", _COUNTS, "the same: deciding rule or reason -> number"),
        _field("asked", pa.int64(), "URLs that the run came to, denied ones aside"),
        _field("failed", pa.int64(), "of them: those that gave nothing, however often they were asked"),
        _field("failed_by_class", _COUNTS, "the same: http_404, a network error, too_large … -> number"),
        _field("retried", pa.int64(), "failures after which the same URL was asked again and gave something"),
        _field("dropped", _COUNTS, "records not taken: reason -> number"),
        _field("empty", pa.int64(), "of them: no text came out"),
        _field("garbled", pa.int64(), "of them: what came out is no language"),
        _field("kept_share", pa.float64(), "mean kept_share of the documents held", nullable=True),
        _field("duplicates", pa.int64(), "documents held whose bytes another one has too"),
        _field("licences", _COUNTS, "documents held: licence -> number"),
        _field("lost_listings", pa.list_(pa.string()), "listings that could not be read, so the harvest is not whole"),
        _field("error", pa.string(), "what stopped the run, empty where nothing did"),
        _field("below", pa.list_(pa.string()), "thresholds of [harvest] that it missed, a clause each"),
    ],
    metadata={"table": "harvests", "version": "1"},
)

LEDGER = pa.schema(
    [
        _field("stage", pa.string(), "stage that decided"),
        _field("unit", pa.string(), "unit of work, the name of its shard"),
        _field("id", pa.string(), "document id; in stage extract source:key"),
        _field("outcome", pa.string(), "kept or dropped"),
        _field("reason", pa.string(), "reason code of a drop, empty where kept"),
        _field("detail", pa.string(), "what a person would ask next, e.g. the keeper of a duplicate"),
    ],
    metadata={"table": "ledger", "version": "1"},
)


def document_id(source: str, key: str, raw_sha256: str) -> str:
    """The id of a document: 32 hex digits that depend on source, source key and raw bytes alone.

    >>> document_id("egov", "405AC0000000088", "00")
    'd77b2a2c904a3f9e81822c877ecc28df'
    """
    return hashlib.sha256(f"{source}\0{key}\0{raw_sha256}".encode()).hexdigest()[:32]
