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
_BLANKS: Final = rb"(?:" + _BLANK + rb"|%[^\r\n]*+)*+"
_KEY: Final = rb"(/" + _REGULAR + rb"*+)"
_VALUE: Final = (
    rb"(?:(/" + _REGULAR + rb"*+)"
    rb"|(\d{1,9})" + _BLANK + rb"++(\d{1,5})" + _BLANK + rb"++R(?!" + _REGULAR + rb")"
    rb"|([+-]?(?:\d++(?:\.\d*+)?|\.\d++))(?!" + _REGULAR + rb")"
    rb"|(<<)|(\[)"
    rb"|\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+)\)"
    rb"|<((?:[0-9A-Fa-f]|" + _BLANK + rb")*+)>"
    rb"|(true|false|null)(?!" + _REGULAR + rb"))"
)
_TOKEN: Final = re.compile(rb"()" + _BLANKS + _VALUE, re.DOTALL)
_PAIR: Final = re.compile(_BLANKS + _KEY + _BLANKS + _VALUE, re.DOTALL)
_END: Final = {kind: re.compile(_BLANKS + kind) for kind in (rb">>", rb"\]")}
_NAME, _REF, _NUMBER, _OPEN, _ARRAY, _STRING, _HEX, _WORD = 2, 4, 5, 6, 7, 8, 9, 10  # the last group of each kind
_PLAIN: Final = re.compile(rb"(?:[\d.+-]|" + _BLANK + rb")*+\]")
_NESTED: Final = re.compile(rb"(?:[\d.+-]|" + _BLANK + rb"|\[(?:[\d.+-]|" + _BLANK + rb")*+\])*+\]")
_HASH: Final = re.compile(r"#([0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))|(\r\n?)", re.DOTALL)
_ESCAPED: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\r\n": b"",
    b"\r": b"",
    b"\n": b"",
}
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
    return _value(match, data, find, depth)


def _value(match: re.Match[bytes], data: bytes, find: Callable[[int, int], Any], depth: int) -> tuple[Any, int]:
    kind, end = match.lastindex, match.end()
    if kind == _REF:
        return Ref(int(match[3]), int(match[_REF]), find), end
    if kind in (_OPEN, _ARRAY):
        if depth > _MAX_DEPTH:
            raise OddSyntaxError(f"more than {_MAX_DEPTH} values within each other")
        return (_dictionary if kind == _OPEN else _array)(data, end, find, depth + 1)
    assert kind is not None
    return _SIMPLE[kind](match[kind]), end


def _dictionary(data: bytes, at: int, find: Callable[[int, int], Any], depth: int) -> tuple[Dict, int]:
    found = Dict()
    pairs = 0
    while (match := _PAIR.match(data, at)) is not None:
        value, at = _value(match, data, find, depth)
        found[_name(match[1])] = value
        pairs += 1
    end = _END[rb">>"].match(data, at)
    if end is None or pairs != len(found):
        raise OddSyntaxError(f"a dictionary without its end, or with a key twice, at {at}")
    return found, end.end()


def _array(data: bytes, at: int, find: Callable[[int, int], Any], depth: int) -> tuple[list[Any], int]:
    plain = _PLAIN.match(data, at)
    if plain is not None:
        return _numbers(plain[0][:-1].replace(b"\0", b" ").split()), plain.end()
    nested = _NESTED.match(data, at)
    if nested is not None:
        return [], nested.end()
    found: list[Any] = []
    while (end := _END[rb"\]"].match(data, at)) is None:
        value, at = parse(data, at, find, depth)
        found.append(value)
    return found, end.end()


@lru_cache(maxsize=4096)
def _name(raw: bytes) -> str:
    name = raw.decode("latin-1")
    return _HASH.sub(lambda match: chr(int(match[1], 16)), name) if "#" in name else name


def _number(raw: bytes) -> float:
    try:
        return float(raw) if b"." in raw else int(raw)
    except ValueError:
        raise OddSyntaxError(f"a number {raw[:20]!r}") from None


def _hex(raw: bytes) -> bytes:
    digits = b"".join(raw.split()).replace(b"\0", b"")
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())


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


_SIMPLE: Final[dict[int, Callable[[bytes], Any]]] = {
    _NAME: _name,
    _NUMBER: _number,
    _STRING: _string,
    _HEX: _hex,
    _WORD: _WORDS.__getitem__,
}
