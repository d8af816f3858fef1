"""The structure of a sound PDF, read quickly: table of objects, object streams, encryption, page tree.

The inspection of a file asks for a few objects a page. pypdf makes objects of its own of every token it reads, and
reads the tables entry by entry: more work than the text itself. This reader takes what is plain and refuses the rest:
whatever is damaged or out of the ordinary raises, and pypdf has the file. Source: ISO 32000-2, 7.3 to 7.7.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.extract.pdf.syntax import Dict, OddSyntaxError, Ref, Stream, parse

__all__ = ["Structure"]

MAX_UNPACKED: Final = 64 * 2**20  # bytes of a stream
MAX_NODES: Final = 50_000  # of the page tree
_MAX_TABLES: Final = 100
_MAX_ENTRIES: Final = 10_000_000  # of a table
_MAX_LEVELS: Final = 50  # of the page tree
_UP: Final = 2  # the PNG filter "as the row above"
_HEAD: Final = re.compile(rb"[\0\t\n\f\r ]*(\d{1,9})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+obj\b")
_STREAM: Final = re.compile(rb"[\0\t\n\f\r ]*stream\r?\n")
_AFTER: Final = re.compile(rb"[\0\t\n\f\r ]*endstream")
_LAST: Final = re.compile(rb"startxref[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+%%EOF")
_SPAN: Final = re.compile(rb"[\0\t\n\f\r ]*(\d{1,9}) (\d{1,9})[ \t]*\r?\n?")
_TRAILER: Final = re.compile(rb"[\0\t\n\f\r ]*trailer")

Table = tuple[int, NDArray[np.int64]]  # first number; shape (n, 3): kind (0 free, 1 placed, 2 packed), place, rest


class Structure:
    """A file: `trailer`, objects by number, pages. Raises OddSyntaxError, and others, for what is not plain."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._tables: list[Table] = []
        self._objects: dict[int, Any] = {}
        self._under_way: set[int] = set()
        self._packed: dict[int, tuple[bytes, dict[int, int]]] = {}
        self._crypt: Callable[[int, int], Any] | None = None
        self.trailer = Dict()
        self._read_tables()
        if "/Encrypt" in self.trailer:
            self._crypt = self._opened()
            self._objects.clear()

    def catalog(self) -> Dict:
        """The root of all objects."""
        return _dictionary(self.trailer.get("/Root"))

    def title(self) -> bytes:
        """The title of the metadata, as it stands."""
        known = _resolved(self.trailer.get("/Info"))
        title = _resolved(known.get("/Title")) if isinstance(known, dict) else None
        return title if isinstance(title, bytes) else b""

    def pages(self) -> list[Dict]:
        """The pages in their order, each with the resources that it inherits."""
        root = _dictionary(self.catalog().get("/Pages"))
        found, waiting, nodes = list[Dict](), [iter([(root, None, 0)])], 0
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
                continue
            node, inherited, depth = entry
            nodes += 1
            if nodes > MAX_NODES or depth > _MAX_LEVELS:
                raise OddSyntaxError("a page tree of too many nodes")
            resources = node.get("/Resources", inherited)
            if "/Kids" in node:
                waiting.append(_kids(node, resources, depth + 1))
            elif node.get("/Type") == "/Page":
                found.append(
                    node if "/Resources" in node or resources is None else Dict(node | {"/Resources": resources})
                )
            else:
                raise OddSyntaxError("a node of the page tree that is no page")
        if _resolved(root.get("/Count")) != len(found) or not found:
            raise OddSyntaxError("another number of pages than the file says")
        return found

    def _find(self, number: int, generation: int) -> Any:
        if number not in self._objects:
            if number in self._under_way:
                raise OddSyntaxError(f"object {number} within itself")
            self._under_way.add(number)
            found = self._load(number, generation)
            self._under_way.discard(number)
            if isinstance(found, Ref):
                raise OddSyntaxError(f"object {number} is a reference")
            self._objects[number] = found
        return self._objects[number]

    def _entry(self, number: int) -> tuple[int, int, int]:
        for start, table in self._tables:
            if start <= number < start + len(table):
                kind, place, rest = table[number - start].tolist()
                return kind, place, rest
        return 0, 0, 0

    def _load(self, number: int, generation: int) -> Any:
        kind, place, rest = self._entry(number)
        if kind == 0:
            return None
        if kind == 1 and rest == generation:
            found = self._at(place)
            if found[:2] != (number, generation):
                raise OddSyntaxError(f"object {number} is not where the table says")
            if self._crypt is not None:
                _decrypt_strings(found[2], lambda: self._crypt(number, generation).str_crypt)  # type: ignore[misc]
            return found[2]
        if kind == 2 and not generation:
            if place not in self._packed:
                self._packed[place] = self._opened_packed(place)
            data, places = self._packed[place]
            if number not in places:
                raise OddSyntaxError(f"object {number} is not in its object stream")
            return parse(data, places[number], self._find)[0]
        raise OddSyntaxError(f"an entry of kind {kind} for object {number}")

    def _at(self, place: int) -> tuple[int, int, Any]:
        """(number, generation, value) of the object that stands at a place."""
        head = _HEAD.match(self._data, place)
        if head is None:
            raise OddSyntaxError(f"no object at {place}")
        number, generation = int(head[1]), int(head[2])
        value, end = parse(self._data, head.end(), self._find)
        start = _STREAM.match(self._data, end) if isinstance(value, Dict) else None
        if start is None:
            return number, generation, value
        length = _resolved(value.get("/Length"))
        end = start.end() + length if isinstance(length, int) and length >= 0 else -1
        if end < 0 or _AFTER.match(self._data, end) is None:
            raise OddSyntaxError(f"a stream of another length at {place}")
        raw = memoryview(self._data)[start.end() : end]
        return number, generation, Stream(value, lambda stream: self._unpacked(stream, raw, number, generation))

    def _unpacked(self, stream: Stream, raw: memoryview, number: int, generation: int) -> bytes:
        data = bytes(raw)
        if self._crypt is not None and stream.get("/Type") != "/XRef":
            data = self._crypt(number, generation).stm_crypt.decrypt(data)
        return unfiltered(stream, data)

    def _opened_packed(self, number: int) -> tuple[bytes, dict[int, int]]:
        """(bytes of an object stream, where each object begins in them)."""
        stream = self._find(number, 0)
        if not isinstance(stream, Stream) or stream.get("/Type") != "/ObjStm" or self._entry(number)[0] != 1:
            raise OddSyntaxError(f"{number} is no object stream")
        data = stream.get_data()
        first, count = _resolved(stream.get("/First")), _resolved(stream.get("/N"))
        head = [int(word) for word in data[:first].split()[: 2 * count]]
        if len(head) != 2 * count:
            raise OddSyntaxError(f"object stream {number} has fewer objects than it says")
        return data, {n: first + place for n, place in zip(head[::2], head[1::2], strict=True)}

    def _read_tables(self) -> None:
        """All tables, the newest first."""
        last = list(_LAST.finditer(self._data, max(0, len(self._data) - 2048)))
        if not last or not self._data.startswith(b"%PDF-"):
            raise OddSyntaxError("no table at the end")
        place: Any = int(last[-1][1])
        seen: set[int] = set()
        while place is not None:
            if not isinstance(place, int) or place in seen or len(seen) >= _MAX_TABLES:
                raise OddSyntaxError("tables before each other")
            seen.add(place)
            if self._data[place : place + 4] == b"xref":
                first = len(self._tables)
                known = self._plain_table(place + 4)
                if "/XRefStm" in known:  # where an office program keeps what it hides from old readers as free
                    plain, self._tables = self._tables[first:], self._tables[:first]
                    self._packed_table(known["/XRefStm"])
                    self._tables += plain
            else:
                known = self._packed_table(place)
            self.trailer = self.trailer or known
            place = known.get("/Prev")

    def _plain_table(self, at: int) -> Dict:
        while (trailer := _TRAILER.match(self._data, at)) is None:
            span = _SPAN.match(self._data, at)
            if span is None:
                raise OddSyntaxError(f"no table at {at}")
            start, count, at = int(span[1]), int(span[2]), span.end()
            raw = np.frombuffer(self._data, np.uint8, 20 * count, at).reshape(count, 20).astype(np.int64)
            free = raw[:, 17] == ord("f")
            digits = raw[:, [*range(10), *range(11, 16)]] - ord("0")
            plain = (raw[:, (10, 16)] == ord(" ")).all() and (free | (raw[:, 17] == ord("n"))).all()
            if not plain or (digits < 0).any() or (digits > 9).any():
                raise OddSyntaxError(f"a table out of the ordinary at {at}")
            power = 10 ** np.arange(9, -1, -1)
            places, rest = digits[:, :10] @ power, digits[:, 10:] @ power[5:]
            self._tables.append((start, np.stack([1 - free.astype(np.int64), places, rest], axis=1)))
            at += 20 * count
        known, _ = parse(self._data, trailer.end(), self._find)
        if not isinstance(known, Dict):
            raise OddSyntaxError("a table without its trailer")
        return known

    def _packed_table(self, place: int) -> Dict:
        table = self._at(place)[2]
        widths, size = table.get("/W"), table.get("/Size")
        spans = table.get("/Index", [0, size])
        numbers = all(isinstance(value, int) and value >= 0 for value in (*widths, *spans))
        if not isinstance(table, Stream) or table.get("/Type") != "/XRef" or not numbers or len(widths) != 3:
            raise OddSyntaxError("a table out of the ordinary")
        count = sum(spans[1::2])
        if len(spans) % 2 or max(widths) > 7 or not 0 < count < _MAX_ENTRIES:
            raise OddSyntaxError("a table out of the ordinary")
        entries, done = _columns(_rows(table.get_data(), table, count, sum(widths)), widths), 0
        for start, many in zip(spans[::2], spans[1::2], strict=True):
            self._tables.append((start, entries[done : done + many]))
            done += many
        return table

    def _opened(self) -> Callable[[int, int], Any]:
        """What decrypts the strings and streams of an object, where the password is empty."""
        from pypdf._crypt_providers import aes_cbc_decrypt
        from pypdf._encryption import AlgV5, Encryption

        from corpus.extract.pdf.borrowed import as_pypdf

        parts = _resolved(self.trailer.get("/ID"))
        known = as_pypdf(_dictionary(self.trailer.get("/Encrypt")))
        encryption = Encryption.read(known, parts[0] if parts else b"")
        if encryption.V >= 5:  # the permissions tell whether the key is right, at a third of pypdf's work
            values = encryption.values
            half = AlgV5.calculate_hash(encryption.R, b"", values.U[40:48], b"")
            encryption._key = key = aes_cbc_decrypt(half, bytes(16), values.UE)  # noqa: SLF001  # codespell:ignore
            opened = AlgV5.verify_perms(key, values.Perms, encryption.P, encryption.EncryptMetadata)
        else:
            opened = bool(encryption.verify(b""))
        if not opened:
            raise OddSyntaxError("a password is needed")
        make = encryption._make_crypt_filter  # noqa: SLF001
        if encryption.V < 5:
            return make
        one = make(0, 0)  # the same for every object
        return lambda *_: one


