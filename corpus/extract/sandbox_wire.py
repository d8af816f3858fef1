"""What the sandbox and its workers say to each other over a socket: two lengths, a head and a body.

A result goes as JSON, columns of numbers and text, never as a pickle: a worker that was taken over must not reach its
parent. It may give a wrong document, as any reader may; what is no result at all raises ValueError.
"""

from __future__ import annotations

import json
import socket
import struct
from array import array
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from corpus.extract.model import KINDS, OUTCOMES, Extracted, Section

__all__ = ["decode", "encode", "frame", "receive", "send"]

_LENGTHS: Final = struct.Struct("<QQ")
_LONGEST: Final = 2**32  # bytes of a head and of a body; a worker has not as much memory
_KIND: Final = {kind: number for number, kind in enumerate(KINDS)}
_COLUMNS: Final = 5  # of unsigned 32-bit numbers: kind, path, level, start, end
_NUMBER: Final = array("I").itemsize
_TEXTS: Final = ("reason", "title", "lang", "extractor", "extractor_version", "declared_lang")
_SHARES: Final = ("kept_share", "garbled_share", "noise_share")
_CODECS: Final = ("ascii", "utf-16-le", "utf-8")  # fastest first; the last takes lone surrogates, too


def frame(head: bytes, body: bytes) -> deque[memoryview]:
    """The parts of one message, in the order in which they are sent; none is empty."""
    lengths = _LENGTHS.pack(len(head), len(body))
    return deque(memoryview(part) for part in (lengths, head, body) if part)


def send(channel: socket.socket, parts: deque[memoryview]) -> None:
    """Send parts that are not empty and take what was sent off the queue. Raises OSError.

    A socket that does not block raises BlockingIOError when it is full; what is left then waits in `parts`.
    """
    while parts:
        sent = channel.sendmsg(parts)
        while sent and sent >= len(parts[0]):
            sent -= len(parts.popleft())
        if sent:
            parts[0] = parts[0][sent:]


def receive(channel: socket.socket, wait: Callable[[], None] | None = None) -> tuple[bytes, bytes]:
    """(head, body) of one message. For a socket that does not block, `wait` returns when there is more to read.

    Raises EOFError where the other side is gone, ValueError for lengths that no message has, and what `wait` raises.
    """
    head, body = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size, wait))
    if max(head, body) > _LONGEST:
        raise ValueError(f"a message of {head} and {body} bytes")
    return _exactly(channel, head, wait), _exactly(channel, body, wait)


def _exactly(channel: socket.socket, count: int, wait: Callable[[], None] | None) -> bytes:
    parts = []
    while count:
        try:
            part = channel.recv(count, socket.MSG_WAITALL)
        except BlockingIOError:
            if wait is None:
                raise
            wait()
            continue
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def encode(done: Extracted) -> tuple[bytes, bytes]:
    """A result as (JSON, the columns of its sections and its text)."""
    plain = {name: value for name, value in vars(done).items() if name not in ("text", "sections")}
    kinds, paths, levels, starts, ends = zip(*done.sections, strict=True) if done.sections else ((),) * _COLUMNS
    places = {path: number for number, path in enumerate(dict.fromkeys(paths))}
    columns = (map(_KIND.__getitem__, kinds), map(places.__getitem__, paths), levels, starts, ends)
    codec, text = _text(done.text)
    head = {"plain": plain, "sections": len(done.sections), "paths": list(places), "codec": codec}
    return json.dumps(head).encode(), b"".join((*(array("I", column).tobytes() for column in columns), text))


def _text(text: str) -> tuple[int, bytes]:
    """(number of the codec, the text in it)."""
    if text.isascii():
        return 0, text.encode("ascii")
    try:
        return 1, text.encode("utf-16-le")
    except UnicodeEncodeError:
        return 2, text.encode("utf-8", "surrogatepass")


def decode(head: bytes, body: bytes) -> Extracted:
    """The result of what `encode` gave.

    Raises ImportError where the worker could not load a reader, ValueError for what is no result.
    """
    try:
        told = json.loads(head)
        if "import_error" in told:
            raise ImportError(told["import_error"])
        return _decoded(told, memoryview(body), **told["plain"])
    except (TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"no result of a reader: {error}") from error


def _decoded(told: dict[str, Any], body: memoryview, *, pages: list[int], **plain: Any) -> Extracted:
    length = told["sections"] * _NUMBER
    kinds, paths, *others = [body[n * length : (n + 1) * length].cast("I").tolist() for n in range(_COLUMNS)]
    columns = (map(KINDS.__getitem__, kinds), map(told["paths"].__getitem__, paths), *others)
    # as Section._make does it, without a call of Python for each of thousands
    sections = tuple(map(partial(tuple.__new__, Section), zip(*columns, strict=True)))
    text = str(body[_COLUMNS * length :], _CODECS[told["codec"]], "surrogatepass")
    done = Extracted(**plain, pages=tuple(pages), sections=sections, text=text)
    facts = dict(done.facts)
    texts = [getattr(done, name) for name in _TEXTS] + [*facts, *facts.values(), *told["paths"]]
    numbers = [getattr(done, name) for name in _SHARES] + [*pages]
    if done.outcome not in OUTCOMES or {*map(type, texts)} - {str} or {*map(type, numbers)} - {int, float}:
        raise ValueError("no result of a reader: a value of the wrong kind")
    return done
