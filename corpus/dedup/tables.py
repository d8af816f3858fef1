"""The tables of deduplication, and columns of any table as Python lists."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa


def _field(name: str, kind: pa.DataType, doc: str) -> pa.Field[Any]:
    return pa.field(name, kind, nullable=False, metadata={"doc": doc})


SIGNATURES: Final = pa.schema(
    [
        _field("id", pa.string(), "document id"),
        _field("source", pa.string(), "source name, empty if the input has none"),
        _field("revision", pa.string(), "the source's own version of the document, empty if the input has none"),
        _field("work", pa.string(), "work of which the document is a version (corpus.dedup.versions), empty if none"),
        _field("length", pa.int32(), "length of text in code points"),
        _field("text_hash", pa.string(), "first 32 hex digits of SHA-256 of text"),
        _field("fold_hash", pa.string(), "first 32 hex digits of SHA-256 of the text folded for hashing"),
        _field(
            "signature",
            pa.list_(pa.uint32()),
            "MinHash slots of the folded text's code-point 5-grams, datasketch scheme affine32",
        ),
    ],
    metadata={"table": "signatures", "version": "2"},
)

DUPLICATES: Final = pa.schema(
    [
        _field("id", pa.string(), "document that goes"),
        _field("keeper", pa.string(), "document of the same cluster that stays and is near enough to it"),
        _field("jaccard", pa.float64(), "exact Jaccard of id and keeper, never below the threshold, at most 1"),
        _field("cluster", pa.string(), "least id in their cluster"),
        _field(
            "rule",
            pa.string(),
            "exact_duplicate (the same code points), version (another revision of the keeper's work) or near_duplicate",
        ),
    ],
    metadata={"table": "duplicates", "version": "2"},
)

CLUSTERS: Final = pa.schema(
    [
        _field("id", pa.string(), "every document of the input"),
        _field("cluster", pa.string(), "least id in its cluster, often its own"),
    ],
    metadata={"table": "clusters", "version": "1"},
)

VERSIONS: Final = pa.schema(
    [
        _field("id", pa.string(), "document of a work of which the corpus has more than one"),
        _field("work", pa.string(), "the work, as source:name"),
        _field("revision", pa.string(), "the source's own version of the document"),
        _field("newest", pa.string(), "document of the work's newest revision, often the same"),
        _field("cluster", pa.string(), "least id in the document's cluster"),
    ],
    metadata={"table": "versions", "version": "1"},
)

ITEMS: Final = pa.schema(
    [
        _field("set", pa.string(), "file name of the evaluation set"),
        _field("item", pa.string(), "the item's id there, or its row number from 0"),
        _field("text", pa.string(), "its text, folded for comparison"),
    ],
    metadata={"table": "evaluation", "version": "1"},
)

CONTAMINATED: Final = pa.schema(
    [
        _field("id", pa.string(), "document that holds an item of an evaluation set"),
        _field("set", pa.string(), "file name of the evaluation set"),
        _field("item", pa.string(), "the item it holds most of: its id there, or its row number from 0"),
        _field("containment", pa.float64(), "share of the item's 13-character windows that occur in the document"),
        _field("jaccard", pa.float64(), "exact Jaccard of their 5-grams; 0 where their sizes keep it below the bound"),
        _field("items", pa.int32(), "items that the document holds"),
    ],
    metadata={"table": "contaminated", "version": "1"},
)

BOILERPLATE_LINES: Final = pa.schema(
    [
        _field("source", pa.string(), "source of the documents"),
        _field("line", pa.string(), "line that many of them hold, without blanks at its ends"),
        _field("documents", pa.int64(), "documents that hold it"),
        _field("occurrences", pa.int64(), "times that it occurs in all"),
        _field("chars", pa.int64(), "its length in code points"),
    ],
    metadata={"table": "boilerplate_lines", "version": "1"},
)

BOILERPLATE_DOCUMENTS: Final = pa.schema(
    [
        _field("id", pa.string(), "document with at least one such line"),
        _field("source", pa.string(), "its source"),
        _field("lines", pa.int64(), "its lines that are not blank"),
        _field("boilerplate_lines", pa.int64(), "those among them that are boilerplate"),
        _field("chars", pa.int64(), "code points of its lines"),
        _field("boilerplate_chars", pa.int64(), "code points of those that are boilerplate"),
        _field("share", pa.float64(), "boilerplate_chars over chars, 0 to 1"),
    ],
    metadata={"table": "boilerplate_documents", "version": "1"},
)

EXACT: Final = pa.schema(
    [
        _field("fold_hash", pa.string(), "hash of the folded text that several documents share"),
        _field("id", pa.string(), "one of them"),
    ],
    metadata={"table": "exact", "version": "1"},
)

BUCKETS: Final = pa.schema(
    [
        _field("band", pa.int16(), "number of the band"),
        _field("key", pa.uint64(), "key of the band that several texts share"),
        _field("id", pa.string(), "one of them; the least id where documents have the same folded text"),
    ],
    metadata={"table": "buckets", "version": "1"},
)

CANDIDATES: Final = pa.schema(
    [
        _field("id", pa.string(), "document that shares its folded text or a band with another"),
        _field("part", pa.int32(), "part of the verification it falls to; its whole candidate component does"),
        _field("compared", pa.bool_(), "whether its text is needed: it shares a band with a different text"),
    ],
    metadata={"table": "candidates", "version": "1"},
)

GATHERED: Final = pa.schema(
    [
        CANDIDATES.field("part"),
        *SIGNATURES,
        _field("text", pa.string(), "its text where it is compared, else empty"),
    ],
    metadata={"table": "gathered", "version": "1"},
)


def keys_schema(bands: int) -> pa.Schema:
    """Return the schema of a shard's band keys: what the joins over all documents read, a column a band."""
    keys = [_field(band_column(band), pa.uint64(), f"key of band {band}") for band in range(bands)]
    held = [SIGNATURES.field(name) for name in ("id", "fold_hash", "revision", "work")]
    return pa.schema([*held, *keys], metadata={"table": "keys", "version": "1"})


def band_column(band: int) -> str:
    """Return the name of the column that holds this band's keys."""
    return f"band_{band:04d}"


def values(table: pa.Table, name: str) -> list[Any]:
    """Return a column as a list of Python values."""
    return table[name].to_pylist()


def whole(column: Any) -> Any:
    """Return an Arrow array: a chunked one as one piece, any other as it is."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
