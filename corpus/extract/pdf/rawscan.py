"""A look at the streams of a file whose structure cannot be followed: whether any of them unpacks to a bomb."""

from __future__ import annotations

import re
import zlib
from typing import Final

__all__ = ["within_limits"]

_START: Final = re.compile(rb"stream\r?\n")
_MOST: Final = 256 * 2**20  # bytes unpacked, of all streams together
_DEPTH: Final = 4  # filters within filters


def within_limits(data: bytes) -> bool:
    """Whether everything that unpacks in these bytes unpacks to less than 256 MiB."""
    left = _MOST
    for match in _START.finditer(data):
        end = data.find(b"endstream", match.end())
        left -= _unpacked(data[match.end() : end if end >= 0 else len(data)], left, 0)
        if left <= 0:
            return False
    return True


def _unpacked(data: bytes, limit: int, depth: int) -> int:
    """Bytes that a stream unpacks to, at most `limit`; what comes out may be packed again."""
    if depth >= _DEPTH or data[:1] not in (b"\x78", b"\x58", b"\x48", b"\x68"):
        return 0
    unpacker = zlib.decompressobj()
    size, first = 0, b""
    try:
        while size < limit:
            part = unpacker.decompress(unpacker.unconsumed_tail if size else data, 2**20)
            if not part:
                break
            first = first if size > 2**22 else first + part
            size += len(part)
            if unpacker.eof:
                break
    except zlib.error:
        pass
    return min(limit, size + _unpacked(first, max(0, limit - size), depth + 1))