def _decrypt_strings(value: Any, cipher: Callable[[], Any]) -> None:
    """Decrypt the strings within an array or a dictionary, in place; objects in object streams have plain ones."""
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(part, bytes):
            value[name] = cipher().decrypt(part)
        elif isinstance(part, (dict, list)):
            _decrypt_strings(part, cipher)


def unfiltered(stream: Stream, data: bytes) -> bytes:
    """A stream's bytes unpacked by its filters. Raises OddSyntaxError for damage, and for more than 64 MiB."""
    name, how = _resolved(stream.get("/Filter")), _resolved(stream.get("/DecodeParms"))
    if isinstance(name, list) and len(name) == 1:
        name = _resolved(name[0])
        how = _resolved(how[0]) if isinstance(how, list) and how else how
    if name is None or name == []:
        return data
    if name == "/FlateDecode" and (stream.get("/Type") == "/XRef" or not how):
        return _inflated(data)
    from corpus.extract.pdf.borrowed import decoded

    return decoded(stream, data)


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, MAX_UNPACKED)
    except zlib.error as error:
        raise OddSyntaxError(f"damaged: {error}") from None
    if not unpacker.eof:
        raise OddSyntaxError("a stream without its end, or without an end")
    return unpacked


def _rows(data: bytes, table: Dict, count: int, width: int) -> NDArray[np.uint8]:
    """The bytes of a table, shape (count, width)."""
    how = _resolved(table.get("/DecodeParms"))
    predictor = how.get("/Predictor", 1) if isinstance(how, dict) else 1
    if predictor == 1:
        return np.frombuffer(data, np.uint8, count * width).reshape(count, width)
    rows = np.frombuffer(data, np.uint8, count * (width + 1)).reshape(count, width + 1)
    if predictor < 10 or how.get("/Columns", 1) != width or not (rows[:, 0] == _UP).all():
        raise OddSyntaxError("a table with several predictors")
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)


def _columns(raw: NDArray[np.uint8], widths: list[int]) -> NDArray[np.int64]:
    """The three numbers of each entry, shape (n, 3); a first one of no width is 1, another one 0."""
    columns, start = np.zeros((len(raw), 3), np.int64), 0
    columns[:, 0] = not widths[0]
    for place, width in enumerate(widths):
        for byte in range(start, start + width):
            columns[:, place] = columns[:, place] << 8 | raw[:, byte]
        start += width
    return columns


def _kids(node: Dict, resources: Any, depth: int) -> Iterator[tuple[Dict, Any, int]]:
    kids = _resolved(node["/Kids"])
    if not isinstance(kids, list):
        raise OddSyntaxError("a page tree without its nodes")
    return ((_dictionary(kid), resources, depth) for kid in kids)


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, Ref) else value


def _dictionary(value: Any) -> Dict:
    found = _resolved(value)
    if not isinstance(found, Dict):
        raise OddSyntaxError("no dictionary where one must be")
    return found
