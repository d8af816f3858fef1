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
    """The pages of one file, opened with an empty password."""

    def __init__(self, data: bytes) -> None:
        from pdfminer.pdfdocument import PDFDocument
        from pdfminer.pdfinterp import PDFResourceManager
        from pdfminer.pdfpage import PDFPage
        from pdfminer.pdfparser import PDFParser

        with quiet("pdfminer"):
            document = PDFDocument(PDFParser(io.BytesIO(data)))
            self._fonts = PDFResourceManager()
            self._pages: Iterator[PDFPage] = PDFPage.create_pages(document)
            self._read: list[PDFPage] = []

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
            device_class, interpreter_class = _classes()
            device = device_class(self._fonts)
            interpreter_class(self._fonts, device).process_page(page)
            collector: _Collector = device.collector
            return collector.glyphs(page)


class _Collector:
    """Glyphs as pdfminer hands them over."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.vertical: list[bool] = []
        self.turned: list[int] = []  # 1 for a glyph that lies on its right side, -1 for one turned otherwise
        self.steps = 0

    def step(self) -> None:
        """Count one more thing to do."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise MinerBudgetError(f"more than {MAX_STEPS} steps on a page")

    def take(self, text: str, matrix: Any, font: Any, size: float, scaling: float, rise: float, cid: int) -> float:
        """Take one glyph; its advance along the line (negative for downward writing)."""
        self.step()
        a, b, c, d, e, f = matrix
        advance: float = font.char_width(cid) * size * scaling
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
        return advance

    def glyphs(self, page: PDFPage) -> Glyphs:
        """Everything taken, with blanks where words stand apart.

        On a page of vertical writing, letters that lie on their right side belong to its columns.
        """
        x0, y0, x1, y1 = page.mediabox
        width, height = (y1 - y0, x1 - x0) if page.rotate in (90, 270) else (x1 - x0, y1 - y0)
        box = np.array(self.boxes, np.float32).reshape(-1, 4)
        vertical, turned = np.array(self.vertical, np.bool_), np.array(self.turned, np.int8)
        if 2 * np.count_nonzero(vertical) > len(vertical):
            vertical |= turned > 0
        away = (turned != 0) & ~vertical
        aside = "".join(compress(self.text, away.tolist()))
        rest = "".join(compress(self.text, (~away).tolist()))
        text, box, vertical = _with_blanks(rest, box[~away], vertical[~away])
        return Glyphs(text, box, vertical, float(width), float(height), [aside] if aside else [])


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


@lru_cache(maxsize=1)
def _classes() -> tuple[Any, Any]:
    """The device and the interpreter; made here since pdfminer is loaded late."""
    from pdfminer.pdfdevice import PDFTextDevice
    from pdfminer.pdffont import PDFUnicodeNotDefined
    from pdfminer.pdfinterp import PDFPageInterpreter

    class Device(PDFTextDevice):
        """Hands each glyph to a collector."""

        def __init__(self, resources: Any) -> None:
            super().__init__(resources)
            self.collector = _Collector()

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

    class Interpreter(PDFPageInterpreter):
        """Counts operands, so that a page that goes on for ever is stopped."""

        def push(self, obj: Any) -> None:
            self.device.collector.step()  # type: ignore[attr-defined]
            super().push(obj)

    return Device, Interpreter


def load() -> None:
    """Load pdfminer and the tables of Adobe-Japan1 now, for a process that is about to fork."""
    from pdfminer.cmapdb import CMapDB

    _classes()
    CMapDB.get_unicode_map("Adobe-Japan1")
    CMapDB.get_unicode_map("Adobe-Japan1", vertical=True)
