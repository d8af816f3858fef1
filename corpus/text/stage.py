"""Stage "normalised": documents to clean text in a known language.

Drops what no later stage could use, each with a reason: `garbled` (the alarm of corpus.text.scripts), `no_language`
(neither Japanese nor English), `too_short`, `superseded` (by a newer text of the same page).
"""

from __future__ import annotations

import hashlib
from typing import Final

import pyarrow as pa

from corpus.base.shards import read_shard
from corpus.base.stages import Job
from corpus.text.language import language
from corpus.text.normalise import normalise
from corpus.text.scripts import garbled_share
from corpus.text.settings import TextSettings

__all__ = ["NORMALISED", "run"]

NORMALISED: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"doc": "document id"}),
        pa.field("source", pa.string(), nullable=False, metadata={"doc": "source of the document"}),
        pa.field("lang", pa.string(), nullable=False, metadata={"doc": "ja or en, by the normalised text"}),
        pa.field("title", pa.string(), nullable=False, metadata={"doc": "normalised title"}),
        pa.field("text", pa.string(), nullable=False, metadata={"doc": "normalised text"}),
        pa.field("text_sha256", pa.string(), nullable=False, metadata={"doc": "SHA-256 of text as UTF-8"}),
    ]
)


def run(job: Job) -> None:
    """Normalise one documents shard into data/normalised/<name>.parquet, sorted by id.

    Further inputs are tables of standing: a text that another took the place of at its URL is dropped here, before it
    could be taken for a copy of the newer one, or the newer for a copy of it. The task's configuration is that of
    TextSettings, by name.
    """
    table = read_shard(job.inputs[0], ["id", "source", "title", "text"])
    newer = {
        row["id"]: row["superseded_by"]
        for path in job.inputs[1:]
        for row in read_shard(path, ["id", "superseded_by"]).to_pylist()
        if row["superseded_by"]
    }
    settings = TextSettings(**job.config)  # type: ignore[arg-type]  # plain JSON that came from asdict
    rows: list[dict[str, str]] = []
    dropped: list[tuple[str, str, str]] = []
    for row in sorted(table.to_pylist(), key=lambda row: str(row["id"])):
        if row["id"] in newer:
            dropped.append((row["id"], "superseded", newer[row["id"]]))
            continue
        text = normalise(row["text"])
        lang, reason, detail = _judge(text, settings)
        if reason:
            dropped.append((row["id"], reason, detail))
            continue
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            {
                "id": row["id"],
                "source": row["source"],
                "lang": lang,
                "title": " ".join(normalise(row["title"]).split()),
                "text": text,
                "text_sha256": digest,
            }
        )
    job.commit_table(f"normalised/{job.name}.parquet", pa.Table.from_pylist(rows, schema=NORMALISED))
    job.ledger([row["id"] for row in rows], dropped)


def _judge(text: str, settings: TextSettings) -> tuple[str, str, str]:
    """(language, "", "") of a text to keep, or ("", reason code, detail) of one to drop."""
    garbled = garbled_share(text)
    if garbled > settings.max_garbled:
        return "", "garbled", f"{garbled:.3f} of the characters belong to no Japanese or English text"
    lang = language(text)
    if lang is None:
        return "", "no_language", "neither Japanese nor English by its scripts and words"
    least = settings.min_chars_ja if lang == "ja" else settings.min_chars_en
    if len(text) < least:
        return "", "too_short", f"{len(text)} characters, fewer than {least} ({lang})"
    return lang, "", ""
