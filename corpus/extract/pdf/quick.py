"""A pypdf reader that reads what a chapter cut out of a book carries from the rest of the book only where it is asked.

Such a file has the table of objects of the whole book, mostly free entries, and streams of a hundred objects of which a
page needs three. pypdf reads both number by number: more work than the text itself. Whatever is unusual is left to
pypdf, in both cases.
"""

from __future__ import annotations

import io
import zlib
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import IndirectObject, PdfObject, StreamObject, read_object

__all__ = ["QuickReader"]

_MOST: Final = 16 * 2**20  # bytes of an object stream
_UP: Final = 2  # the PNG filter "as the row above"


class QuickReader(PdfReader):
    """pypdf's reader, with quick ways for tables (cross-reference streams) and object streams."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._held: dict[int, tuple[io.BytesIO, dict[int, int]]] = {}  # an object stream -> its bytes, where each lies
        super().__init__(stream, strict=False)

    def _read_pdf15_xref_stream(self, stream: Any) -> StreamObject:
        place = stream.tell()
        try:
            return self._quick_table(stream)
        except Exception:  # noqa: BLE001  pypdf tells better what is wrong
            stream.seek(place)
            return super()._read_pdf15_xref_stream(stream)

    def _quick_table(self, stream: Any) -> StreamObject:
        """One table; entries known from a later part of the file stand. Raises ValueError for one that is not plain."""
        stream.seek(-1, 1)
        number, generation = self.read_object_header(stream)
        table = cast(StreamObject, read_object(stream, self))
        widths = [int(width) for width in cast(Any, table["/W"])]
        spans = [int(value) for value in cast(Any, table.get("/Index", [0, table["/Size"]]))]
        count = sum(spans[1::2])
        plain = str(table["/Type"]) == "/XRef" and len(widths) == 3 and all(0 <= width <= 7 for width in widths)
        if not plain or len(spans) % 2 or min(spans) < 0 or not 0 < count < self._xref_stream_maximum_entries:
            raise ValueError("a table out of the ordinary")
        kinds, seconds, thirds = _columns(_unpacked(table, count, sum(widths)), widths)
        numbers = np.concatenate(
            [np.arange(start, start + size) for start, size in zip(spans[::2], spans[1::2], strict=True)]
        )
        self.cache_indirect_object(generation, number, table)
        for own in np.unique(thirds[kinds == 1]).tolist():
            chosen = (kinds == 1) & (thirds == own)
            fresh = dict(zip(numbers[chosen][::-1].tolist(), seconds[chosen][::-1].tolist(), strict=True))
            known = self.xref.get(own, {})
            self.xref[own] = {n: place for n, place in fresh.items() if n not in self.xref_objStm} | known
        held = self.xref.get(0, {})
        for at in np.flatnonzero(kinds == 2).tolist():
            if int(numbers[at]) not in held:
                self.xref_objStm.setdefault(int(numbers[at]), (int(seconds[at]), int(thirds[at])))
        return table

    def _get_object_from_stream(self, indirect_reference: IndirectObject) -> PdfObject:
        try:
            found = self._quick_object(indirect_reference)
        except LimitReachedError:
            raise
        except Exception:  # noqa: BLE001  pypdf knows how to go on
            return super()._get_object_from_stream(indirect_reference)
        self.cache_indirect_object(0, indirect_reference.idnum, found)
        return found

    def _quick_object(self, reference: IndirectObject) -> PdfObject:
        """One object of an object stream. Raises ValueError and others where the stream is not plain."""
        holder = self.xref_objStm[reference.idnum][0]
        if holder in self.xref_objStm:
            raise ValueError("an object stream within another")
        if holder not in self._held:
            self._held[holder] = self._opened(holder)
        data, places = self._held[holder]
        data.seek(places[reference.idnum])
        return read_object(data, self)

    def _opened(self, holder: int) -> tuple[io.BytesIO, dict[int, int]]:
        stream = cast(Any, IndirectObject(holder, 0, self).get_object())
        data = stream.get_data()
        if len(data) > _MOST:  # pypdf would look at each byte of it
            raise LimitReachedError(f"an object stream of {len(data)} bytes")
        first, count = int(stream["/First"]), int(stream["/N"])
        head = [int(word) for word in data[:first].split()[: 2 * count]]
        places = head[1::2]
        plain = (
            stream["/Type"] == "/ObjStm" and len(head) == 2 * count and all(0 <= p < len(data) - first for p in places)
        )
        if not plain or places != sorted(set(places)):
            raise ValueError("an object stream out of the ordinary")
        return io.BytesIO(data), {n: first + place for n, place in zip(head[::2], places, strict=True)}


def _unpacked(table: StreamObject, count: int, width: int) -> NDArray[np.uint8]:
    """The bytes of a table, shape (count, width)."""
    parameters = cast(Any, table.get("/DecodeParms"))
    predicted = table.get("/Filter") == "/FlateDecode" and parameters and int(parameters.get("/Predictor", 1)) >= 10
    if not predicted or int(parameters.get("/Columns", 1)) != width:
        return np.frombuffer(table.get_data(), np.uint8, count * width).reshape(count, width)
    data = zlib.decompressobj().decompress(table._data, count * (width + 1))  # noqa: SLF001  packed bytes
    rows = np.frombuffer(data, np.uint8, count * (width + 1)).reshape(count, width + 1)
    if not (rows[:, 0] == _UP).all():
        raise ValueError("a table with several predictors")
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)


def _columns(raw: NDArray[np.uint8], widths: list[int]) -> list[NDArray[np.int64]]:
    """The three numbers of each entry; a first one of no width is 1, another one 0."""
    columns, start = [], 0
    for place, width in enumerate(widths):
        column = np.full(len(raw), 1 if place == 0 and not width else 0, np.int64)
        for byte in range(start, start + width):
            column = column << 8 | raw[:, byte]
        columns.append(column)
        start += width
    return columns
