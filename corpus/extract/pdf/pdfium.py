"""Glyphs by PDFium (pypdfium2): fast, and right wherever fonts are embedded or carry Unicode tables.

PDFium is told that the machine has no fonts at all, so that its text is the same everywhere. Boxes must be asked for
one by one: through ctypes with pointers made beforehand and without giving up the interpreter's lock, a tenth of the
time that the ready-made bindings take.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.extract.pdf.facts import PageFacts
from corpus.extract.pdf.glyphs import Glyphs
from corpus.extract.pdf.unseen import drop_unseen, drop_white
from corpus.text.scripts import code_points

__all__ = ["PdfiumError", "open_pdfium", "page_glyphs"]

_MAX_GLYPHS: Final = 300_000  # a page; a large poster has 50,000
_P: Final = ctypes.c_void_p
_I: Final = ctypes.c_int
_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "FPDF_LoadMemDocument64": (_P, (ctypes.c_char_p, ctypes.c_size_t, _P)),
    "FPDF_GetLastError": (ctypes.c_ulong, ()),
    "FPDF_CloseDocument": (None, (_P,)),
    "FPDF_GetPageCount": (_I, (_P,)),
    "FPDF_LoadPage": (_P, (_P, _I)),
    "FPDF_ClosePage": (None, (_P,)),
    "FPDF_GetPageBoundingBox": (_I, (_P, _P)),
    "FPDFText_LoadPage": (_P, (_P,)),
    "FPDFText_ClosePage": (None, (_P,)),
    "FPDFText_CountChars": (_I, (_P,)),
    "FPDFText_GetText": (_I, (_P, _I, _I, _P)),
    "FPDFText_GetUnicode": (ctypes.c_uint, (_P, _I)),
    "FPDFText_GetMatrix": (_I, (_P, _I, _P)),
    "FPDFText_GetCharOrigin": (_I, (_P, _I, _P, _P)),
    "FPDFText_GetFontSize": (ctypes.c_double, (_P, _I)),
    "FPDFText_GetCharBox": (_I, (_P, _I, _P, _P, _P, _P)),
    "FPDF_SetSystemFontInfo": (None, (_P,)),
    "FPDFPage_CountObjects": (_I, (_P,)),
    "FPDFPage_GetObject": (_P, (_P, _I)),
    "FPDFPage_RemoveObject": (_I, (_P, _P)),
    "FPDFFormObj_CountObjects": (_I, (_P,)),
    "FPDFFormObj_GetObject": (_P, (_P, ctypes.c_ulong)),
    "FPDFFormObj_RemoveObject": (_I, (_P, _P)),
    "FPDFPageObj_Destroy": (None, (_P,)),
    "FPDFPageObj_GetType": (_I, (_P,)),
    "FPDFPageObj_GetBounds": (_I, (_P, _P, _P, _P, _P)),
    "FPDFPageObj_GetFillColor": (_I, (_P, _P, _P, _P, _P)),
    "FPDFPageObj_CountMarks": (_I, (_P,)),
    "FPDFPageObj_GetMark": (_P, (_P, ctypes.c_ulong)),
    "FPDFPageObjMark_GetName": (_I, (_P, _P, ctypes.c_ulong, _P)),
    "FPDFPageObjMark_GetParamStringValue": (_I, (_P, ctypes.c_char_p, _P, ctypes.c_ulong, _P)),
    "FPDFTextObj_GetTextRenderMode": (_I, (_P,)),
}
_OUTSIDE: Final = 2.0  # twice the points by which the middle of a glyph must stand outside the page
_AT_ONCE: Final = 4096  # boxes asked for in a row
_LOCK: Final = Lock()  # PDFium may be used by one thread at a time


class PdfiumError(Exception):
    """PDFium cannot open a file or a page; the message says why."""


class _Library:
    """The entry points that are used here, with plain types."""

    def __init__(self) -> None:
        import pypdfium2.raw as raw  # type: ignore[import-untyped]
        from pypdfium2_raw.bindings import _libs  # type: ignore[import-untyped]

        library = _libs["pdfium"]
        for name, (result, arguments) in _SIGNATURES.items():
            function = library[name]  # a new object each: the argument types of the bindings stay as they are
            function.restype, function.argtypes = result, arguments
            kind, _, short = name.partition("_")
            clash = kind == "FPDFText" and f"FPDF_{short}" in _SIGNATURES
            suffix = "_form" if kind == "FPDFFormObj" else "_text" if clash else ""
            setattr(self, short + suffix, function)
        self._loose = ctypes.PyDLL(library._name)["FPDFText_GetLooseCharBox"]  # noqa: SLF001  its path
        self._loose.restype = _I
        self._boxes = np.zeros((_AT_ONCE, 4), np.float32)  # FS_RECTF: left, top, right, bottom
        first = self._boxes.ctypes.data
        self._places = [_P(first + 16 * place) for place in range(_AT_ONCE)]
        self._fonts = _no_fonts(raw)
        self.SetSystemFontInfo(ctypes.addressof(self._fonts))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def boxes(self, page: int, count: int) -> NDArray[np.float32]:
        """The boxes of the first glyphs of a page of text, shape (count, 4): left, bottom, right, top."""
        found, handle = np.zeros((count, 4), np.float32), _P(page)
        for start in range(0, count, _AT_ONCE):
            some = min(_AT_ONCE, count - start)
            self._boxes[:some] = 0
            deque(map(self._loose, repeat(handle), range(start, start + some), self._places), 0)
            found[start : start + some] = self._boxes[:some, (0, 3, 2, 1)]
        return found


def _no_fonts(raw: Any) -> Any:
    """A font source that has nothing to offer: text may not depend on what is installed."""
    info = raw.FPDF_SYSFONTINFO()
    info.version = 1
    for name, kind in info._fields_[1:]:
        result = kind._restype_
        setattr(info, name, kind(lambda *_, empty=None if result is None else 0: empty))
    return info


@lru_cache(maxsize=1)
def _library() -> _Library:
    return _Library()


@contextmanager
def open_pdfium(data: bytes) -> Iterator[tuple[Any, int]]:
    """(handle, number of pages) of a file, closed at the end. Raises PdfiumError where it cannot be opened."""
    with _LOCK:
        library = _library()
        handle = library.LoadMemDocument64(data, len(data), None)
        if not handle:
            code = library.GetLastError()
            why = {2: "no file", 3: "damaged", 4: "a password is needed", 5: "an unknown security scheme"}
            raise PdfiumError(why.get(code, f"error {code}"))
        try:
            yield handle, library.GetPageCount(handle)
        finally:
            library.CloseDocument(handle)


def page_glyphs(
    document: Any, number: int, facts: PageFacts, layers: frozenset[str] = frozenset(), *, careful: bool = False
) -> Glyphs:
    """The glyphs that a page, counted from 0, shows. Raises PdfiumError for a page that cannot be read.

    Only a `careful` look tells what stands in hidden layers, whose names are given, and what is not painted; only a
    page that seems to have white text is looked through for white on white.
    """
    library = _library()
    page = library.LoadPage(document, number)
    if not page:
        raise PdfiumError(f"page {number + 1} cannot be read")
    try:
        if careful:
            drop_unseen(library, page, layers, facts.hidden)
        if facts.pale:
            drop_white(library, page)
        text_page = library.LoadPage_text(page)
        if not text_page:
            raise PdfiumError(f"page {number + 1} has no readable text")
        try:
            edges = np.zeros(4, np.float32)  # FS_RECTF: left, top, right, bottom
            library.GetPageBoundingBox(page, edges.ctypes.data)
            return _glyphs(library, text_page, edges[[0, 3, 2, 1]])
        finally:
            library.ClosePage_text(text_page)
    finally:
        library.ClosePage(page)


def _glyphs(library: Any, page: int, shown: NDArray[np.float32]) -> Glyphs:
    """The glyphs within the box that a page shows; their places are told from its lower left corner."""
    corner = shown[[0, 1, 0, 1]]
    width, height = (shown - corner)[2:].tolist()
    count = min(library.CountChars(page), _MAX_GLYPHS)
    if count <= 0:
        return Glyphs("", np.zeros((0, 4), np.float32), np.zeros(0, np.bool_), width, height)
    text, kept = _text(library, page, count)
    box = library.boxes(page, count)
    box = (box if kept is None else box[kept]) - corner
    text = _within(text, box, width, height)
    flat = (box[:, 2] - box[:, 0] <= 0) | (box[:, 3] - box[:, 1] <= 0)
    turned = flat & (code_points(text) > 0x20)
    asides: list[str] = []
    if turned.any():
        sheet = _Sheet(library, page, corner, width, height)
        text, box, asides, height = _turned(sheet, text, box, turned, kept)
    return Glyphs(text, box, np.zeros(len(text), np.bool_), width, height, asides)


def _within(text: str, box: NDArray[np.float32], width: float, height: float) -> str:
    """The text with blanks for what stands outside the page; where all does, the box is wrong, and all stays."""
    x, y = box[:, 0] + box[:, 2], box[:, 1] + box[:, 3]
    out = (x < -_OUTSIDE) | (y < -_OUTSIDE) | (x > 2 * width + _OUTSIDE) | (y > 2 * height + _OUTSIDE)
    if not out.any():
        return text
    codes = code_points(text)
    out &= codes > 0x20
    return text if (out | (codes <= 0x20)).all() else _points_text(np.where(out, 0x20, codes))


def _points_text(codes: NDArray[Any]) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _text(library: Any, page: int, count: int) -> tuple[str, NDArray[np.intp] | None]:
    """(text, a character a glyph; the glyphs it belongs to, where it is not all of them)."""
    buffer = np.zeros(2 * count + 2, np.uint16)
    got = library.GetText(page, 0, count, buffer.ctypes.data)
    text = buffer[: max(0, got - 1)].tobytes().decode("utf-16-le", "replace")
    kept = None
    if len(text) != count:  # some glyphs have no character, some stand for half of one
        codes = np.fromiter(map(library.GetUnicode, repeat(page), range(count)), np.uint32, count)
        text, kept = _whole(codes)
    return text.replace("\x02", "-").replace("\ufffe", "-"), kept  # PDFium's marks for a hyphen at the end of a line


def _whole(codes: NDArray[np.uint32]) -> tuple[str, NDArray[np.intp]]:
    """The text of UTF-16 units, and which of them stand for a character; U+0000 stands for what has no Unicode."""
    high, low = (codes >= 0xD800) & (codes < 0xDC00), (codes >= 0xDC00) & (codes < 0xE000)
    pairs = np.flatnonzero(high[:-1] & low[1:])
    codes[pairs] = 0x10000 + ((codes[pairs] - 0xD800) << 10) + (codes[pairs + 1] - 0xDC00)
    codes[((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF)] = 0xFFFD
    kept = np.delete(np.arange(len(codes)), pairs + 1)
    return _points_text(codes[kept]), kept


@dataclass(frozen=True)
class _Sheet:
    """A page of text and the box that it shows."""

    library: Any
    page: int
    corner: NDArray[np.float32]
    width: float
    height: float


def _turned(
    sheet: _Sheet,
    text: str,
    box: NDArray[np.float32],
    turned: NDArray[np.bool_],
    kept: NDArray[np.intp] | None,
) -> tuple[str, NDArray[np.float32], list[str], float]:
    """(text, boxes, asides, height) of a page with text that does not run to the right.

    The page itself is turned, or such text is an aside of it.
    """
    places = np.flatnonzero(turned)
    shown = np.count_nonzero(code_points(text) > 0x20)
    if 2 * len(places) < shown:
        asides = _runs(text, places)
        rest = "".join(" " if out else c for c, out in zip(text, turned, strict=True))
        return rest, box, asides, sheet.height
    box[places], height = _upright(sheet, places if kept is None else kept[places])
    straight = np.flatnonzero((code_points(text) > 0x20) & ~turned)
    asides = _runs(text, straight)
    away = set(straight.tolist())
    rest = "".join(" " if place in away else c for place, c in enumerate(text))
    return rest, box, asides, height


def _upright(sheet: _Sheet, places: NDArray[np.intp]) -> tuple[NDArray[np.float32], float]:
    """(boxes, height of the page) in a system in which the text of most of these glyphs runs to the right."""
    library, page, width, height = sheet.library, sheet.page, sheet.width, sheet.height
    shift = sheet.corner[[0, 1, 0, 0, 1, 1]]
    matrix, edge = np.zeros(6, np.float32), np.zeros(6, np.float64)
    a, e = matrix.ctypes.data, edge.ctypes.data
    rows, votes = [], [0, 0, 0, 0]
    for place in places.tolist():
        library.GetMatrix(page, place, a)
        library.GetCharOrigin(page, place, e, e + 8)
        library.GetCharBox(page, place, e + 16, e + 24, e + 32, e + 40)
        scale = float(np.hypot(matrix[0], matrix[1])) * library.GetFontSize(page, place)
        quarter = round(float(np.arctan2(matrix[1], matrix[0])) / (np.pi / 2)) % 4
        votes[quarter] += 1
        rows.append((quarter, scale or 1.0, *(edge - shift).tolist()))
    most = max(range(4), key=votes.__getitem__)
    boxes = np.zeros((len(rows), 4), np.float32)
    for index, (_, scale, x, y, left, right, bottom, top) in enumerate(rows):
        ways = (
            (left, right, y),
            (bottom, top, width - x),
            (width - right, width - left, height - y),
            (height - top, height - bottom, x),
        )
        start, end, base = ways[most]
        boxes[index] = (start, base - 0.12 * scale, max(end, start + 0.1 * scale), base + 0.88 * scale)
    return boxes, width if most % 2 else height


def _runs(text: str, places: NDArray[np.intp]) -> list[str]:
    """The stretches of text that stand at these places, blanks between them included."""
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > 2) + 1
    return [text[part[0] : part[-1] + 1] for part in np.split(places, cuts)]
