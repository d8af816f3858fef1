"""Which statements on a document's use keep it out of the dataset.

A statement is a word `PLACE:NAME` or `PLACE:NAME=VALUE` (crawlers.reservations): from the page's own bytes, the headers
it came with, or the site's tdmrep.json. Reserving, unless a setting says otherwise: `noai` and `noml` (no training),
`tdm-reservation` with 1 (TDMRep: text and data mining), `noarchive` (no copy may be kept; `nocache` is its other name),
and `noindex` (not meant to be found outside the site; `none` includes it). What speaks of images, links or snippets
(`noimageai`, `nofollow`, `nosnippet`) is recorded and reserves no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["WORDS", "reserving"]

WORDS = ("noai", "noarchive", "noindex", "noml", "tdm-reservation")
_OTHER_NAMES = {"none": "noindex", "nocache": "noarchive"}


def reserving(said: Iterable[str], words: Sequence[str] = WORDS) -> tuple[str, str]:
    """The first of `words` that a document's statements hold, and the statement; two empty strings where none does.

    >>> reserving(["meta:nofollow", "header:none"])
    ('noindex', 'header:none')
    >>> reserving(["well-known:tdm-reservation=0", "meta:noai"], ["tdm-reservation"])
    ('', '')
    """
    found: dict[str, str] = {}
    for statement in sorted(said):
        name, equals, value = statement.partition(":")[2].partition("=")
        if not equals or value == "1":
            found.setdefault(_OTHER_NAMES.get(name, name), statement)
    for word in words:
        if word in found:
            return word, found[word]
    return "", ""
