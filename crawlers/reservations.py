r"""What a page says of its own use: X-Robots-Tag, meta robots (also noai), and TDMRep in header, page, PDF or file.

Each statement becomes one word `PLACE:NAME` or `PLACE:NAME=VALUE`, so that a person can read in the table what was said
and where. Only what is said to all robots or to ours by name counts. Which words keep a document out of the dataset is
not decided here but in corpus.dataset.

>>> page_reservations(b'<meta name="robots" content="noai, follow"><meta name="tdm-reservation" content="1">')
['meta:noai', 'meta:tdm-reservation=1']
>>> header_reservations("googlebot: noindex\nnoarchive", "1", "", "well-known")
['header:noarchive', 'well-known:tdm-reservation=1']

Sources: Google's robots meta tag specification (X-Robots-Tag and its form for one robot), DeviantArt's noai and
noimageai, noml.info, Bing's nocache, and the W3C Community Group's TDMRep of 2024-05-10.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from crawlers.identity import ROBOT
from crawlers.robots import Robots

__all__ = ["TdmRule", "header_reservations", "page_reservations", "tdm_of", "tdmrep"]

_LIMIT = 2**20  # bytes of a page that are looked through; a head lies in the first few thousand
_WORDS = frozenset(
    ("noai", "noarchive", "nocache", "nofollow", "noimageai", "noimageindex", "noindex", "noml", "none", "nosnippet")
)
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")  # their colon names no robot
# Comments and scripts are stepped over, an unclosed one to the end, so that no byte is looked at twice.
_META = re.compile(
    r"""<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1|\Z)|<meta\b((?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)""",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_XMP = re.compile(rb"tdm:(reservation|policy)\s*(?:=\s*[\"']|>)\s*([!#-&(-;=?-~]{1,500})")


@dataclass(frozen=True)
class TdmRule:
    """A rule of a tdmrep.json: path pattern as in robots.txt, reservation (1 or 0), address of the policy or ""."""

    location: str
    reservation: str
    policy: str


def page_reservations(raw: bytes) -> list[str]:
    """What the bytes of a web page or PDF reserve, sorted; a pure function of them. Never raises."""
    head = raw[:1024]
    if b"%PDF-" in head:
        return sorted({f"pdf:tdm-{name.decode()}={value.decode()}" for name, value in _XMP.findall(raw)})
    if b"<" not in head or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
        is_page = re.search(rb"<html\b", head, re.IGNORECASE) is not None
        if not is_page:
            return []
    return sorted(set(_meta(_text(raw[:_LIMIT]))))


def header_reservations(x_robots_tag: str | None, tdm: str | None, policy: str | None, place: str | None) -> list[str]:
    """What the columns of a fetch reserve, sorted. Never raises."""
    said = {f"header:{word}" for line in (x_robots_tag or "").splitlines() for word in _header_words(line)}
    said |= {f"{place}:tdm-{name}={value}" for name, value in (("reservation", tdm), ("policy", policy)) if value}
    return sorted(said)


def tdmrep(body: bytes) -> list[TdmRule]:
    """The rules of a /.well-known/tdmrep.json, in order; none where it is no such file. Never raises."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return []
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return [
        TdmRule(entry["location"], str(entry["tdm-reservation"]), str(entry.get("tdm-policy") or ""))
        for entry in entries
        if isinstance(entry.get("location"), str) and str(entry.get("tdm-reservation")) in ("0", "1")
    ]


def tdm_of(rules: list[TdmRule], url: str) -> TdmRule | None:
    """The first rule whose location fits a URL; locations match as patterns of robots.txt do."""
    for rule in rules:
        location = rule.location if rule.location.startswith(("/", "*")) else f"/{rule.location}"
        pattern = Robots.parse(f"User-agent: *\nDisallow: {location.partition('#')[0]}\n".encode("utf-8", "replace"))
        if pattern.verdict(ROBOT, url).line is not None:
            return rule
    return None


def _text(head: bytes) -> str:
    """Markup as text: names and words are ASCII in any encoding but UTF-16."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "replace")
    return head.decode("latin-1")


def _meta(text: str) -> Iterator[str]:
    for match in _META.finditer(text):
        given = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(match[2] or "")}
        name, content = given.get("name", "").strip().lower(), html.unescape(given.get("content", "")).strip()
        if name in ("robots", ROBOT.lower()):
            yield from (f"meta:{word}" for word in _words(content))
        elif name in ("tdm-reservation", "tdm-policy") and content:
            yield f"meta:{name}={content[:500]}"


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text.lower()) if word in _WORDS]


def _header_words(line: str) -> Iterator[str]:
    """The words of one X-Robots-Tag header that are said to all robots or to ours."""
    ours = True
    for piece in line.lower().split(","):
        name, colon, rest = piece.strip().partition(":")
        named = bool(colon) and name.strip() not in _VALUED
        if named:
            ours = name.strip() in ("*", "robots", ROBOT.lower())
        if ours:
            yield from _words(rest if named else piece)
