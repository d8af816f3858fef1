"""Glyphs by pdfminer.six: Japanese fonts whose letters only the tables of Adobe-Japan1 tell.

Only its interpreter and its font tables are used (predefined CMaps, CID to Unicode, the cmap of TrueType files); the
analysis of layout is our own, the same for every engine. It is slow and trusts what it reads, so `facts` has measured
every stream before it comes here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.extract.pdf.facts import quiet
from corpus.extract.pdf.glyphs import Glyphs
from corpus.text.scripts import code_points

if TYPE_CHECKING:
    from pdfminer.pdfpage import PDFPage

__all__ = ["MinerBudgetError", "MinerPages", "load"]

MAX_STEPS: Final = 400_000  # operands and glyphs of a page, those of its forms included
_WORD_GAP: Final = 0.17  # of the font size: from here a gap between Latin letters is a blank
_UNKNOWN: Final = "\ufffd"


class MinerBudgetError(Exception):
    """A page asks for more work than any honest page."""


class MinerPages:
    """The pages of one file, opened with an empty password; what stands in layers of these names is not read."""

    def __init__(self, data: bytes, layers: frozenset[str] = frozenset()) -> None:
        from pdfminer.pdfdocument import PDFDocument
        from pdfminer.pdfinterp import PDFResourceManager
        from pdfminer.pdfpage import PDFPage
        from pdfminer.pdfparser import PDFParser

        with quiet("pdfminer"):
            document = PDFDocument(PDFParser(io.BytesIO(data)))
            self._fonts = PDFResourceManager()
            self._pages: Iterator[PDFPage] = PDFPage.create_pages(document)
            self._read: list[PDFPage] = []
            self._layers = layers

    def glyphs(self, number: int) -> Glyphs:
        """The glyphs of a page, counted from 0.

        Raises IndexError past the end, MinerBudgetError, and whatever pdfminer raises on damage.
        """
        with quiet("pdfminer"):
            while len(self._read) <= number:
                page = next(self._pages, None)
                if page is None:
                    raise IndexError(number)
                self._read.append(page)
            page = self._read[number]
            device = _device_class()(self._fonts, self._layers)
            _interpreter_class()(self._fonts, device).process_page(page)
            collector: _Collector = device.collector
            return collector.glyphs(page)


class _Collector:
    """Glyphs as pdfminer hands them over."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.vertical: list[bool] = []
        self.turned: list[int] = []  # 1 for a glyph that lies on its right side, -1 for one turned otherwise
        self.painted: list[bool] = []
        self.paints = True
        self.marks: list[bool] = []  # for each marked content that is open, whether its layer is hidden
        self.hidden = 0  # of them
        self.pictures = 0
        self.steps = 0

    def step(self) -> None:
        """Count one more thing to do."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise MinerBudgetError(f"more than {MAX_STEPS} steps on a page")

    def mark(self, *, hidden: bool) -> None:
        """Marked content begins."""
        self.marks.append(hidden)
        self.hidden += hidden

    def unmark(self) -> None:
        """Marked content ends."""
        self.hidden -= self.marks.pop() if self.marks else 0

    def take(self, text: str, matrix: Any, font: Any, size: float, scaling: float, rise: float, cid: int) -> float:
        """Take one glyph; its advance along the line (negative for downward writing)."""
        self.step()
        a, b, c, d, e, f = matrix
        advance: float = font.char_width(cid) * size * scaling
        if self.hidden:
            return advance
        vertical: bool = font.is_vertical()
        if vertical:
            vx, vy = font.char_disp(cid)
            x = -(size * 0.5 if vx is None else vx * size * 0.001)
            y = (1000 - vy) * size * 0.001 + rise
            left, bottom, right, top = x, y + advance, x + size, y
        else:
            descent = font.get_descent() * size
            left, bottom, right, top = 0.0, descent + rise, advance, descent + rise + size
        turned = (1 if b < 0 < c else -1) if abs(b) > abs(a) and abs(c) > abs(d) else 0
        xs = (a * left + c * bottom + e, a * right + c * top + e)
        ys = (b * left + d * bottom + f, b * right + d * top + f)
        box = (min(xs), min(ys), max(xs), max(ys))
        for character in text or _UNKNOWN:
            self.text.append(character)
            self.boxes.append(box)
            self.vertical.append(vertical)
            self.turned.append(turned)
            self.painted.append(self.paints)
        return advance

    def glyphs(self, page: PDFPage) -> Glyphs:
        """Everything taken, with blanks where words stand apart.

        On a page of vertical writing, letters that lie on their right side belong to its columns.
        """
        left, bottom, right, top = _shown(page)
        box = np.array(self.boxes, np.float32).reshape(-1, 4) - np.array((left, bottom) * 2, np.float32)
        width, height = right - left, top - bottom
        x, y = box[:, 0] + box[:, 2], box[:, 1] + box[:, 3]
        within = (x > 0) & (y > 0) & (x < 2 * width) & (y < 2 * height)
        seen = (within | ~within.any()) & (np.array(self.painted, np.bool_) | (self.pictures > 0))
        letters, box = list(compress(self.text, seen.tolist())), box[seen]
        vertical, turned = np.array(self.vertical, np.bool_)[seen], np.array(self.turned, np.int8)[seen]
        if 2 * np.count_nonzero(vertical) > len(vertical):
            vertical |= turned > 0
        away = (turned != 0) & ~vertical
        aside = "".join(compress(letters, away.tolist()))
        rest = "".join(compress(letters, (~away).tolist()))
        text, box, vertical = _with_blanks(rest, box[~away], vertical[~away])
        return Glyphs(text, box, vertical, float(width), float(height), [aside] if aside else [])


def _shown(page: PDFPage) -> tuple[float, float, float, float]:
    """The box that a page shows, in the system of its glyphs: upright, from the corner of the whole sheet."""
    x0, y0, x1, y1 = map(float, page.mediabox)
    left, bottom, right, top = map(float, page.cropbox)
    left, bottom, right, top = max(left, x0), max(bottom, y0), min(right, x1), min(top, y1)
    if left >= right or bottom >= top:
        left, bottom, right, top = x0, y0, x1, y1
    ways = {
        90: (bottom - y0, x1 - right, top - y0, x1 - left),
        180: (x1 - right, y1 - top, x1 - left, y1 - bottom),
        270: (y1 - top, left - x0, y1 - bottom, right - x0),
    }
    return ways.get(page.rotate, (left - x0, bottom - y0, right - x0, top - y0))


def _with_blanks(
    text: str, box: NDArray[np.float32], vertical: NDArray[np.bool_]
) -> tuple[str, NDArray[np.float32], NDArray[np.bool_]]:
    """Blanks in the gaps between words that are set by moves and not by characters."""
    if len(text) < 2:
        return text, box, vertical
    size = np.maximum(box[:-1, 3] - box[:-1, 1], box[1:, 3] - box[1:, 1])
    level = np.minimum(box[:-1, 3], box[1:, 3]) - np.maximum(box[:-1, 1], box[1:, 1]) > 0.3 * size
    codes = code_points(text)
    western = (codes < 0x2E80) & (codes > 0x20)
    gap = box[1:, 0] - box[:-1, 2] > _WORD_GAP * size
    places = np.flatnonzero(level & gap & western[:-1] & western[1:] & ~vertical[1:]) + 1
    characters = list(text)
    for place in places[::-1].tolist():
        characters.insert(place, " ")
    return "".join(characters), np.insert(box, places, 0, axis=0), np.insert(vertical, places, values=False)


def _layer(properties: Any) -> str:
    """The name of a layer; empty where these are the properties of something else."""
    from pdfminer.pdftypes import dict_value, resolve1
    from pdfminer.utils import decode_text

    name = resolve1(dict_value(properties).get("Name"))
    return decode_text(name) if isinstance(name, bytes) else ""


def _layer_of(form: Any) -> str:
    """The name of the layer of a form or a picture; empty where it has none."""
    from pdfminer.pdftypes import stream_value

    return _layer(stream_value(form).get("OC"))


@lru_cache(maxsize=1)
def _device_class() -> Any:
    """The device; made here since pdfminer is loaded late."""
    from pdfminer.pdfdevice import PDFTextDevice
    from pdfminer.pdffont import PDFUnicodeNotDefined

    class Device(PDFTextDevice):
        """Hands each glyph to a collector."""

        def __init__(self, resources: Any, layers: frozenset[str]) -> None:
            super().__init__(resources)
            self.collector = _Collector()
            self.layers = layers

        def render_string(self, textstate: Any, *more: Any) -> None:
            self.collector.paints = textstate.render not in (3, 7)
            super().render_string(textstate, *more)

        def render_image(self, *_: Any) -> None:
            self.collector.pictures += 1

        def begin_tag(self, tag: Any, props: Any = None) -> None:
            self.collector.mark(hidden=bool(self.layers) and tag.name == "OC" and _layer(props) in self.layers)

        def end_tag(self) -> None:
            self.collector.unmark()

        def render_char(
            self, matrix: Any, font: Any, fontsize: float, scaling: float, rise: float, cid: int, *_: Any
        ) -> float:
            try:
                text = font.to_unichr(cid)
            except PDFUnicodeNotDefined:
                text = _UNKNOWN
            return self.collector.take(text, matrix, font, fontsize, scaling, rise, cid)

        def begin_figure(self, *_: Any) -> None:
            self.collector.step()

    return Device


@lru_cache(maxsize=1)
def _interpreter_class() -> Any:
    """The interpreter; made here since pdfminer is loaded late."""
    from pdfminer.pdfinterp import PDFPageInterpreter
    from pdfminer.pdftypes import dict_value
    from pdfminer.psparser import PSLiteral

    class Interpreter(PDFPageInterpreter):
        """Counts operands, so that a page that goes on for ever is stopped."""

        def push(self, obj: Any) -> None:
            self.device.collector.step()  # type: ignore[attr-defined]
            super().push(obj)

        def do_Do(self, xobjid_arg: Any) -> None:  # noqa: N802  pdfminer's name
            collector, layers = self.device.collector, self.device.layers  # type: ignore[attr-defined]
            collector.mark(
                hidden=bool(layers) and _layer_of(self.xobjmap.get(getattr(xobjid_arg, "name", None))) in layers
            )
            super().do_Do(xobjid_arg)
            collector.unmark()

        def do_BDC(self, tag: Any, props: Any) -> None:  # noqa: N802  pdfminer's name
            if isinstance(props, PSLiteral):
                props = dict_value(self.resources.get("Properties")).get(props.name)
            super().do_BDC(tag, props)

    return Interpreter


def load() -> None:
    """Load pdfminer and the tables of Adobe-Japan1 now, for a process that is about to fork."""
    from pdfminer.cmapdb import CMapDB

    _device_class()
    _interpreter_class()
    CMapDB.get_unicode_map("Adobe-Japan1")
    CMapDB.get_unicode_map("Adobe-Japan1", vertical=True)
