"""Secrets: keys and tokens that vendors mark by a prefix, JSON Web Tokens, private keys in PEM; in a text or a file.

The prefixes are those that the vendors publish so that scanners may find what slipped out.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Finding", "scan", "spans"]

# Every run is bounded, so that no text, however made, costs more than its length.
_PATTERN: Final = (
    r"(?<![A-Za-z0-9_])(?:(?:(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35})(?![A-Za-z0-9_])"
    r"|gh[opsur]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[A-Za-z0-9_-]{20,255}|hf_[A-Za-z0-9]{30,255}"
    r"|npm_[A-Za-z0-9]{36}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}"
    r"|sk-(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{20,255}|xox[abeprs]-[A-Za-z0-9-]{10,255}"
    r"|eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096})"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:"
    r"[A-Za-z0-9+/=:,\s-]{0,20000}?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)|\s{0,4}[A-Za-z0-9+/=]{60,20000})"
)
# What each of them begins with: looking for these first is what makes gigabytes of weights cheap to look through.
_STARTS: Final = (
    b"AKIA", b"ASIA", b"AIza", b"gho_", b"ghp_", b"ghs_", b"ghu_", b"ghr_", b"github_pat_", b"glpat-", b"hf_", b"sk-",
    b"npm_", b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"xox", b"eyJ", b"-----BEGIN ",
)  # fmt: skip
_CHUNK: Final = 1 << 24  # bytes looked through at once
_TEXT: Final = re.compile(_PATTERN)
_BYTES: Final = re.compile(_PATTERN.encode())
_SHOWN = 4  # characters of a secret that a message may show: its kind, and nothing to use


@dataclass(frozen=True)
class Finding:
    """A secret in a file: its line from 1, or in a file that is no text the byte it begins at, and a masked form."""

    path: Path
    place: str
    masked: str

    def line(self) -> str:
        """One line for a person."""
        return f"{self.path}, {self.place}: {self.masked}"


def spans(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each secret in a text, in code points, end exclusive."""
    yield from (match.span() for match in _TEXT.finditer(text))


def scan(path: Path, known: Sequence[str] = ()) -> Iterator[Finding]:
    """Secrets in a file, in any byte of it, and of `known` ones each that stands in it. Raises OSError."""
    if not path.stat().st_size:
        return
    values = [value.encode() for value in known if value]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = 0
        for start in _places(content, (*_STARTS, *values)):
            match = _BYTES.match(content, start) if start >= end else None
            secret = match[0] if match else next((v for v in values if content[start : start + len(v)] == v), b"")
            if secret and start >= end:
                end = start + len(secret)
                yield Finding(path, _place(content, start), _mask(secret))


def _places(content: mmap.mmap, words: Sequence[bytes]) -> Iterator[int]:
    """Where any of the words begins, in order."""
    longest = max(map(len, words))
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK + longest - 1]
        found = set()
        for word in words:
            at = chunk.find(word)
            while 0 <= at < _CHUNK:
                found.add(start + at)
                at = chunk.find(word, at + 1)
        yield from sorted(found)


def _place(content: mmap.mmap, at: int) -> str:
    if b"\0" in content[:8192]:
        return f"byte {at}"
    lines = content[:at].count(b"\n")
    return f"line {lines + 1}"


def _mask(secret: bytes) -> str:
    shown = secret[:_SHOWN].decode("ascii", "replace")
    return f"{shown}… ({len(secret)} characters)"
