"""Versions: which documents are one work at different times.

A white paper's page in two years, two revisions of a package insert, a law before and after an amendment and an
article in two dumps are near copies on purpose. What they have in common is the work; the source's own key tells it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

import pyarrow as pa

from corpus.dedup.keepers import natural
from corpus.dedup.tables import VERSIONS, values

__all__ = ["versions", "work"]

# What a key says of the version, by source; the rest of the key is the work. Elsewhere the whole key is the work.
_VERSION: Final = {
    "egov": re.compile(r"_.*"),  # law revision id: law id _ enforcement date _ amending law
    "mod": re.compile(r"(?:^|(?<=/))(?:19|20)[0-9]{2}(?:/|$)"),  # year / page
    "pmda": re.compile(r"_[0-9]+$"),  # packins_no: insert _ form _ version
}


def work(source: str, key: str) -> str:
    """Return the work a document is a version of, as source:name; "" where there is no key.

    >>> work("egov", "405AC0000000088_20250601_504AC0000000068")
    'egov:405AC0000000088'
    >>> work("mod", "2024/html/n1.html"), work("pmda", "530100_1124003F1027_1_10"), work("wikipedia", "ja:東京")
    ('mod:html/n1.html', 'pmda:530100_1124003F1027_1', 'wikipedia:ja:東京')
    """
    if not key:
        return ""
    pattern = _VERSION.get(source)
    name = pattern.sub("", key) if pattern else key
    return f"{source}:{name or key}"


def versions(rows: pa.Table) -> pa.Table:
    """Return the VERSIONS rows, by id, of a table (id, work, revision, cluster) that holds works of several documents.

    Near copies or not, all versions are named; the newest is that of the greatest revision (numbers inside it compare
    as numbers), of two equal ones the lesser id.
    """
    works: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, revision, key in zip(*(values(rows, column) for column in ("work", "revision", "id")), strict=True):
        works[name].append((key, revision))
    newest = {name: max(sorted(held), key=lambda one: natural(one[1]))[0] for name, held in works.items()}
    ranked = rows.append_column("newest", pa.array([newest[name] for name in values(rows, "work")], pa.string()))
    return ranked.select(VERSIONS.names).sort_by("id").cast(VERSIONS)
