"""What a PDF is made of, found within limits: the evidence for the router.

A sound file is read by `structure`; pypdf has what that refuses.

Every stream that another engine would unpack is unpacked here first, with a limit for a stream and a limit for all of
them, because PDFium and pdfminer take what a bomb gives them. Forms that call each other are counted out, so that ten
small ones cannot stand for millions.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from corpus.extract.pdf.borrowed import words
from corpus.extract.pdf.layers import hidden_layers, layer_name
from corpus.extract.pdf.structure import Structure

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["Facts", "PageFacts", "PasswordError", "look", "open_reader", "plain_text", "quiet"]

MAX_PAGES: Final = 5000
MAX_PAGE_BYTES: Final = 48 * 2**20  # drawing of one page, forms repeated as often as they are called
MINER_PAGE_BYTES: Final = 3 * 2**20  # the same, for the slow engine
MAX_PALE: Final = 2 * 2**20  # drawing that is looked through for white text
MAX_STREAM: Final = 64 * 2**20  # a font or a table
MAX_ALL_BYTES: Final = 512 * 2**20  # everything unpacked, a stream once
MAX_DRAWN: Final = 2 * 2**30  # everything drawn, a stream as often as it is used
MAX_MAPPED: Final = 200_000  # characters of one ToUnicode table
MAX_FONTS: Final = 3000  # of a page
_MAX_DEPTH: Final = 12  # forms within forms
_MAX_COLOURS: Final = 4  # colour spaces within each other
_INVISIBLE: Final = re.compile(rb"(?<![\d.])[37][\0\t\n\f\r ]+Tr\b")  # text that is not painted
_WHITE: Final = (b"1 1 1 rg", b"1 g", b"0 0 0 0 k")
_NUMERAL: Final = tuple(b"%c" % digit for digit in b"0123456789.")
_PAINTS: Final = re.compile(rb"[\s\])>](?:rg|g|k|sc|scn|Q|T[jJ])\b")  # what shows text, or takes another colour
_WORD: Final = re.compile(rb"\w")
_CALL: Final = re.compile(rb"/([^\s/\[\]<>(){}%]+)\s+Do\b")
_BLOCK: Final = re.compile(rb"beginbfrange(.*?)(?:endbfrange|$)", re.DOTALL)
_RANGE: Final = re.compile(rb"<\s*([0-9A-Fa-f]{1,16})\s*>\s*<\s*([0-9A-Fa-f]{1,16})\s*>\s*(?:<[^>]*>|\[[^\]]*\])")
_JAPANESE: Final = re.compile(
    r"(?:RKSJ|EUC|UniJIS|UniGB|UniCNS|UniKS|UniAKR|GB|B5|CNS|KSC|HK|Hankaku|Hiragana|Katakana|Roman|WP-Symbol|Ext-|Add-|78-)|"
    r"^[HV]$"
)
_CJK_ORDERING: Final = re.compile(r"Japan|GB|CNS|Korea|KR")


class PasswordError(Exception):
    """The file needs a password."""


@dataclass(frozen=True)
class FontFacts:
    """One font: whether PDFium is to be trusted with it, whether pdfminer may be, and whether it writes downwards."""

    fast: bool
    slow: bool
    vertical: bool


@dataclass
class PageFacts:
    """One page: which engines may read it, and why not; whether it seems to have white text.

    `hidden` says of each form that the page draws whether its layer is hidden; it is empty where none is.
    """

    fast: bool = True
    slow: bool = True
    drawn: int = 0
    hostile: str = ""
    pale: bool = False
    hidden: tuple[bool, ...] = ()


@dataclass
class Facts:
    """A file: its pages, title, the names of its hidden layers, and whether any of its text is not painted."""

    pages: list[PageFacts] = field(default_factory=list)
    title: str = ""
    count: int = 0
    layers: frozenset[str] = frozenset()
    invisible: bool = False


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Silence a library that tells each oddity of a file to the log; the outcome says what matters."""
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def look(data: bytes) -> tuple[Facts, PdfReader | None]:
    """The facts of every page, and pypdf's reader where one had to be opened.

    A page that cannot be looked at is hostile, with the reason. Raises PasswordError, and what pypdf raises on damage.
    """
    try:
        structure = Structure(data)
        facts = _inspected(structure.pages(), words(structure.title()), structure.catalog())
    except Exception:  # noqa: BLE001  pypdf tells better what is wrong, and knows how to go on
        facts = None
    if facts is not None and not any(page.hostile for page in facts.pages):
        return facts, None
    reader = open_reader(data)
    return _inspected(reader.pages, _title(reader), reader.root_object), reader


def open_reader(data: bytes) -> PdfReader:
    """A reader of the file, opened with an empty password. Raises PasswordError, and what pypdf raises on damage."""
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError

    reader = PdfReader(io.BytesIO(data))  # tries the empty password itself
    try:
        len(reader.pages)
    except FileNotDecryptedError:
        raise PasswordError from None
    return reader


