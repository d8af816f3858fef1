"""Shingles and their hash, against an independent MurmurHash3 over bytes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup import shingle_hash, shingles
from corpus.dedup.folding import folded
from corpus.dedup.shingles import codepoints, shingle_hashes
from corpus.text.fold import fold

MASK = 0xFFFFFFFF
# What folding treats apart: width, marks that combine, expansions, dashes, waves, blanks, case that changes length.
ODD = "ＡｂＣ１ ｶﾞｷﾞﾊﾟ㎎㈱Ⅱ①ー―−〜　\t\n ß İ é\u0301\u3099か゛がÅﬁ髙﨑國\u200b"


def murmur3(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32 from its specification, byte by byte, tail included."""
    state = seed
    whole = len(data) - len(data) % 4
    for (block,) in struct.iter_unpack("<I", data[:whole]):
        state = _rotate(state ^ _scramble(block), 13) * 5 + 0xE6546B64 & MASK
    state ^= _scramble(int.from_bytes(data[whole:], "little")) if len(data) > whole else 0
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & MASK
    state = (state ^ state >> 13) * 0xC2B2AE35 & MASK
    return state ^ state >> 16


def _scramble(block: int) -> int:
    return _rotate(block * 0xCC9E2D51 & MASK, 15) * 0x1B873593 & MASK


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & MASK


@pytest.mark.parametrize(
    ("data", "seed", "value"),
    [(b"", 0, 0), (b"", 1, 0x514E28B7), (b"\0\0\0\0", 0, 0x2362F9DE), (b"test", 0, 0xBA6BD213),
     (b"Hello, world!", 0, 0xC0363E43), (b"\x21\x43\x65", 0, 0x7E4A8634)],
)  # fmt: skip
def test_the_oracle_itself_gives_the_published_values(data: bytes, seed: int, value: int) -> None:
    """The test's own MurmurHash3 agrees with published test vectors."""
    assert murmur3(data, seed) == value


def test_shingle_hash_has_known_values() -> None:
    """The hash of a shingle never changes: published vectors where one exists, else values fixed at the start."""
    assert shingle_hash("") == 0
    assert shingle_hash("\0") == 0x2362F9DE
    assert shingle_hash("hello") == murmur3("hello".encode("utf-32-le"))
    assert shingle_hash("防衛白書。") == murmur3("防衛白書。".encode("utf-32-le"))


@given(st.text(max_size=12))
def test_shingle_hash_is_murmur3_over_code_points(text: str) -> None:
    """shingle_hash is MurmurHash3_x86_32, seed 0, of the string in UTF-32LE, for any string."""
    assert shingle_hash(text) == murmur3(text.encode("utf-32-le"))


@given(st.text(max_size=40))
def test_all_hashes_of_a_text_are_those_of_its_shingles(text: str) -> None:
    """The vectorised hashes of a text are, as a set, the hashes of its shingles one by one."""
    hashes = shingle_hashes(text)
    assert hashes.dtype == np.uint32
    assert set(hashes.tolist()) == {shingle_hash(one) for one in shingles(text)}
    assert len(hashes) == (max(1, len(text) - 4) if text else 0)


def test_shingles_are_code_points_in_both_languages() -> None:
    """Japanese and English shingle alike: windows of five code points; a short text is its own shingle."""
    assert shingles("abcdef") == {"abcde", "bcdef"}
    assert shingles("航空機の安全") == {"航空機の安", "空機の安全"}
    assert shingles("𠮷野家の丼物") == {"𠮷野家の丼", "野家の丼物"}
    assert shingles("法律") == {"法律"}
    assert shingles("") == set()


def test_a_lone_surrogate_is_a_code_point() -> None:
    """A lone surrogate does not stop hashing."""
    assert codepoints("a\ud800").tolist() == [0x61, 0xD800]
    assert 0 <= shingle_hash("ab\ud800cd") <= MASK


@given(st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=60))
def test_folded_is_the_fold_of_corpus_text(text: str) -> None:
    """The fast folding gives exactly what corpus.text.fold gives."""
    assert folded(text) == fold(text).text
