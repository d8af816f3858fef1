"""Which engine reads which page, and the alarm that sends a garbled page to the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from corpus.extract.pdf.facts import (
    MINER_PAGE_BYTES,
    Facts,
    PageFacts,
    PasswordError,
    look,
    open_reader,
    plain_text,
    quiet,
)
from corpus.extract.pdf.glyphs import Line
from corpus.extract.pdf.letters import clean_letters, controls, lost_letters, without_controls
from corpus.extract.pdf.lines import TooManyPiecesError, page_lines
from corpus.extract.pdf.miner import MinerPages
from corpus.extract.pdf.pdfium import PdfiumError, open_pdfium, page_glyphs
from corpus.extract.pdf.rawscan import within_limits
from corpus.text.normalise import normalise
from corpus.text.scripts import GARBLED, garbled_share, visible_and_garbled

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["ReadPage", "read_pages"]

FEW: Final = 20  # characters on a page below which the alarm says nothing
LOST: Final = 0.02  # share of letters without Unicode from which a page is garbled: words have holes
_LOST_FEW: Final = 3
CONTROLS: Final = 0.05  # share of controls from which the codes of a font are no letters: good pages have 0.005
_CONTROLS_FEW: Final = 20
MAX_CHARS: Final = 20_000_000  # of a file
_PLAIN_HEIGHT: Final = 842.0  # of a page of text without places


@dataclass
class ReadPage:
    """A page as the best engine had it.

    `lines` stand in the order drawn on a page of this `height`; `share` of the `chars` visible characters is garbled,
    and `garbled` says that the page must not be used for that; `error` says why nothing came out; `engine` read it.
    """

    lines: list[Line] = field(default_factory=list)
    height: float = 0.0
    chars: int = 0
    share: float = 0.0
    garbled: bool = False
    error: str = ""
    engine: str = ""


def read_pages(data: bytes) -> tuple[Facts, list[ReadPage]]:
    """The facts and the pages of a file. Raises PasswordError, and what the engines raise where none can open it."""
    with ExitStack() as stack:
        stack.enter_context(quiet("pypdf"))
        sound = True
        reader: PdfReader | None = None
        try:
            facts, reader = look(data)
        except PasswordError:
            raise
        except Exception as error:  # noqa: BLE001  raised again unless another engine may try
            facts, sound = _without_facts(data, error), False
        engines = _Engines(data, reader, stack, facts, sound=sound)
        count = facts.count or engines.count()
        if not count:
            raise PdfiumError("the file has no pages")
        facts.count = count
        return facts, list(_read(engines, facts))


def _without_facts(data: bytes, error: Exception) -> Facts:
    """A file that pypdf cannot follow is read by the others if it holds no bomb; else its error stands."""
    if not within_limits(data):
        raise error
    return Facts()


def _read(engines: _Engines, facts: Facts) -> Iterator[ReadPage]:
    chars = 0
    for number in range(facts.count):
        page = facts.pages[number] if number < len(facts.pages) else None
        if facts.pages and page is None:
            yield ReadPage(error="more pages than one file may have")
            continue
        if chars > MAX_CHARS:
            yield ReadPage(error="more text than one file may have")
            continue
        done = engines.read(number, page or PageFacts())
        chars += done.chars
        yield done


class _Engines:
    """The three engines, each opened when it is first needed."""

    def __init__(self, data: bytes, reader: PdfReader | None, stack: ExitStack, facts: Facts, *, sound: bool) -> None:
        self._data, self._reader, self._stack, self._sound = data, reader, stack, sound
        self._layers, self._careful = facts.layers, bool(facts.layers) or facts.invisible
        self._fast: tuple[Any, int] | Exception | None = None
        self._slow: MinerPages | Exception | None = None

    def count(self) -> int:
        """Pages as PDFium counts them."""
        return self._pdfium()[1]

    def read(self, number: int, page: PageFacts) -> ReadPage:
        """One page by the first engine that reads it well, else by the one that reads it best."""
        if page.hostile:
            return ReadPage(error=page.hostile)
        slow = [("pdfminer", self._by_miner)] if page.slow else []
        fast: list[tuple[str, Callable[[int], ReadPage]]] = [("pdfium", lambda n: self._by_pdfium(n, page))]
        last = [("pypdf", self._by_pypdf)] if self._sound and page.drawn <= MINER_PAGE_BYTES else []
        best: ReadPage | None = None
        error = ""
        for name, engine in (*fast, *slow, *last) if page.fast else (*slow, *fast, *last):
            try:
                done = engine(number)
            except TooManyPiecesError as failed:
                return ReadPage(error=str(failed))
            except Exception as failed:  # noqa: BLE001  one engine's failure is the next one's turn
                error = error or f"{name}: {type(failed).__name__}: {failed}"[:200]
                continue
            done.engine = name
            if best is None or (done.share, -done.chars) < (best.share, -best.chars) or not best.chars:
                best = done
            if not best.garbled and (best.chars or page.fast):
                break
        return best or ReadPage(error=error or "no engine can read it")

    def _pdfium(self) -> tuple[Any, int]:
        if self._fast is None:
            try:
                self._fast = self._stack.enter_context(open_pdfium(self._data))
            except PdfiumError as error:
                self._fast = error
        if isinstance(self._fast, Exception):
            raise self._fast
        return self._fast

    def _by_pdfium(self, number: int, page: PageFacts) -> ReadPage:
        document, _ = self._pdfium()
        return _judged(*_with_asides(page_glyphs(document, number, page, self._layers, careful=self._careful)))

    def _by_miner(self, number: int) -> ReadPage:
        if self._slow is None:
            try:
                self._slow = MinerPages(self._data, self._layers)
            except Exception as error:  # noqa: BLE001  told again for every page that asks
                self._slow = error
        if isinstance(self._slow, Exception):
            raise self._slow
        return _judged(*_with_asides(self._slow.glyphs(number)))

    def _by_pypdf(self, number: int) -> ReadPage:
        if self._reader is None:
            self._reader = open_reader(self._data)
        raw = [line for line in plain_text(self._reader, number).replace("\r", "\n").split("\n") if line.strip()]
        lines, width = [], 10.0
        for place, text in enumerate(raw):
            wide = sum(width if character >= "\u2e80" else width / 2 for character in text)
            indent = width * (len(text) - len(text.lstrip("\u3000")))
            y = _PLAIN_HEIGHT - 40 - 15 * place
            lines.append(Line(text.strip(" \u3000"), indent, y, indent + wide, y + width, width, place))
        return _judged(lines, 0, _PLAIN_HEIGHT)


def _with_asides(glyphs: Any) -> tuple[list[Line], int, float]:
    """What `page_lines` gives; text turned against the page comes last, as lines of their own."""
    lines, dropped, height = page_lines(glyphs)
    floor = min((line.y0 for line in lines), default=0.0)
    for aside in glyphs.asides:
        text = " ".join(aside.split())
        if text:
            floor -= 40
            lines.append(Line(text, 0, floor, 10, floor + 10, 10, len(lines) + 10_000, "aside"))
    return lines, dropped, height


def _judged(lines: list[Line], dropped: int, height: float) -> ReadPage:
    """A page with the alarm's verdict on it."""
    text = clean_letters("\n".join(line.text for line in lines))
    chars, strange = visible_and_garbled(text)
    share = strange
    if share > GARBLED / 2:
        share = garbled_share(normalise(text))  # compatibility forms are letters
    lost = lost_letters(text)
    for line, cleaned in zip(lines, without_controls(text, odd=strange > 0).split("\n") if lines else (), strict=True):
        line.text = cleaned
    lines = [line for line in lines if line.text.strip()]
    holes = lost >= _LOST_FEW and lost > LOST * chars
    coded = strange > CONTROLS and controls(text) > max(_CONTROLS_FEW, CONTROLS * chars)
    share = max(share, lost / max(1, chars), strange if coded else 0.0)
    garbled = chars >= FEW and (share > GARBLED or holes or coded)
    return ReadPage(lines, height, chars + dropped, share, garbled=garbled)
