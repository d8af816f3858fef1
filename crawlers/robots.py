r"""robots.txt as RFC 9309 reads it: which rule decides for a URL, on which line, and what a failed fetch means.

Our own matcher, since the record of a crawl names the deciding rule and its line. It knows nothing of the crawl:

>>> robots = Robots.parse(b"User-agent: *\nDisallow: /a/\nAllow: /a/open*.html$\n")
>>> robots.verdict("HakushoBot/0.1 (+mailto:dev@example.org)", "https://example.org/a/x")
Verdict(allowed=False, rule='Disallow: /a/', line=2)
>>> robots.verdict("HakushoBot", "https://example.org/a/open-1.html").line
3
>>> Robots.from_fetch(503, b"", "").verdict("HakushoBot", "https://example.org/").allowed
False

Source: RFC 9309; Crawl-delay and Sitemap are the common extensions. Keys that are misspelt in well-known ways, or
written without their colon, are read as their keeper meant them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

__all__ = ["LIMIT", "Robots", "Verdict", "product_token"]

LIMIT = 500 * 1024  # bytes that are read; RFC 9309 2.5 asks for at least these

_TOKEN = re.compile(r"[A-Za-z_-]*")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_KEYS = {
    **dict.fromkeys(("user-agent", "useragent", "user agent"), "agent"),
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow", "diasllow"), "disallow"),  # codespell:ignore
    "allow": "allow",
    **dict.fromkeys(("crawl-delay", "crawl delay", "crawldelay"), "delay"),
    **dict.fromkeys(("sitemap", "sitemaps", "site-map"), "sitemap"),
}
_NO_COLON = re.compile(
    rf"({'|'.join(sorted(map(re.escape, _KEYS), key=len, reverse=True))})[ \t]+(?=\S)", re.IGNORECASE
)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# An escape, or an octet that no URL holds bare. `*` and `$` are special in a pattern, so literal ones are encoded.
_ODD = re.compile(rb"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~/:?#\[\]@!&'()+,;=%]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_DELAY = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_COMMENTS = rb"\s*+(?:<!--(?:(?!-->).)*+-->\s*+)*+"  # possessive: no way back, so linear on hostile bytes
_HTML_START = re.compile(
    _COMMENTS + rb"<(!doctype\s+html|html|head|body|title|meta|script)\b", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(rb"<[a-zA-Z!/][^<>]*>")


@dataclass(frozen=True)
class Verdict:
    """Whether a URL may be asked; the rule as its keeper wrote it and its line (from 1), None where no rule decides."""

    allowed: bool
    rule: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class _Rule:
    """A rule ready to match: `parts` are the octets between wildcards."""

    allow: bool
    parts: tuple[bytes, ...]
    anchored: bool
    size: int
    text: str
    line: int

    def matches(self, path: bytes) -> bool:
        """Whether the pattern fits a normalised path: each part at its first place, which is enough and linear."""
        first, *rest = self.parts
        if not path.startswith(first):
            return False
        if not rest:
            return not self.anchored or len(path) == len(first)
        place, last = len(first), rest.pop()
        for part in rest:
            found = path.find(part, place)
            if found < 0:
                return False
            place = found + len(part)
        if self.anchored:
            return len(path) - place >= len(last) and path.endswith(last)
        return path.find(last, place) >= 0


@dataclass
class _Group:
    """What is said to one product token: lists that it shares with the others of the same user-agent lines.

    Sharing keeps a file of many agents and many rules as small in memory as it is on the wire.
    """

    rules: list[list[_Rule]] = field(default_factory=list)
    delays: list[list[float]] = field(default_factory=list)


class Robots:
    """The rules of one origin. `outcome` says where they come from: rules, unavailable, html or unreachable."""

    def __init__(self, outcome: str = "rules") -> None:
        self.outcome = outcome
        self.sitemaps: tuple[str, ...] = ()
        self._groups: dict[str, _Group] = {}
        self._ordered: dict[str, list[_Rule]] = {}

    @classmethod
    def parse(cls, body: bytes) -> Robots:
        """Read the bytes of a robots.txt. Never raises: a line that is none of the known ones means nothing."""
        robots = cls()
        reader = _Reader(robots._groups)
        for number, line in enumerate(_lines(body), 1):
            reader.read(number, line)
        robots.sitemaps = tuple(reader.sitemaps)
        return robots

    @classmethod
    def from_fetch(cls, status: int | None, body: bytes, content_type: str) -> Robots:
        """What an answer means (`status` None: there was none; 3xx: more redirects than are followed).

        2xx: its rules, unless the body is an HTML page, which holds none (outcome html). 429, 5xx and no answer:
        nothing may be asked (unreachable). Any other status: there are no rules (unavailable).
        """
        if status is None or status == 429 or not 200 <= status < 500:
            return cls("unreachable")
        if status >= 300:
            return cls("unavailable")
        return cls("html") if _is_html(body, content_type) else cls.parse(body)

    def verdict(self, agent: str, url: str) -> Verdict:
        """Whether `agent` (a product token, or a User-Agent header that begins with it) may ask for a URL or path."""
        path = _path(url)
        if path.partition(b"?")[0] == b"/robots.txt":
            return Verdict(True)
        if self.outcome == "unreachable":
            return Verdict(False)
        for rule in self._rules(agent):
            if rule.matches(path):
                return Verdict(rule.allow, rule.text, rule.line)
        return Verdict(True)

    def crawl_delay(self, agent: str) -> float | None:
        """Seconds that the site asks `agent` to leave between requests, the most of several; None where it does not."""
        group = self._groups.get(self._name(agent), _Group())
        return max((seconds for said in group.delays for seconds in said), default=None)

    def _name(self, agent: str) -> str:
        """The group that counts for an agent: its own, else that of all."""
        token = product_token(agent)
        return token if token in self._groups else "*"

    def _rules(self, agent: str) -> list[_Rule]:
        """The rules for an agent, the most specific first, an allowing one first among equals."""
        name = self._name(agent)
        if name not in self._ordered and name in self._groups:
            merged = [rule for rules in self._groups[name].rules for rule in rules]
            self._ordered[name] = sorted(merged, key=lambda rule: (-rule.size, not rule.allow, rule.line))
        return self._ordered.get(name, [])


class _Reader:
    """Puts the lines of a file into groups: rules belong to all user-agent lines since the last rule before them."""

    def __init__(self, groups: dict[str, _Group]) -> None:
        self.groups = groups
        self.sitemaps: list[str] = []
        self._rules: list[_Rule] = []  # of the user-agent lines that are open or were last
        self._delays: list[float] = []  # of those among them since the last Crawl-delay
        self._open = self._fresh = True  # whether a user-agent line joins them, or begins anew

    def read(self, number: int, line: str) -> None:
        """Read one line without its end; a line of another kind neither means anything nor ends a group."""
        text = line.partition("#")[0].strip(" \t")
        key, value = _key_and_value(text)
        if key == "agent":
            self._agent(value)
        elif key in ("allow", "disallow"):
            self._open = self._fresh = False
            rule = _rule(key == "allow", value, text, number)
            if rule is not None:
                self._rules.append(rule)
        elif key == "delay":
            self._fresh = False
            seconds = float(value) if _DELAY.fullmatch(value) else math.inf
            if math.isfinite(seconds):
                self._delays.append(seconds)
        elif key == "sitemap" and value:
            self.sitemaps.append(value)

    def _agent(self, value: str) -> None:
        if not self._open:
            self._rules, self._open = [], True
        if not self._fresh:
            self._delays, self._fresh = [], True
        name = "*" if value == "*" or value[:2] in ("* ", "*\t") else product_token(value)
        if not name:  # nobody's line; it opens a group all the same
            return
        group = self.groups.setdefault(name, _Group())
        if not group.rules or group.rules[-1] is not self._rules:
            group.rules.append(self._rules)
        if not group.delays or group.delays[-1] is not self._delays:
            group.delays.append(self._delays)


def product_token(agent: str) -> str:
    """The product token that an agent's name begins with, in lower case (RFC 9309 2.2.1: letters, `-` and `_`).

    >>> product_token("HakushoBot/0.1 (+https://example.org)")
    'hakushobot'
    """
    found = _TOKEN.match(agent.strip())
    return found[0].lower() if found else ""


def _lines(body: bytes) -> list[str]:
    """The lines within the limit, split at CR, LF and CRLF alone; one that the limit cuts is left out."""
    text = body[:LIMIT].removeprefix(b"\xef\xbb\xbf")
    lines = _LINE_END.split(text)
    if len(body) > LIMIT and body[LIMIT : LIMIT + 1] not in (b"\r", b"\n"):
        lines.pop()
    return [line.decode("utf-8", "surrogateescape") for line in lines]


def _key_and_value(text: str) -> tuple[str, str]:
    """The meaning of a line and its value; "" for one of no known kind."""
    key, colon, value = text.partition(":")
    known = _KEYS.get(key.strip(" \t").lower(), "") if colon else ""
    if known:
        return known, value.strip(" \t")
    bare = _NO_COLON.match(text)
    return (_KEYS[bare[1].lower()], text[bare.end() :]) if bare else ("", "")


def _rule(allow: bool, pattern: str, text: str, line: int) -> _Rule | None:
    """Compile a rule; None for an empty pattern, or one that cannot match since it begins with neither / nor *."""
    if not pattern.startswith(("/", "*")):
        return None
    anchored = pattern.endswith("$")
    octets = pattern.removesuffix("$").encode("utf-8", "surrogateescape")
    parts = tuple(_normal(part) for part in octets.split(b"*"))
    size = sum(map(len, parts)) + len(parts) - 1 + anchored
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _Rule(allow, parts, anchored, size, shown, line)


def _path(url: str) -> bytes:
    """Path and query of a URL, or a path as it is, as normalised octets."""
    found = _AUTHORITY.match(url)
    path = (url[found.end() :] if found else url).partition("#")[0]
    if not path.startswith("/"):
        path = f"/{path}"
    return _normal(path.encode("utf-8", "surrogatepass"))


def _normal(octets: bytes) -> bytes:
    """One spelling of percent-encoding: unreserved octets bare, others that no URL may hold bare encoded.

    An encoded reserved octet stays encoded (%2F is no separator).

    >>> _normal("/特%7e%2f*".encode())
    b'/%E7%89%B9~%2F%2A'
    """
    if _UNRESERVED.issuperset(octets.replace(b"/", b"")):
        return octets
    return _ODD.sub(_spell, octets)


def _spell(found: re.Match[bytes]) -> bytes:
    octet = int(found[1], 16) if found[1] else found[0][0]
    return bytes((octet,)) if found[1] and octet in _UNRESERVED else b"%%%02X" % octet


def _is_html(body: bytes, content_type: str) -> bool:
    """Whether a body is a web page: by its first tag, or by its type if it holds tags at all.

    Rules that a server merely mislabels as HTML are still rules.
    """
    head = body[:LIMIT].removeprefix(b"\xef\xbb\xbf")
    if _HTML_START.match(head):
        return True
    media = content_type.partition(";")[0].strip().lower()
    return media in ("text/html", "application/xhtml+xml") and _TAG.search(head) is not None
