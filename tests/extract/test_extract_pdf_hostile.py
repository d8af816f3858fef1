"""Files that mean harm and files with damage: each ends with an outcome, within the limits of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_hostile import hostile
from pdf_samples import Text, column, make

from corpus.extract.model import OUTCOMES, Extracted
from corpus.extract.pdf.facts import look
from corpus.extract.sandbox import Sandbox
from corpus.text.scripts import GARBLED

FILES = hostile(0.08)
SENTENCE = "The rotor was tested at four speeds."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The limits of a harvest: 1 GiB and 25 seconds."""
    with Sandbox(2) as pool:
        yield pool


@pytest.mark.parametrize("name", FILES)
def test_hostile(sandbox: Sandbox, name: str) -> None:
    """Bombs, loops, nesting and wrong tables have an outcome by the reader's own limits: no worker is lost to them."""
    done = sandbox.extract(FILES[name](), url="")
    assert done.outcome in OUTCOMES
    assert done.garbled_share <= GARBLED or done.outcome == "garbled"
    assert not any(word in done.reason for word in ("no end after", "asked for more", "crashed", "out of memory"))


@pytest.mark.parametrize(
    "name", ["page tree of itself", "two thousand million pages", "table before itself", "wrong places", "wrong length"]
)
def test_harmless_at_heart(sandbox: Sandbox, name: str) -> None:
    """A file whose page is whole is read, however its frame lies."""
    assert sandbox.extract(FILES[name](), url="").text == SENTENCE


@pytest.mark.parametrize(
    "name", ["bomb: colour profile", "bomb: letter of a Type 3 font", "bomb: font", "form of itself"]
)
def test_bombs_are_found_before_they_burst(name: str) -> None:
    """What another engine would unpack is measured first: such a page goes to no engine."""
    facts, _ = look(FILES[name]())
    assert facts.pages[0].hostile


@cache
def sample() -> bytes:
    """A file with two columns and Japanese fonts."""
    left = column([f"line {n} of the left column of it" for n in range(6)], 50, 700)
    right = column([f"line {n} of the right column of it" for n in range(6)], 310, 700)
    japanese = [Text(60, 300, "防衛省は、装備品の調達を進めている。", 10, font) for font in ("EUC-H", "V")]
    return make([left + right, japanese])


def sound(done: Extracted) -> bool:
    """Whether a result keeps what every result promises."""
    spans = [(s.start, s.end) for s in done.sections]
    inside = all(0 <= start < end <= len(done.text) for start, end in spans)
    calm = not any(word in done.reason for word in ("reader failed", "no end after", "crashed"))
    return (
        calm
        and done.outcome in OUTCOMES
        and bool(done.text) == (done.outcome == "ok")
        and inside
        and sorted(spans) == spans
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 10**6))
def test_damage(sandbox: Sandbox, changes: list[tuple[int, int]], cut: int) -> None:
    """A changed byte anywhere, or a file that ends early, is an outcome, never an exception and never a hang."""
    data = bytearray(sample())
    for place, value in changes:
        data[place % len(data)] = value
    if cut % 4 == 0:
        data = data[: cut % len(data)]
    assert sound(sandbox.extract(b"%PDF-" + bytes(data[5:]), url=""))


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish(sandbox: Sandbox, data: bytes) -> None:
    """Rubbish behind the first bytes of a PDF is an outcome."""
    assert sound(sandbox.extract(b"%PDF-1.7\n" + data, url=""))