def _inspected(pages: Sequence[Any], title: str, catalog: Any) -> Facts:
    inspector, facts = _Inspector(), Facts(title=title)
    facts.count = len(pages)
    with suppress(Exception):  # damaged layers are no reason to lose the text
        facts.layers = inspector.layers = hidden_layers(catalog, words)
    for number in range(min(facts.count, MAX_PAGES)):
        try:
            facts.pages.append(inspector.page(pages[number]))
        except Exception as error:  # noqa: BLE001  one bad page must not cost the others
            facts.pages.append(PageFacts(fast=False, slow=False, hostile=f"{type(error).__name__}: {error}"[:200]))
    facts.invisible = inspector.invisible
    return facts


def plain_text(reader: PdfReader, number: int) -> str:
    """The text of a page as pypdf has it, without geometry: the last resort."""
    return reader.pages[number].extract_text() or ""


class _Inspector:
    """Looks at pages, each shared object once."""

    def __init__(self) -> None:
        self.fonts: dict[object, FontFacts] = {}
        self.streams: dict[object, bytes] = {}
        self.forms: dict[object, tuple[int, list[FontFacts]]] = {}
        self.open: set[object] = set()  # forms being looked into
        self.unpacked = self.drawn = 0
        self.invisible = False
        self.layers: frozenset[str] = frozenset()

    def page(self, page: Any) -> PageFacts:
        """The facts of one page."""
        content = self._content(page.raw_get("/Contents") if "/Contents" in page else None)
        drawn, fonts = self._drawn(content, _resolved(page.get("/Resources")), 0)
        self.drawn += drawn
        facts = PageFacts(fast=all(font.fast for font in fonts), slow=all(font.slow for font in fonts), drawn=drawn)
        facts.pale = len(content) < MAX_PALE and _has_white(content)
        if self.layers:
            facts.hidden = self._hidden(content, _resolved(page.get("/Resources")))
        if drawn > MAX_PAGE_BYTES:
            facts.hostile = f"{drawn} bytes of drawing on one page"
        elif self.drawn > MAX_DRAWN or self.unpacked > MAX_ALL_BYTES:
            facts.hostile = "the pages before it used up what one file may unpack"
        elif drawn > MINER_PAGE_BYTES:
            facts.slow = False
        return facts

    def _hidden(self, content: bytes, resources: Any) -> tuple[bool, ...]:
        forms = _resolved(resources.get("/XObject")) if isinstance(resources, dict) else None
        if not isinstance(forms, dict):
            return ()
        names = ["/" + name.decode("latin-1") for name in _CALL.findall(content)]
        drawn = [_resolved(_raw(forms, name)) for name in names if name in forms]
        hidden = tuple(
            layer_name(form.get("/OC"), words) in self.layers
            for form in drawn
            if isinstance(form, dict) and form.get("/Subtype") == "/Form"
        )
        return hidden if any(hidden) else ()

    def _content(self, contents: Any) -> bytes:
        found = _resolved(contents)
        parts = list(found) if isinstance(found, list) else [contents] if found is not None else []
        return b"\n".join(self._data(part) for part in parts)

    def _data(self, reference: Any) -> bytes:
        """A stream, unpacked once. Raises what pypdf raises where it is damaged or too large."""
        key = _key(reference)
        if key in self.streams:
            return self.streams[key]
        stream = _resolved(reference)
        data = stream.get_data() if hasattr(stream, "get_data") else b""
        self.unpacked += len(data)
        if len(data) > MAX_STREAM or self.unpacked > MAX_ALL_BYTES:
            raise ValueError(f"a stream of {len(data)} bytes")
        if len(data) < 2**16:
            self.streams[key] = data
        return bytes(data)

    def _measured(self, reference: Any) -> None:
        """Unpack a stream to see that it is no bomb; a small one cannot be."""
        key = _key(reference)
        if key not in self.streams:
            self._data(reference)
            self.streams[key] = b""

    def _drawn(self, content: bytes, resources: Any, depth: int) -> tuple[int, list[FontFacts]]:
        """(bytes drawn by a content stream and the forms it calls, fonts at hand there)."""
        resources = resources if isinstance(resources, dict) else {}
        found = _resolved(resources.get("/Font"))
        if isinstance(found, dict) and len(found) > MAX_FONTS:
            raise ValueError(f"{len(found)} fonts on one page")
        fonts = [self._font(_raw(found, name)) for name in found] if isinstance(found, dict) else []
        self._colours(_resolved(resources.get("/ColorSpace")), 0)
        drawn = len(content)
        self.invisible = self.invisible or (b" Tr" in content and _INVISIBLE.search(content) is not None)
        forms = _resolved(resources.get("/XObject"))
        if not isinstance(forms, dict) or not forms:
            return drawn, fonts
        for name in _CALL.findall(content):
            key = "/" + name.decode("latin-1")
            if key not in forms:
                continue
            size, more = self._form(_raw(forms, key), resources, depth)
            drawn += size
            fonts += more
            if drawn > MAX_PAGE_BYTES:
                break
        return drawn, fonts

    def _colours(self, spaces: Any, depth: int) -> None:
        """Measure the profiles, palettes and functions of colours, which PDFium unpacks though they are no text."""
        for value in spaces.values() if isinstance(spaces, dict) else spaces if isinstance(spaces, list) else ():
            found = _resolved(value)
            if hasattr(found, "get_data"):
                self._measured(value)
            elif depth < _MAX_COLOURS:
                self._colours(found, depth + 1)

    def _form(self, reference: Any, resources: Any, depth: int) -> tuple[int, list[FontFacts]]:
        key = _key(reference)
        if key in self.forms:
            return self.forms[key]
        form = _resolved(reference)
        if not hasattr(form, "get_data") or form.get("/Subtype") != "/Form":
            return 0, []
        if depth >= _MAX_DEPTH or key in self.open:  # PDFium would draw 2 to the 40th of them
            raise ValueError("forms that draw themselves, or too many within each other")
        self.open.add(key)
        self.forms[key] = self._drawn(self._data(reference), _resolved(form.get("/Resources")) or resources, depth + 1)
        self.open.discard(key)
        return self.forms[key]

    def _font(self, reference: Any) -> FontFacts:
        key = _key(reference)
        if key not in self.fonts:
            self.fonts[key] = self._look(_resolved(reference))
        return self.fonts[key]

    def _look(self, font: Any) -> FontFacts:
        """The facts of a font; see the module about bombs."""
        if not isinstance(font, dict):
            return FontFacts(fast=True, slow=True, vertical=False)
        composite = font.get("/Subtype") == "/Type0"
        below = _resolved(font.get("/DescendantFonts")) if composite else None
        inner = _resolved(below[0]) if isinstance(below, list) and below else font
        embedded = self._embedded(_resolved(inner.get("/FontDescriptor")) if isinstance(inner, dict) else None)
        table = _raw(font, "/ToUnicode") if "/ToUnicode" in font else None
        mapped = self._mapped(table)
        if not composite:
            drawn = _resolved(font.get("/CharProcs"))  # letters that are drawings, of a Type 3 font
            for name in drawn if isinstance(drawn, dict) else ():
                self._measured(_raw(drawn, name))
            return FontFacts(fast=True, slow=mapped <= MAX_MAPPED, vertical=False)
        encoding = _resolved(font.get("/Encoding"))
        if hasattr(encoding, "get_data"):
            self._measured(_raw(font, "/Encoding"))
            encoding = encoding.get("/CMapName", "")
        name = str(encoding or "").lstrip("/")
        system = _resolved(inner.get("/CIDSystemInfo")) if isinstance(inner, dict) else None
        ordering = str(system.get("/Ordering", "")) if isinstance(system, dict) else ""
        vertical = name.endswith("-V") or name == "V"
        cjk = bool(_CJK_ORDERING.search(ordering) or _JAPANESE.search(name))
        fast = not vertical and (mapped > 0 and embedded if cjk else mapped > 0 or not embedded)
        return FontFacts(fast=fast, slow=mapped <= MAX_MAPPED, vertical=vertical)

    def _embedded(self, descriptor: Any) -> bool:
        if not isinstance(descriptor, dict):
            return False
        for name in ("/FontFile", "/FontFile2", "/FontFile3"):
            if name in descriptor:
                self._measured(_raw(descriptor, name))
                return True
        return False

    def _mapped(self, table: Any) -> int:
        """How many characters a ToUnicode table maps (0: there is none that says anything)."""
        if table is None or not hasattr(_resolved(table), "get_data"):
            return 0
        data = self._data(table)
        ranges = (pair for block in _BLOCK.findall(data) for pair in _RANGE.findall(block))
        spans = sum(max(0, int(last, 16) - int(first, 16)) for first, last in ranges)
        return spans + data.count(b"<") // 2


