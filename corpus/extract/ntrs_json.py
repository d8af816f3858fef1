"""A record of NASA's NTRS as its API gives it: title and abstract, for a report whose file cannot be read."""

from __future__ import annotations

import json
from typing import Final

from corpus.extract.model import Extracted, TextBuilder, failure, finish

__all__ = ["extract", "is_record"]

NAME: Final = "ntrs_json"
VERSION: Final = "1"


def is_record(data: bytes) -> bool:
    """Whether JSON bytes look like a record, by keys that every one has."""
    head = data[:200_000]
    return b'"stiType"' in head and b'"distribution"' in head


def extract(data: bytes) -> Extracted:
    """Title and abstract of a record; "empty" where it has none, "truncated" or "unsupported" for broken JSON."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        outcome = "unsupported" if data.rstrip().endswith((b"}", b"]")) else "truncated"
        return failure(outcome, f"not valid JSON: {error}", NAME, VERSION)
    if not isinstance(record, dict):
        return failure("unsupported", "JSON that is no record", NAME, VERSION)
    title, abstract = (str(record.get(key) or "").strip() for key in ("title", "abstract"))
    if not abstract:
        return failure("empty", "the record has no abstract", NAME, VERSION, title=title)
    builder = TextBuilder()
    builder.add("title", title)
    for line in abstract.splitlines():
        builder.add("body", line, ("Abstract",))
    return finish(
        builder,
        extractor=NAME,
        version=VERSION,
        title=title,
        source_chars=len(title) + len(abstract),
        facts={"abstract": abstract},
    )
