"""What is planted in the miniature, as data (planted.toml): tests hold the pipeline's findings against it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Key", "Planted", "planted"]


class Key(NamedTuple):
    """A document by its source and the spider's key."""

    source: str
    key: str


@dataclass(frozen=True)
class Planted:
    """The ground truth of a harvest by the main routes.

    `documents` are all that a harvest must end with; `drops` maps what it must refuse to the reason it books;
    `too_short` is harvested and dropped when it is normalised; `duplicates` are (kind, one, other) with kind exact or
    near; `pii_document` holds the `pii_spans` (type, characters); `forbidden` are (host, path prefix) that nobody may
    ask for; `beside` are (source, path) of documents off the main routes; `not_in_force` are revisions of a law.
    """

    documents: frozenset[Key]
    drops: dict[Key, str]
    too_short: Key
    duplicates: tuple[tuple[str, Key, Key], ...]
    pii_document: Key
    pii_spans: tuple[tuple[str, str], ...]
    forbidden: tuple[tuple[str, str], ...]
    beside: tuple[tuple[str, str], ...]
    not_in_force: tuple[str, ...]


@lru_cache(maxsize=1)
def planted() -> Planted:
    """Read planted.toml."""
    data = tomllib.loads(files("hakusho.miniature").joinpath("planted.toml").read_text(encoding="utf-8"))
    return Planted(
        documents=frozenset(Key(source, key) for source, keys in data["documents"].items() for key in keys),
        drops={Key(source, key): reason for source, pairs in data["drops"].items() for key, reason in pairs},
        too_short=Key(*data["too_short"]),
        duplicates=tuple((d["kind"], Key(*d["pair"][0]), Key(*d["pair"][1])) for d in data["duplicates"]),
        pii_document=Key(*data["pii"]["document"]),
        pii_spans=tuple((kind, text) for kind, text in data["pii"]["spans"]),
        forbidden=tuple((host, prefix) for host, prefix in data["forbidden"]),
        beside=tuple((source, path) for source, paths in data["beside"].items() for path in paths),
        not_in_force=tuple(data["not_in_force"]),
    )