def _has_white(content: bytes) -> bool:
    """Whether text follows where white is chosen, before any other colour."""
    for colour in _WHITE:
        place = content.find(colour)
        while place >= 0:
            end = place + len(colour)
            whole = content[place - 1 : place] not in _NUMERAL and _WORD.match(content, end) is None
            shown = _PAINTS.search(content, end) if whole else None  # it finds the next white, if nothing before
            if shown and shown[0][1:] in (b"Tj", b"TJ"):
                return True
            place = content.find(colour, end)
    return False


def _key(reference: Any) -> object:
    """What names an object of the file; one without a number has no name, and is looked at each time."""
    number = getattr(reference, "idnum", None)
    return _Itself(reference) if number is None else (number, getattr(reference, "generation", 0))


@dataclass(frozen=True, eq=False)
class _Itself:
    """Equal to nothing else."""

    value: Any


def _resolved(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value


def _raw(dictionary: Any, name: Any) -> Any:
    """A value as it stands: a reference is not followed."""
    return dictionary.raw_get(name)


def _title(reader: PdfReader) -> str:
    """The title of the metadata, as it stands."""
    try:
        return str((reader.metadata and reader.metadata.title) or "")
    except Exception:  # noqa: BLE001  damaged metadata is no reason to lose the text
        return ""
