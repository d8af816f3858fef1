"""A small workspace as the stages leave it, written shard by shard in the real schemas, for tests of what reads it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.base.ledger import ledger_table
from corpus.base.schemas import DOCUMENTS, FETCHES, HARVESTS, document_id
from corpus.base.shards import read_shard, write_shard
from corpus.base.workspace import Workspace

LICENCE = {"egov": "PDL-1.0", "nasa": "US-GOV-PD", "pmda": "restricted", "wikipedia": "CC-BY-SA-4.0"}
DOMAIN = {"egov": "law_policy", "nasa": "aerospace", "pmda": "medical_reg", "wikipedia": "wikipedia_ja_en"}
TEXT = pa.string()
SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("type", TEXT), ("action", TEXT)])
NAMES = pa.list_(TEXT)
NORMALISED = pa.schema([(name, TEXT) for name in ("id", "source", "lang", "title", "text", "text_sha256")])
MEASURES = pa.schema(
    [("id", TEXT), ("source", TEXT), ("chars", pa.int32()), ("mean_sentence", pa.float32()), ("odd", pa.float32())]
)
PII = pa.schema([("id", TEXT), ("spans", pa.list_(SPAN)), ("text", TEXT)])
LABELS = pa.schema(
    [
        *((name, TEXT) for name in ("id", "source", "verdict")),
        ("verdict_score", pa.float64()),
        ("domain", TEXT),
        ("domain_score", pa.float64()),
        *((name, TEXT) for name in ("domain_content", "domain_source")),
        ("abstained", pa.bool_()),
        *((name, NAMES) for name in ("hazards", "rules", "evidence")),
        ("policy_version", TEXT),
    ]
)
DUPLICATES = pa.schema([("id", TEXT), ("keeper", TEXT), ("jaccard", pa.float64()), ("cluster", TEXT), ("rule", TEXT)])
CLUSTERS = pa.schema([("id", TEXT), ("cluster", TEXT)])


@dataclass(frozen=True)
class Doc:
    """One document of the sample: what the stages found in it."""

    source: str
    key: str
    text: str
    lang: str = "ja"
    verdict: str = "ALLOW"
    rules: tuple[str, ...] = ()
    domain: str = ""
    licence: str | None = ""
    copy_of: str = ""
    dropped: str = ""
    masked: tuple[tuple[str, str], ...] = field(default=())

    @property
    def raw(self) -> str:
        """SHA-256 of the raw bytes."""
        return hashlib.sha256(f"{self.source} {self.key}".encode()).hexdigest()

    @property
    def id(self) -> str:
        """The document's id."""
        return document_id(self.source, self.key, self.raw)

    @property
    def url(self) -> str:
        """The citable URL."""
        return f"https://{self.source}.example/{self.key}"


def sentence(number: int, times: int = 8) -> str:
    """Plain Japanese of its own for each number."""
    return f"第{number}条　この規則は、{number}番の届出について必要な事項を定める。" * times


DOCS: tuple[Doc, ...] = (
    *(Doc("egov", f"law-{number}", sentence(number)) for number in range(1, 7)),
    Doc("egov", "law-1-copy", sentence(1), copy_of="law-1"),
    Doc("egov", "stub", "附則", dropped="too_short"),
    Doc(
        "nasa",
        "2001",
        "The report describes a wing. Write to taro@mail.example or call 090-1234-5678 about it. " * 4,
        lang="en",
        masked=(("taro@mail.example", "EMAIL"), ("090-1234-5678", "PHONE")),
    ),
    Doc("nasa", "2002", "The second report describes an engine and the tests that were made with it. " * 6, lang="en"),
    Doc("pmda", "insert-1", sentence(21), verdict="ESCALATION", rules=("licence.restricted",)),
    Doc("pmda", "insert-2", sentence(22), verdict="ESCALATION", rules=("document.self_harm", "licence.restricted")),
    Doc("wikipedia", "東京", sentence(31)),
    Doc("wikipedia", "Kyoto", "Kyoto is a city. It has many temples and a long history. " * 10, lang="en"),
    Doc("wikipedia", "held", sentence(33), verdict="DENY", rules=("document.held",), domain="nsfw_adult"),
    Doc("wikipedia", "refused", sentence(34), verdict="REFUSE", rules=("document.refused",)),
)


