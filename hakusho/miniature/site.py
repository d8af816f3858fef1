"""What one host of the miniature answers: fixed pages, and a few answers that depend on the query."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from string import Template
from typing import TypeAlias

CANARY = "MINIATURE-CANARY"
HTML = "text/html; charset=UTF-8"
Query: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer: body, media type, status; `validators` says whether it carries an ETag."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    validators: bool = True

    @cached_property
    def etag(self) -> str:
        """A strong validator: it changes if and only if the body does."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


@dataclass
class Site:
    """A host: `fixed` by path, `answers` by path prefix (longest first), `probes` = targets that show the answers."""

    host: str
    missing: Reply
    fixed: dict[str, Reply] = field(default_factory=dict)
    answers: dict[str, Callable[[str, Query], Reply | None]] = field(default_factory=dict)
    probes: list[str] = field(default_factory=list)

    def get(self, path: str, query: Query) -> Reply:
        """Give the reply to a decoded path and its query; the host's own 404 where there is nothing."""
        if path in self.fixed:
            return self.fixed[path]
        for prefix in sorted(self.answers, key=len, reverse=True):
            if path.startswith(prefix):
                return self.answers[prefix](path, query) or self.missing
        return self.missing

    def targets(self) -> list[str]:
        """Every target (path, some with a query) whose answer the fingerprint covers."""
        return sorted([*self.fixed, *self.probes])


def esc(text: str) -> str:
    """Escape text for HTML and XML, quotes too."""
    return html.escape(text, quote=True)


def page(text: str, *, status: int = 200) -> Reply:
    """Make an HTML reply in UTF-8."""
    return Reply(text.encode(), status=status)


def canary(path: str) -> Reply:
    """Make a page that robots.txt forbids: it exists, so that fetching it shows in the corpus and in the access log."""
    return page(
        f'<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>{CANARY}</title></head><body>'
        f"<p>{CANARY}:{esc(path)} このページの取得はロボット排除規約により禁じられています。</p></body></html>"
    )


def text_file(*parts: str) -> str:
    """Read one of the miniature's texts, as `text_file("mod", "pages.txt")`."""
    return files("hakusho.miniature").joinpath("texts", *parts).read_text(encoding="utf-8")


def framed(name: str, **values: object) -> str:
    """Fill one of the pages in texts/frames: `framed("mod.html", title=..., body=...)`; the values are not escaped."""
    return Template(text_file("frames", name)).substitute({key: str(value) for key, value in values.items()})


def text_names(*parts: str) -> list[str]:
    """Names of the text files in a folder of the miniature, sorted."""
    return sorted(p.name for p in files("hakusho.miniature").joinpath("texts", *parts).iterdir() if p.is_file())


def records(text: str) -> list[tuple[dict[str, str], str]]:
    """Split a file of records: each begins with a line `@@@ name`, then `key: value` lines, an empty line, the body."""
    found = []
    for block in ("\n" + text).split("\n@@@ ")[1:]:
        name, _, rest = block.partition("\n")
        head, _, body = ("\n" + rest).partition("\n\n")  # a record may have no fields: then the empty line comes first
        fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        found.append(({"name": name.strip(), **fields}, body.strip()))
    return found
