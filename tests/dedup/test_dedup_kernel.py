"""Both kernels, the compiled one and numpy's, give the same bits, on any bytes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import InputError, UsageError
from corpus.dedup import graph_numba, kernel_numba, kernel_numpy
from corpus.dedup.bands import band_keys, candidates
from corpus.dedup.folding import folded, tables
from corpus.dedup.kernel import kernel
from corpus.dedup.minhash import BROKEN, EMPTY, NULL, SIGNED, Signed, buffers, permutations, sign, signatures

ODD = "ＡｂＣ１ ｶﾞｷﾞﾊﾟ㎎㈱Ⅱ①ー―−〜　\t\n ß İ é\u0301\u3099か゛がÅﬁ髙﨑國¨\u200b㍿ﷺ½ᄀ\u1161\u11a8𠮷\U000e0100\U0010ffff"
TEXTS = st.lists(st.none() | st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=40))


def signed_by(which: ModuleType, texts: pa.Array[Any], num_perm: int = 16) -> Signed:
    """What one kernel makes of an array."""
    count = len(texts)
    made = Signed.empty(count, num_perm)
    which.sign_rows(*buffers(texts), tables(), *permutations(num_perm, 1), made)
    return made


def assert_equal(texts: pa.Array[Any]) -> Signed:
    """Both kernels agree on everything."""
    one, other = signed_by(kernel_numba, texts), signed_by(kernel_numpy, texts)
    for name, left, right in zip(Signed._fields, one, other, strict=True):
        assert np.array_equal(left, right), name
    return one


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_both_kernels_sign_alike(texts: list[str | None]) -> None:
    """Signatures, hashes, lengths and outcomes are the same, for any texts and nulls; the lengths are Python's."""
    made = assert_equal(pa.array(texts, pa.string()))
    wanted = [NULL if text is None else SIGNED if folded(text) else EMPTY for text in texts]
    assert made.outcomes.tolist() == wanted
    assert made.lengths.tolist() == [len(text or "") for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=5))
def test_bytes_that_are_no_utf8_are_an_outcome(texts: list[bytes]) -> None:
    """A kernel reads exactly what Python's strict decoder reads, and says BROKEN of the rest."""
    whole = pa.array(texts, pa.binary())
    made = assert_equal(pa.StringArray.from_buffers(len(texts), *whole.buffers()[1:]))
    for text, outcome in zip(texts, made.outcomes, strict=True):
        try:
            text.decode()
        except UnicodeDecodeError:
            assert outcome == BROKEN
        else:
            assert outcome != BROKEN


@pytest.mark.parametrize(
    "broken", [b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe3\x81", b"\xf8\x88\x80\x80\x80"]
)
def test_every_kind_of_broken_utf8(broken: bytes) -> None:
    """Lone tails, overlong forms, surrogates, points past the last, cut sequences: BROKEN, and its neighbours not."""
    texts = pa.array(["前の文書です", "x", "後の文書です"])
    parts = [b"\xe5\x89\x8d" * 5, broken, b"z" * 9]
    whole = pa.array(parts, pa.binary())
    made = assert_equal(pa.StringArray.from_buffers(len(texts), *whole.buffers()[1:]))
    assert made.outcomes.tolist() == [SIGNED, BROKEN, SIGNED]
    assert (made.slots[1] == 0xFFFFFFFF).all()
    with pytest.raises(InputError, match=r"text 1 .* no UTF-8"):
        signatures(pa.StringArray.from_buffers(len(texts), *whole.buffers()[1:]))


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("unit", ["か\u3099", "ﷺ", "　\n", "e\u0323\u0302", "白", "ab "])
def test_chunk_edges_break_nothing(unit: str, extra: int) -> None:
    """Marks, expansions and blanks that straddle the kernel's chunks fold as they do elsewhere."""
    text = "x" * (kernel_numba.CHUNK - 2 + extra) + unit * 40 + "y" * kernel_numba.CHUNK + unit
    assert_equal(pa.array([text, unit * (kernel_numba.CHUNK + extra)]))


def test_arrow_arrays_of_every_string_type_are_read() -> None:
    """Slices, views, dictionaries and nulls are read in place, with the same rows."""
    texts = ["法律の施行について", None, "the same text", "", "another text", "the same text"]
    plain = sign(pa.array(texts))
    for other in (
        pa.array(texts, pa.large_string()),
        pa.array(texts, pa.string_view()),
        pa.array(texts).dictionary_encode(),
        pa.array(["before", *texts, "behind"]).slice(1, len(texts)),
        pa.chunked_array([texts[:2], [], texts[2:]]),
    ):
        assert all(np.array_equal(left, right) for left, right in zip(plain, sign(other), strict=True))
    assert sign(pa.array([], pa.string())).slots.shape == (0, 128)


def test_hashes_tell_texts_and_folded_texts_apart() -> None:
    """Equal texts have equal hashes; other spellings of the same words differ in the one and agree in the other."""
    made = sign(pa.array(["國の安全", "国の安全", "国の安全 ", "国の安全", "", "a", "aa"]))
    assert made.texts[1] == made.texts[3] != made.texts[0]
    assert made.folds[0] == made.folds[1] != made.folds[2]
    assert len(set(made.texts.tolist())) == len(set(made.folds.tolist())) + 1 == 6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 4))
def test_both_kernels_band_and_chain_alike(values: list[int], rows: int) -> None:
    """Band keys and the chains of equal keys are the same."""
    slots = np.array(values, dtype=np.uint32)[: len(values) // rows * rows].reshape(-1, rows)
    made = [np.empty((1, len(slots)), np.uint64) for _ in range(2)]
    previous = [np.empty(len(slots), np.int64) for _ in range(2)]
    for which, keys, before in zip((graph_numba, kernel_numpy), made, previous, strict=True):
        which.band_rows(slots, rows, keys)
        which.chain(keys[0], np.full(1 << 10, -1, np.int64), before)
    assert np.array_equal(*made)
    assert np.array_equal(*previous)


def test_the_environment_chooses_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """HAKUSHO_KERNEL=numpy gives the kernel without a compiler, a wrong name one line."""
    texts = pa.array(["航空機の安全", "白書"])
    compiled = sign(texts)
    monkeypatch.setenv("HAKUSHO_KERNEL", "numpy")
    assert kernel() is kernel_numpy
    assert all(np.array_equal(left, right) for left, right in zip(compiled, sign(texts), strict=True))
    assert candidates(band_keys(compiled.slots, 16, 8)[0]).size == 0
    monkeypatch.setenv("HAKUSHO_KERNEL", "fortran")
    with pytest.raises(UsageError, match="'fortran': give numba or numpy"):
        kernel()