def write_workspace(root: Path, docs: Sequence[Doc] = DOCS) -> Workspace:
    """Write every stage but the dataset, in shards of source and first digit."""
    workspace = Workspace(root)
    shards: dict[str, list[Doc]] = defaultdict(list)
    for doc in sorted(docs, key=lambda doc: doc.id):
        shards[f"{doc.source}-{doc.id[0]}"].append(doc)
    for name, rows in shards.items():
        source, digit = name.split("-")
        kept = [doc for doc in rows if not doc.dropped]
        _write(workspace, f"documents/{source}/{digit}", DOCUMENTS, [_document(doc) for doc in rows])
        _book(workspace, "normalised", name, kept, [(doc.id, doc.dropped, "") for doc in rows if doc.dropped])
        _write(workspace, f"normalised/{name}", NORMALISED, [_normalised(doc) for doc in kept])
        _write(workspace, f"measures/{name}", MEASURES, [_measures(doc) for doc in kept])
        _write(workspace, f"pii/{name}", PII, [_pii(doc) for doc in kept])
        _write(workspace, f"labels/{name}", LABELS, [_label(doc) for doc in kept])
        for stage in ("measures", "pii", "labels"):
            _book(workspace, stage, name, kept, [])
    for source in {doc.source for doc in docs}:
        own = sorted((doc for doc in docs if doc.source == source), key=lambda doc: doc.id)
        _write(workspace, f"fetches/{source}/run-1", FETCHES, [_robots(source), *map(_fetch, own)])
        extracted = ledger_table("extract", f"{source}-0", [f"{source}:{doc.key}" for doc in own], [])
        write_shard(workspace.path("ledger", "extract", f"{source}-0.parquet"), extracted)
    for day, came in ((2, 0), (1, 9)):  # the second run found everything unchanged, and one listing was lost
        _write(workspace, f"harvests/egov-{day}", HARVESTS, [_harvest(day, came)])
    _dedup(workspace, [doc for doc in docs if not doc.dropped])
    return workspace


def amend(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None]) -> None:
    """Rewrite a shard's rows: `change` gets them and alters them in place or returns new ones."""
    table = read_shard(path)
    rows = table.to_pylist()
    changed = change(rows)
    write_shard(path, pa.Table.from_pylist(rows if changed is None else changed, schema=table.schema))


def shard_with(workspace: Workspace, stage: str, key: str) -> Path:
    """The shard of a stage that holds a row of this id."""
    return next(path for path in workspace.shards(stage) if key in read_shard(path, ["id"]).column("id").to_pylist())


