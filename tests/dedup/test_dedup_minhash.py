"""Signatures, with datasketch as the oracle."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasketch import LeanMinHash, MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import InputError, UsageError
from corpus.dedup import shingle_hash, shingles, signatures
from corpus.dedup.folding import folded
from corpus.text.fold import fold


def oracle(text: str, num_perm: int = 128, seed: int = 1) -> MinHash:
    """The MinHash that datasketch makes of the shingles of a text."""
    made = MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=lambda value: value)
    made.update_batch([shingle_hash(one) for one in shingles(fold(text).text)])
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_signatures_are_datasketch_bit_for_bit(texts: list[str]) -> None:
    """Every slot of every signature equals datasketch's, for any texts, with the same type."""
    made = signatures(pa.array(texts, pa.string()))
    assert made.dtype == np.uint32
    assert made.shape == (len(texts), 128)
    for row, text in zip(made, texts, strict=True):
        expected = oracle(text).hashvalues
        assert expected.dtype == np.uint32
        assert np.array_equal(row, expected)


@pytest.mark.parametrize(("num_perm", "seed"), [(1, 1), (16, 0), (100, 7), (256, 4294967295)])
def test_other_sizes_and_seeds_agree_too(num_perm: int, seed: int) -> None:
    """Any number of slots and any seed agree with datasketch."""
    text = "航空機の安全に関する規則 " * 3
    assert np.array_equal(signatures(pa.array([text]), num_perm, seed)[0], oracle(text, num_perm, seed).hashvalues)


@pytest.mark.parametrize("length", [1, 4, 5, 6, 1027, 1028, 1029, 2052, 5000])
def test_block_edges_lose_no_shingle(length: int) -> None:
    """Texts around the block size give the same signature as datasketch."""
    rng = random.Random(length)
    text = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(length))
    assert np.array_equal(signatures(pa.array([text]))[0], oracle(text).hashvalues)


def test_an_empty_text_has_the_empty_sketch() -> None:
    """A text without shingles has all slots at their maximum, as an empty MinHash has."""
    assert np.array_equal(signatures(pa.array([""]))[0], MinHash(scheme="affine32").hashvalues)


def test_chunks_and_large_strings_make_no_difference() -> None:
    """Chunked, sliced and large-string arrays give the rows of the plain array."""
    texts = ["法律の施行について。", "the same text", "", "another text of some length"]
    plain = signatures(pa.array(texts))
    assert np.array_equal(plain, signatures(pa.chunked_array([texts[:1], texts[1:]])))
    assert np.array_equal(plain, signatures(pa.array(texts, pa.large_string())))
    assert np.array_equal(plain[1:3], signatures(pa.array(texts).slice(1, 2)))


def test_width_and_case_do_not_change_a_signature() -> None:
    """Signatures see the folded text: width, case and blank runs make no difference."""
    made = signatures(pa.array(["ＮＡＳＡ　の ｶﾞｲﾄﾞ　第１版", "nasa の  ガイド 第1版"]))
    assert np.array_equal(made[0], made[1])


def test_rows_load_into_datasketch_and_estimate_jaccard() -> None:
    """A row loads into LeanMinHash, whose estimate lies near the exact Jaccard, in Japanese as in English."""
    rng = random.Random(3)
    for low, high in ((0x61, 0x7B), (0x4E00, 0x5200)):
        left = "".join(chr(rng.randrange(low, high)) for _ in range(3000))
        right = left[:2400] + "".join(chr(rng.randrange(low, high)) for _ in range(600))
        ours, theirs = shingles(left), shingles(right)
        exact = len(ours & theirs) / len(ours | theirs)
        rows = signatures(pa.array([left, right]))
        first, second = (LeanMinHash(seed=1, hashvalues=row, scheme="affine32") for row in rows)
        assert abs(first.jaccard(second) - exact) < 0.15


def test_null_texts_and_bad_numbers_are_refused() -> None:
    """A null text, no slots, or a seed out of range raise one clear line."""
    with pytest.raises(InputError, match="1 of 2 texts are null"):
        signatures(pa.array(["a", None]))
    with pytest.raises(UsageError, match="at least one slot"):
        signatures(pa.array(["a"]), 0)
    with pytest.raises(UsageError, match="seed is -1"):
        signatures(pa.array(["a"]), 128, -1)


def test_the_text_is_folded_once() -> None:
    """Folding a folded text changes nothing that the signature sees."""
    text = "ＡＢＣ　㎎ ① ｶﾞ"
    assert folded(folded(text)) == folded(text)


def test_a_list_of_strings_is_signed_as_an_array_is() -> None:
    """A caller without Arrow gets the same rows."""
    texts = ["航空機の安全", "", "ab"]
    assert np.array_equal(signatures(texts), signatures(pa.array(texts)))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["x", "ab\ud800c"], "text 1 .* half of a surrogate pair"),
        (["x", None], "1 of 2 texts are null"),
        (["x", 3], "text 1 .* is int: give strings"),
        (pa.array([1]), "Arrow type int64: give strings"),
    ],
)
def test_what_is_no_text_is_told_by_its_place(texts: Any, said: str) -> None:
    """No signature is made of what no table can hold."""
    with pytest.raises(InputError, match=said):
        signatures(texts)
