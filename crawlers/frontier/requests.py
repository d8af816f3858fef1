"""A request as text and back: callbacks by name, Records and bytes tagged, everything else as JSON."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from scrapy.http import Request
from scrapy.utils.misc import load_object
from scrapy.utils.python import global_object_name

from corpus.base.errors import HarvestError
from crawlers.items import Record

if TYPE_CHECKING:
    from scrapy import Spider

__all__ = ["Unwritable", "plain", "request_from_text", "request_to_text", "unplain"]

_TAG = "$"
_FIELDS = frozenset(field.name for field in dataclasses.fields(Record))
_RUNTIME = frozenset(  # what the parts between engine and site note on a request while it is under way
    {
        "archived",
        "asked_url",
        "download_latency",
        "download_slot",
        "fetch",
        "origin",
        "robots",
        "robots_sha256",
        "tdm",
        "too_slow",
        "warc",
    }
)


_TAGGED: dict[type, tuple[str, Callable[[Any], Any]]] = {
    tuple: ("tuple", lambda value: [plain(one) for one in value]),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    Record: ("record", lambda value: plain(vars(value))),
    dt.date: ("date", dt.date.isoformat),
}


class Unwritable(ValueError):  # noqa: N818  an answer, not an error: the request stays in memory
    """A value has no written form."""


def request_to_text(request: Request, spider: Spider, *, callback: Any, errback: Any, lenient: bool = False) -> str:
    """The written form of a request whose callbacks are methods of the spider.

    `lenient` leaves out what cannot be written of its meta: notes that an earlier try left. Raises Unwritable.
    """
    meta = {key: value for key, value in request.meta.items() if key not in _RUNTIME}
    if lenient:
        meta = {key: value for key, value in meta.items() if _writable(value)}
    written: dict[str, Any] = {
        "url": request.url,
        "callback": _method(spider, callback),
        "errback": _method(spider, errback),
        "method": request.method,
        "headers": {key.decode("latin-1"): [one.decode("latin-1") for one in values]
                    for key, values in request.headers.items()},
        "body": base64.b64encode(request.body).decode(),
        "cookies": plain(request.cookies),
        "meta": plain(meta),
        "cb_kwargs": plain(request.cb_kwargs),
        "encoding": request.encoding,
        "priority": request.priority,
        "dont_filter": request.dont_filter,
        "flags": plain(request.flags),
    }  # fmt: skip
    if type(request) is not Request:
        written["class"] = global_object_name(type(request))
    usual = {"errback": "failed", "method": "GET", "headers": {}, "body": "", "cookies": {}, "meta": {}, "flags": [],
             "cb_kwargs": {}, "encoding": "utf-8", "priority": 0, "dont_filter": False}  # fmt: skip
    return json.dumps({k: v for k, v in written.items() if k not in usual or v != usual[k]}, ensure_ascii=False)


def request_from_text(text: str, spider: Spider) -> Request:
    """The request of a written form. Raises HarvestError where the spider no longer has its callback."""
    written = json.loads(text)
    kind: type[Request] = load_object(written["class"]) if "class" in written else Request
    try:
        callback, errback = (_named(spider, written.get(name, "failed")) for name in ("callback", "errback"))
    except AttributeError as error:
        raise HarvestError(f"{spider.name}: the harvest to resume was begun by another version ({error}); begin anew "
                           "with --fresh") from error  # fmt: skip
    return kind(
        written["url"],
        callback,
        written.get("method", "GET"),
        written.get("headers"),
        base64.b64decode(written.get("body", "")),
        unplain(written.get("cookies")),
        unplain(written.get("meta")),
        written.get("encoding", "utf-8"),
        written.get("priority", 0),
        written.get("dont_filter", False),
        errback,
        unplain(written.get("flags")),
        unplain(written.get("cb_kwargs")),
    )


def plain(value: Any) -> Any:
    """A value in the types of JSON; what they lack is tagged. Raises Unwritable.

    >>> plain({"pages": (1, b"x")})
    {'pages': {'$': 'tuple', 'v': [1, {'$': 'bytes', 'v': 'eA=='}]}}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) and key != _TAG for key in value):
        return {key: plain(one) for key, one in value.items()}
    for kind, (name, write) in _TAGGED.items():
        if type(value) is kind:
            return {_TAG: name, "v": write(value)}
    raise Unwritable(f"no written form of {type(value).__name__}")


def unplain(value: Any) -> Any:
    """The value of `plain`."""
    if isinstance(value, list):
        return [unplain(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("v")
    readers: dict[Any, Callable[[], Any]] = {
        "tuple": lambda: tuple(unplain(one) for one in inner or ()),
        "bytes": lambda: base64.b64decode(inner or ""),
        "record": lambda: _record(unplain(inner)),
        "date": lambda: dt.date.fromisoformat(str(inner)),
    }
    if _TAG in value:
        return readers[value[_TAG]]()
    return {key: unplain(one) for key, one in value.items()}


def _record(values: dict[str, Any]) -> Record:
    """A record; a field that this version no longer has is left out."""
    return Record(**{key: value for key, value in values.items() if key in _FIELDS})


def _writable(value: Any) -> bool:
    try:
        plain(value)
    except Unwritable:
        return False
    return True


def _method(spider: Spider, function: Any) -> str | None:
    if function is None:
        return None
    name = getattr(function, "__name__", "")
    own = getattr(spider, name, None) if getattr(function, "__self__", None) is spider else None
    if own is None or getattr(own, "__func__", own) is not getattr(function, "__func__", function):
        raise Unwritable(f"{function!r} is no method of the spider")
    return str(name)


def _named(spider: Spider, name: str | None) -> Any:
    return None if name is None else getattr(spider, name)