def _write(workspace: Workspace, name: str, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    write_shard(workspace.path(f"{name}.parquet"), pa.Table.from_pylist(rows, schema=schema))


def _book(
    workspace: Workspace, stage: str, name: str, kept: Sequence[Doc], dropped: list[tuple[str, str, str]]
) -> None:
    table = ledger_table(stage, name, [doc.id for doc in kept], dropped)
    write_shard(workspace.path("ledger", stage, f"{name}.parquet"), table)


def _document(doc: Doc) -> dict[str, Any]:
    return {
        "id": doc.id,
        "source": doc.source,
        "key": doc.key,
        "revision": "1",
        "url": doc.url,
        "title": f"{doc.key} の題名",
        "lang": doc.lang,
        "text": doc.text,
        "sections": [{"kind": "body", "path": "", "level": 0, "start": 0, "end": len(doc.text)}],
        "raw_sha256": doc.raw,
        "container_sha256": None,
        "content_type": "text/html",
        "licence": LICENCE[doc.source] if doc.licence == "" else doc.licence,
        "licence_evidence": "terms of the site",
        "attribution": f"出典：{doc.source}（{doc.url}）",
        "rights": ["third_party"] if doc.source == "pmda" else [],
        "extractor": "sample",
        "extractor_version": "1",
        "kept_share": 1.0,
        "garbled_share": 0.0,
    }


def _normalised(doc: Doc) -> dict[str, Any]:
    digest = hashlib.sha256(doc.text.encode()).hexdigest()
    title = f"{doc.key} の題名"
    return {
        "id": doc.id,
        "source": doc.source,
        "lang": doc.lang,
        "title": title,
        "text": doc.text,
        "text_sha256": digest,
    }


def _measures(doc: Doc) -> dict[str, Any]:
    return {"id": doc.id, "source": doc.source, "chars": len(doc.text), "mean_sentence": 30.0, "odd": None}


def _pii(doc: Doc) -> dict[str, Any]:
    text, spans = doc.text, []
    for value, kind in doc.masked:
        start = text.find(value)
        while start >= 0:
            spans.append({"start": start, "end": start + len(value), "type": kind, "action": "mask"})
            start = text.find(value, start + 1)
    masked = text
    for value, kind in doc.masked:
        masked = masked.replace(value, f"[{kind}]")
    return {"id": doc.id, "spans": sorted(spans, key=lambda span: span["start"]), "text": masked}


def _label(doc: Doc) -> dict[str, Any]:
    domain = doc.domain or DOMAIN[doc.source]
    return {
        "id": doc.id,
        "source": doc.source,
        "verdict": doc.verdict,
        "verdict_score": 0.5,
        "domain": domain,
        "domain_score": 0.75,
        "domain_content": domain,
        "domain_source": DOMAIN[doc.source],
        "abstained": False,
        "hazards": [],
        "rules": list(doc.rules),
        "evidence": [f"{rule}[0:3]" for rule in doc.rules],
        "policy_version": "1",
    }


def _dedup(workspace: Workspace, docs: Sequence[Doc]) -> None:
    ids = {doc.key: doc.id for doc in docs}
    copies = [doc for doc in docs if doc.copy_of]
    cluster = {doc.id: doc.id for doc in docs}
    for doc in copies:
        cluster[doc.id] = cluster[ids[doc.copy_of]] = min(doc.id, ids[doc.copy_of])
    rows = [
        {
            "id": doc.id,
            "keeper": ids[doc.copy_of],
            "jaccard": 1.0,
            "cluster": cluster[doc.id],
            "rule": "exact_duplicate",
        }
        for doc in sorted(copies, key=lambda doc: doc.id)
    ]
    _write(workspace, "dedup/duplicates", DUPLICATES, rows)
    _write(workspace, "dedup/clusters", CLUSTERS, [{"id": key, "cluster": cluster[key]} for key in sorted(cluster)])
    kept = [doc for doc in docs if not doc.copy_of]
    _book(workspace, "dedup", "all", kept, [(row["id"], "exact_duplicate", row["keeper"]) for row in rows])


def _harvest(day: int, came: int) -> dict[str, Any]:
    failed = [] if came else [("http_404", 2), ("http_503", 1)]
    return {
        "source": "egov", "run": f"run-{day}", "time": datetime(2026, 11, day, 12, tzinfo=UTC), "seconds": 9.5,
        "documents": came, "held": 9, "fetched": 12, "asked": 12, "retried": 0, "denied": 1,
        "not_modified": 9 - came, "bytes": 2_340_000, "denied_by_rule": [("Disallow: /a/", 1)],
        "failed": len(failed) and 3, "failed_by_class": failed,
        "dropped": [("empty", 1)], "empty": 1, "garbled": 0, "kept_share": 0.98765, "duplicates": 1,
        "licences": [("PDL-1.0", 9)], "lost_listings": [] if came else ["https://x/ (http_503)"], "error": "",
        "below": [] if came else ["1 listing(s) not read"],
    }  # fmt: skip


def _fetch(doc: Doc, purpose: str = "document", outcome: str = "document") -> dict[str, Any]:
    return {
        "time": datetime(2026, 11, 1, 12, 0, 0, int(doc.id[:4], 16), tzinfo=UTC),
        "run": "run",
        "source": doc.source,
        "url": doc.url,
        "final_url": doc.url,
        "method": "GET",
        "status": 200,
        "purpose": purpose,
        "outcome": outcome,
        "reason": "",
        "content_type": "text/html",
        "bytes": len(doc.text.encode()),
        "etag": None,
        "last_modified": None,
        "raw_sha256": doc.raw,
        "x_robots_tag": None,
        "documents": 1,
        "retries": 0,
    }


def _robots(source: str) -> dict[str, Any]:
    """A page that robots.txt denied: asked for, never fetched."""
    row = _fetch(Doc(source, "denied", ""), "document", "denied_by_robots")
    return {**row, "status": None, "raw_sha256": None, "documents": 0, "reason": "Disallow: /denied (line 3)"}
