"""How the dataset lies on disk, and the columns of its two tables."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

__all__ = ["ATTRIBUTION", "ATTRIBUTION_FILE", "CARD", "FOLDERS", "ROWS", "place_of", "shard_name", "shard_paths"]

CARD = "README.md"
ATTRIBUTION_FILE = "ATTRIBUTION.parquet"
FOLDERS = {"default": "data", "cc_by_sa": "cc_by_sa", "restricted": "restricted"}
"""Configuration -> its folder below data/dataset."""

_SHARD = re.compile(r"(?P<split>[a-z]+)-[0-9]{5,}-of-[0-9]{5,}\.parquet")


def _field(name: str, kind: pa.DataType, doc: str, *, nullable: bool = False) -> pa.Field[pa.DataType]:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


ROWS = pa.schema(
    [
        _field("id", pa.string(), "document id; `hakusho why ID` tells its whole story"),
        _field("text", pa.string(), "normalised text with personal data masked"),
        _field("source", pa.string(), "egov, mod, nasa, pmda or wikipedia"),
        _field("domain", pa.string(), "one of the eight domains"),
        _field("verdict", pa.string(), "ALLOW; ESCALATION in the restricted configuration"),
        _field("lang", pa.string(), "ja or en"),
        _field("title", pa.string(), "title as the document states it"),
        _field("url", pa.string(), "citable URL on the source's own host"),
        _field("revision", pa.string(), "the source's own version"),
        _field("licence", pa.string(), "licence id"),
        _field("attribution", pa.string(), "credit line that the source asks for; dates are in ATTRIBUTION.parquet"),
        _field(
            "cluster", pa.string(), "near-duplicate cluster: its smallest document id; never on two sides of a split"
        ),
        _field("raw_sha256", pa.string(), "SHA-256 of the bytes the text was extracted from"),
        _field("extractor", pa.string(), "reader that made the text"),
        _field("extractor_version", pa.string(), "its version"),
        _field("policy_version", pa.string(), "version of the policy that judged the text"),
        _field("reservations", pa.list_(pa.string()), "what page, headers or site say on its use, e.g. meta:noimageai"),
        _field("pii_masked", pa.int32(), "spans of personal data masked in text"),
        _field("n_chars", pa.int32(), "code points of text"),
    ],
    metadata={"table": "dataset", "version": "1"},
)

ATTRIBUTION = pa.schema(
    [
        _field("id", pa.string(), "document id"),
        _field("url", pa.string(), "citable URL on the source's own host"),
        _field("licence", pa.string(), "licence id"),
        _field("attribution", pa.string(), "credit line that the source asks for"),
        _field(
            "retrieved_at",
            pa.timestamp("us", tz="UTC"),
            "when these bytes were last fetched; null for an import",
            nullable=True,
        ),
        _field(
            "harvested_url", pa.string(), "address they were fetched from: a mirror or loopback shows", nullable=True
        ),
        _field("rehearsal", pa.bool_(), "whether that URL is on loopback: a rehearsal on planted pages, not a harvest"),
    ],
    metadata={"table": "attribution", "version": "1"},
)


def shard_name(config: str, split: str, number: int, total: int) -> str:
    """Path of a shard below data/dataset, in the form the Hugging Face hub expects.

    >>> shard_name("default", "train", 0, 3)
    'data/train-00000-of-00003.parquet'
    """
    return f"{FOLDERS[config]}/{split}-{number:05d}-of-{total:05d}.parquet"


def place_of(path: Path) -> tuple[str, str] | None:
    """(configuration, split) of a shard by its folder and name, None for any other file.

    >>> place_of(Path("dataset/data/test-00000-of-00001.parquet"))
    ('default', 'test')
    """
    match = _SHARD.fullmatch(path.name)
    configs = [config for config, folder in FOLDERS.items() if folder == path.parent.name]
    return (configs[0], match["split"]) if match and configs else None


def shard_paths(folder: Path) -> list[Path]:
    """The shards below data/dataset, sorted."""
    return sorted(path for path in folder.glob("*/*.parquet") if place_of(path))
