"""What a page holds and does not show: text of hidden layers, and text that is not painted where no picture lies.

Scans carry their text unpainted over the picture of the page; that is what a reader of it sees, and stays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

__all__ = ["drop_unseen"]

_TEXT, _IMAGE, _FORM = 1, 3, 5
_INVISIBLE: Final = (3, 7)  # rendering modes: neither filled nor stroked
_MAX_DEPTH: Final = 12  # forms within forms
_MAX_MARKS: Final = 100  # within each other
_MAX_PICTURES: Final = 500  # of a page of which each text is asked whether it lies on one
_MAX_DROPPED: Final = 20_000  # each is looked for from the beginning of the page
_MAX_NAME: Final = 512  # bytes

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass
class _Found:
    """(form or None, object, its box on the page where it is known) of what to look at; boxes of pictures."""

    hidden: list[tuple[Any, Any]] = field(default_factory=list)
    unpainted: list[tuple[Any, Any, Box | None]] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)


def drop_unseen(library: Any, page: Any, layers: frozenset[str]) -> None:
    """Take out of a page, before its text is asked for, what it does not show."""
    found = _Found()
    _look(library, page, None, layers, found, 0)
    bare = ((form, thing) for form, thing, box in found.unpainted if _bare(box, found.pictures))
    for form, thing in islice(chain(found.hidden, bare), _MAX_DROPPED):
        taken = library.RemoveObject(page, thing) if form is None else library.RemoveObject_form(form, thing)
        if taken:
            library.Destroy(thing)


def _bare(box: Box | None, pictures: Sequence[Box]) -> bool:
    """Whether no picture lies under a text; within a form, whether the page has none at all."""
    if box is None or len(pictures) > _MAX_PICTURES:
        return not pictures
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return not any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in pictures)


def _look(library: Any, page: Any, form: Any, layers: frozenset[str], found: _Found, depth: int) -> None:
    for thing in list(_things(library, page, form)):
        kind = library.GetType(thing)
        if layers and any(name in layers for name in _layers(library, thing)):
            found.hidden.append((form, thing))
        elif kind == _TEXT and library.GetTextRenderMode(thing) in _INVISIBLE:
            found.unpainted.append((form, thing, None if form else _box(library, thing)))
        elif kind == _IMAGE:
            found.pictures.append(_box(library, thing))
        elif kind == _FORM and depth < _MAX_DEPTH:
            before = len(found.pictures)
            _look(library, page, thing, layers, found, depth + 1)
            if len(found.pictures) > before:  # their boxes are those within the form
                found.pictures[before:] = [_box(library, thing)]


def _things(library: Any, page: Any, form: Any) -> Iterator[Any]:
    if form is None:
        return (library.GetObject(page, place) for place in range(library.CountObjects(page)))
    return (library.GetObject_form(form, place) for place in range(library.CountObjects_form(form)))


def _box(library: Any, thing: Any) -> Box:
    edges = (ctypes.c_float * 4)()
    first = ctypes.addressof(edges)
    library.GetBounds(thing, first, first + 4, first + 8, first + 12)
    return edges[0], edges[1], edges[2], edges[3]


def _layers(library: Any, thing: Any) -> Iterator[str]:
    """The names of the layers in which an object stands."""
    for place in range(min(_MAX_MARKS, library.CountMarks(thing))):
        mark = library.GetMark(thing, place)
        if _words(lambda buffer, size, out, mark=mark: library.GetName(mark, buffer, size, out)) == "OC":
            yield _words(
                lambda buffer, size, out, mark=mark: library.GetParamStringValue(mark, b"Name", buffer, size, out)
            )


def _words(ask: Any) -> str:
    buffer, size = ctypes.create_string_buffer(_MAX_NAME), ctypes.c_ulong(0)
    if not ask(ctypes.addressof(buffer), _MAX_NAME, ctypes.addressof(size)) or size.value > _MAX_NAME:
        return ""
    return buffer.raw[: size.value].decode("utf-16-le", "replace").rstrip("\0")
