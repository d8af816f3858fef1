"""What a page holds and does not show: text of hidden layers, text that is not painted, white text on white.

Scans carry their text unpainted over the picture of the page; that is what a reader of it sees, and stays. White text
stays wherever anything else is drawn at its place, since what that looks like is not asked.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from typing import Any, Final

__all__ = ["drop_unseen", "drop_white"]

_TEXT, _IMAGE, _FORM = 1, 3, 5
_INVISIBLE: Final = (3, 7)  # rendering modes: neither filled nor stroked
_FULL: Final = 255
_MAX_DEPTH: Final = 12  # forms within forms
_MAX_MARKS: Final = 100  # within each other
_MAX_PICTURES: Final = 500  # of a page of which each text is asked whether it lies on one
_MAX_DROPPED: Final = 20_000  # each is looked for from the beginning of the page
_MAX_PAIRS: Final = 2_000_000  # of a white text and something under it
_MAX_NAME: Final = 512  # bytes

Box = tuple[float, float, float, float]  # left, bottom, right, top


_ANYWHERE: Final[Box] = (-math.inf, -math.inf, math.inf, math.inf)


@dataclass
class _Found:
    """(form or None, object, its box on the page where it is known) of what to look at; boxes of pictures."""

    hidden: list[tuple[Any, Any]] = field(default_factory=list)
    unpainted: list[tuple[Any, Any, Box | None]] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)


def drop_unseen(library: Any, page: Any, layers: frozenset[str], hidden: Sequence[bool] = ()) -> None:
    """Take out of a page, before its text is asked for, what it does not show.

    `hidden` says which of the forms of the page stand in hidden layers, in the order drawn.
    """
    found = _Found()
    if hidden:
        forms = [thing for thing in _things(library, page, None) if library.GetType(thing) == _FORM]
        for form, away in zip(forms, hidden, strict=False) if len(forms) == len(hidden) else ():
            if away and library.RemoveObject(page, form):
                library.Destroy(form)
    _look(library, page, None, layers, found, 0)
    bare = ((form, thing) for form, thing, box in found.unpainted if _bare(box, found.pictures))
    for form, thing in islice(chain(found.hidden, bare), _MAX_DROPPED):
        taken = library.RemoveObject(page, thing) if form is None else library.RemoveObject_form(form, thing)
        if taken:
            library.Destroy(thing)


def drop_white(library: Any, page: Any) -> None:
    """Take white text out of a page where nothing but the paper lies under it; text within forms is left alone."""
    things = list(map(library.GetObject, repeat(page), range(library.CountObjects(page))))
    kinds = list(map(library.GetType, things))
    texts = [thing for thing, kind in zip(things, kinds, strict=True) if kind == _TEXT]
    white = set(_white(library, texts))
    others = [thing for thing, kind in zip(things, kinds, strict=True) if kind != _TEXT]
    if not white or len(white) > _MAX_DROPPED or len(white) * len(things) > _MAX_PAIRS:
        return
    under = [_box(library, thing) for thing in others]
    boxes = {thing: _box(library, thing) for thing in white}
    bare = {thing: box for thing, box in boxes.items() if not any(_meet(box, other) for other in under)}
    signs = [_box(library, thing) for thing in texts if thing not in white] if bare else []  # a disc, say
    for thing, (left, bottom, right, top) in bare.items():
        middle = ((left + right) / 2, (bottom + top) / 2) * 2
        if not any(_meet(middle, sign) for sign in signs) and library.RemoveObject(page, thing):
            library.Destroy(thing)


def _white(library: Any, texts: Sequence[Any]) -> Iterator[Any]:
    """Those of these texts that are filled with white, and have no outline."""
    colour = (ctypes.c_uint * 4)()
    red, green, blue, alpha = (ctypes.c_void_p(ctypes.addressof(colour) + 4 * place) for place in range(4))
    for thing in texts:
        known = library.GetFillColor(thing, red, green, blue, alpha)
        if known and colour[0] == colour[1] == colour[2] == _FULL and not library.GetTextRenderMode(thing):
            yield thing


def _meet(one: Box, two: Box) -> bool:
    return one[0] <= two[2] and two[0] <= one[2] and one[1] <= two[3] and two[1] <= one[3]


def _bare(box: Box | None, pictures: Sequence[Box]) -> bool:
    """Whether no picture lies under a text; within a form, whether the page has none at all."""
    if box is None or len(pictures) > _MAX_PICTURES:
        return not pictures
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return not any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in pictures)


def _look(library: Any, page: Any, form: Any, layers: frozenset[str], found: _Found, depth: int) -> None:
    for thing in list(_things(library, page, form)):
        kind = library.GetType(thing)
        if kind not in (_TEXT, _IMAGE, _FORM):
            continue
        if layers and any(name in layers for name in _layers(library, thing)):
            found.hidden += [] if kind == _IMAGE else [(form, thing)]
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
    if not library.GetBounds(thing, first, first + 4, first + 8, first + 12):
        return _ANYWHERE
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
