"""What goes over the sandbox's socket: results come back equal, and what is no result is one kind of error."""

from __future__ import annotations

import json
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.extract import Extracted
from corpus.extract.model import KINDS, OUTCOMES, Section
from corpus.extract.sandbox_wire import decode, encode, frame, receive

HALVES = st.text(st.characters(exclude_categories=())) | st.text("a条\ud800\udc00𠮷")
TEXTS = HALVES.map(lambda text: json.loads(json.dumps(text)))  # in JSON two halves side by side become one character
NUMBERS = st.integers(0, 2**32 - 1)
RESULTS = st.builds(
    Extracted,
    outcome=st.sampled_from(OUTCOMES),
    reason=TEXTS,
    text=HALVES,
    title=TEXTS,
    sections=st.lists(st.builds(Section, st.sampled_from(KINDS), TEXTS, NUMBERS, NUMBERS, NUMBERS)).map(tuple),
    pages=st.lists(NUMBERS).map(tuple),
    kept_share=st.floats(0, 1),
    facts=st.dictionaries(TEXTS, TEXTS),
)

NAMES = st.sampled_from(["plain", "sections", "paths", "codec", "pages", "outcome"])
ODD = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(RESULTS)
def test_results_come_back_equal(done: Extracted) -> None:
    """Odd characters, floats, offsets, sections that share a path or have none."""
    back = decode(*encode(done))
    assert back == done
    assert all(isinstance(section, Section) for section in back.sections)


@given(RESULTS, st.data())
def test_what_is_no_result_is_one_kind_of_error(done: Extracted, data: st.DataObject) -> None:
    """A changed byte, a cut or another JSON gives a result or a ValueError, nothing else."""
    head, body = encode(done)
    place = data.draw(st.integers(0, len(head) - 1))
    byte = data.draw(st.binary(min_size=0, max_size=2))
    other = data.draw(ODD)
    cut = body[: data.draw(st.integers(0, len(body)))]
    for parts in ((head[:place] + byte + head[place + 1 :], body), (head, cut), (json.dumps(other).encode(), body)):
        try:
            assert isinstance(decode(*parts), Extracted)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "fine"),
        ("title", 5),
        ("kept_share", "1"),
        ("facts", {"a": 1}),
        ("facts", [1]),
        ("pages", ["0"]),
        ("x", 1),
    ],
)
def test_values_of_a_wrong_kind(name: str, value: object) -> None:
    """What a reader never gives is refused here, before anything works with it."""
    head, body = encode(Extracted("ok", text="a"))
    told = json.loads(head)
    told["plain"][name] = value
    with pytest.raises(ValueError, match="no result of a reader"):
        decode(json.dumps(told).encode(), body)


def test_deep_nesting_is_no_result() -> None:
    """JSON that a parser cannot follow."""
    with pytest.raises(ValueError, match="no result of a reader"):
        decode(b"[" * 100_000, b"")


def test_a_reader_that_cannot_be_loaded() -> None:
    """A broken installation stays what it is."""
    with pytest.raises(ImportError, match="no module named x"):
        decode(b'{"import_error": "no module named x"}', b"")


@given(st.binary(), st.binary())
def test_messages(head: bytes, body: bytes) -> None:
    """Two byte strings arrive as they were sent, empty ones too."""
    here, there = socket.socketpair()
    with here, there:
        here.sendmsg(frame(head, body))
        assert receive(there) == (head, body)


def test_lengths_that_no_message_has() -> None:
    """No memory is asked for on a stranger's word; a closed socket is told apart."""
    here, there = socket.socketpair()
    with here, there:
        here.sendall(struct.pack("<QQ", 2**63, 1))
        with pytest.raises(ValueError, match="a message of"):
            receive(there)
        here.close()
        with pytest.raises(EOFError):
            receive(there)
