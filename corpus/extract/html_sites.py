"""Rules of single hosts, as data: which part of a page is its text, and what of it is not (sites.toml)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree  # type: ignore[import-untyped]

from corpus.base.errors import ConfigError

__all__ = ["SiteRule", "rule_for", "rules"]

_KEYS: Final = {"host", "path", "content", "drop"}


@dataclass(frozen=True)
class SiteRule:
    """`host` is a host name, `path` a pattern that the path must begin with; `content` and `drop` are XPaths."""

    host: str
    path: re.Pattern[str]
    content: Any
    drop: Any

    def part(self, root: etree._Element) -> etree._Element | None:
        """The element that holds the text, None where the page is built otherwise."""
        found = self.content(root)
        return found[0] if found and isinstance(found[0].tag, str) else None

    def drops(self, element: etree._Element) -> bool:
        """Whether an element inside is no part of the text."""
        return bool(self.drop(element)) if self.drop is not None else False


@lru_cache(maxsize=1)
def rules() -> tuple[SiteRule, ...]:
    """The rules of sites.toml. Raises ConfigError for one that is not well-formed."""
    table = tomllib.loads(files("corpus.extract").joinpath("sites.toml").read_text("utf-8"))
    return tuple(_rule(entry) for entry in table.get("site", ()))


def _rule(entry: dict[str, Any]) -> SiteRule:
    unknown = set(entry) - _KEYS
    if unknown or not {"host", "content"} <= set(entry):
        raise ConfigError(f"sites.toml: a site has the keys {', '.join(sorted(_KEYS))}; got {', '.join(sorted(entry))}")
    try:
        content = etree.XPath(entry["content"])
        drop = etree.XPath(f"self::*[{entry['drop']}]") if entry.get("drop") else None
        return SiteRule(entry["host"], re.compile(entry.get("path", "/")), content, drop)
    except (etree.XPathSyntaxError, re.error) as error:
        raise ConfigError(f"sites.toml: {entry['host']}: {error}") from error


def rule_for(url: str) -> SiteRule | None:
    """The first rule for the host and path of a URL."""
    try:
        parts = urlsplit(url)
        host, path = (parts.hostname or "").lower(), parts.path or "/"
    except ValueError:
        return None
    return next((rule for rule in rules() if rule.host == host and rule.path.match(path)), None)
