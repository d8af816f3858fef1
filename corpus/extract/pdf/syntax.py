"""The objects of a PDF as plain Python values: what the inspection of a file needs, a token at a time by one pattern.

Names are strings that begin with "/", strings are bytes, references are `Ref`, dictionaries `Dict`, streams `Stream`.
An array of numbers and of arrays of numbers (the widths of a font) is passed over: it is an empty list.
Source: ISO 32000-2, 7.2 and 7.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

__all__ = ["Dict", "OddSyntaxError", "Ref", "Stream", "parse"]

_MAX_DEPTH: Final = 50  # arrays and dictionaries within each other
_BLANK: Final = rb"[\0\t\n\f\r ]"
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    rb"(?:" + _BLANK + rb"|%[^\r\n]*+)*+(?:"
    rb"(/" + _REGULAR + rb"*+)"
    rb"|(\d{1,9})" + _BLANK + rb"++(\d{1,5})" + _BLANK + rb"++R(?!" + _REGULAR + rb")"
    rb"|([+-]?(?:\d++(?:\.\d*+)?|\.\d++))(?!" + _REGULAR + rb")"
    rb"|(<<)|(>>)|(\[)|(\])"
    rb"|\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+)\)"
    rb"|<((?:[0-9A-Fa-f]|" + _BLANK + rb")*+)>"
    rb"|(true|false|null)(?!" + _REGULAR + rb"))",
    re.DOTALL,
)
_NAME, _REF, _NUMBER, _OPEN, _CLOSE, _ARRAY, _ARRAY_END, _STRING, _HEX = 1, 3, 4, 5, 6, 7, 8, 9, 10
_PLAIN: Final = re.compile(rb"(?:[\d.+-]|" + _BLANK + rb")*+\]")
_NESTED: Final = re.compile(rb"(?:[\d.+-]|" + _BLANK + rb"|\[(?:[\d.+-]|" + _BLANK + rb")*+\])*+\]")
_HASH: Final = re.compile(r"#([0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))|(\r\n?)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\r": b"", b"\n": b""}
_WORDS: Final = {b"true": True, b"false": False, b"null": None}


class OddSyntaxError(Exception):
    """Something out of the ordinary, which a patient reader must look at."""


class Ref:
    """A reference to an object; `owner` finds objects by their number."""

    __slots__ = ("_find", "generation", "idnum")

    def __init__(self, idnum: int, generation: int, find: Callable[[int, int], Any]) -> None:
        self.idnum, self.generation, self._find = idnum, generation, find

    def get_object(self) -> Any:
        """The object. Raises OddSyntaxError where it is none, or a reference again."""
        return self._find(self.idnum, self.generation)


class Dict(dict[str, Any]):
    """A dictionary; a value may be a Ref."""

    __slots__ = ()

    def raw_get(self, name: str) -> Any:
        """A value as it stands."""
        return self[name]


class Stream(Dict):
    """A stream: its dictionary, and the way to its bytes."""

    __slots__ = ("_unpacked",)

    def __init__(self, known: Dict, unpacked: Callable[[Stream], bytes]) -> None:
        super().__init__(known)
        self._unpacked = unpacked

    def get_data(self) -> bytes:
        """The bytes, unpacked. Raises OddSyntaxError and others where that is not plain."""
        return self._unpacked(self)


def parse(data: bytes, at: int, find: Callable[[int, int], Any], depth: int = 0) -> tuple[Any, int]:
    """(the value that begins at a place, where it ends). Raises OddSyntaxError."""
    match = _TOKEN.match(data, at)
    if match is None:
        raise OddSyntaxError(f"no value at {at}")
    kind, end = match.lastindex, match.end()
    if kind == _NAME:
        return _name(match[_NAME]), end
    if kind == _REF:
        return Ref(int(match[2]), int(match[3]), find), end
    if kind == _NUMBER:
        return _number(match[_NUMBER]), end
    if kind in (_OPEN, _ARRAY):
        if depth > _MAX_DEPTH:
            raise OddSyntaxError(f"more than {_MAX_DEPTH} values within each other")
        return (_dictionary if kind == _OPEN else _array)(data, end, find, depth + 1)
    if kind == _STRING:
        return _string(match[_STRING]), end
    if kind == _HEX:
        digits = b"".join(match[_HEX].split()).replace(b"\0", b"")
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()), end
    if kind in (_CLOSE, _ARRAY_END):
        raise OddSyntaxError(f"an end without a beginning at {at}")
    return _WORDS[match[11]], end


def _dictionary(data: bytes, at: int, find: Callable[[int, int], Any], depth: int) -> tuple[Dict, int]:
    found = Dict()
    while True:
        match = _TOKEN.match(data, at)
        if match is None or match.lastindex not in (_NAME, _CLOSE):
            raise OddSyntaxError(f"no key at {at}")
        if match.lastindex == _CLOSE:
            return found, match.end()
        key = _name(match[_NAME])
        if key in found:
            raise OddSyntaxError(f"{key} twice in one dictionary")
        found[key], at = parse(data, match.end(), find, depth)


def _array(data: bytes, at: int, find: Callable[[int, int], Any], depth: int) -> tuple[list[Any], int]:
    plain = _PLAIN.match(data, at)
    if plain is not None:
        return _numbers(plain[0][:-1].replace(b"\0", b" ").split()), plain.end()
    nested = _NESTED.match(data, at)
    if nested is not None:
        return [], nested.end()
    found: list[Any] = []
    while True:
        match = _TOKEN.match(data, at)
        if match is not None and match.lastindex == _ARRAY_END:
            return found, match.end()
        value, at = parse(data, at, find, depth)
        found.append(value)


@lru_cache(maxsize=4096)
def _name(raw: bytes) -> str:
    name = raw.decode("latin-1")
    return _HASH.sub(lambda match: chr(int(match[1], 16)), name) if "#" in name else name


def _number(raw: bytes) -> float:
    try:
        return float(raw) if b"." in raw else int(raw)
    except ValueError:
        raise OddSyntaxError(f"a number {raw[:20]!r}") from None


def _numbers(words: list[bytes]) -> list[float]:
    try:
        return list(map(int, words))
    except ValueError:
        return list(map(_number, words))


def _string(raw: bytes) -> bytes:
    if b"\\" not in raw and b"\r" not in raw:
        return raw
    return _ESCAPE.sub(_unescaped, raw)


def _unescaped(match: re.Match[bytes]) -> bytes:
    octal, other, line = match[1], match[2], match[3]
    if octal is not None:
        return bytes((int(octal, 8) & 255,))
    return b"\n" if line is not None else _ESCAPED.get(other, other)
