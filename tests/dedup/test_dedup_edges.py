"""Candidates, verified edges and clusters, with brute force as the oracle, in both kernels."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.base.errors import InputError, UsageError
from corpus.dedup.bands import band_keys, candidates, pairs_of, unique_pairs
from corpus.dedup.clusters import clusters
from corpus.dedup.folding import folded
from corpus.dedup.kernel_numba import PART
from corpus.dedup.shingles import shingles
from corpus.dedup.verify import jaccards, verified_edges

PIECES = st.lists(st.sampled_from(["航空機の安全", "白書である。", "the white ", "甲乙", "ﷺ", "a"]), max_size=6)


@pytest.fixture(params=["numba", "numpy"])
def any_kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kernel in turn."""
    monkeypatch.setenv("HAKUSHO_KERNEL", request.param)
    return str(request.param)


def exact(left: str, right: str) -> float:
    """Jaccard by definition."""
    ours, theirs = shingles(folded(left)), shingles(folded(right))
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0


def every_pair(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of rows, by their left end."""
    pairs = np.array(list(itertools.combinations(range(count), 2)), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES.map("".join), max_size=7), st.sampled_from([0.1, 0.5, 0.7, 0.95, 1.0]))
def test_edges_are_those_of_brute_force(texts: list[str], threshold: float) -> None:
    """Every pair at the threshold is an edge with its exact Jaccard, and no other; a spanning set connects the same."""
    array = pa.array(texts, pa.string())
    left, right = every_pair(len(texts))
    wanted = {(i, j): exact(texts[i], texts[j]) for i, j in zip(left.tolist(), right.tolist(), strict=True)}
    assert jaccards(array, left, right).tolist() == list(wanted.values())
    edges = verified_edges(array, left, right, threshold)
    found = dict(zip(zip(edges.left.tolist(), edges.right.tolist(), strict=True), edges.jaccard.tolist(), strict=True))
    assert found == {pair: value for pair, value in wanted.items() if value >= threshold}
    some = verified_edges(array, left, right, threshold, spanning=True)
    count = len(texts)
    assert np.array_equal(clusters(count, some.left, some.right), clusters(count, edges.left, edges.right))
    assert some.left.size == count - len(set(clusters(count, edges.left, edges.right).tolist()))


def test_both_kernels_verify_alike(any_kernel: str) -> None:
    """Long and short texts, nulls and empty ones have the same edges in either kernel."""
    rng = random.Random(5)
    base = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(5000))
    texts = [base, base[:4000], base[1000:], "ab", "abc", "", "ＡＢ", None, base[:300] + "追記"]
    left, right = every_pair(len(texts))
    edges = verified_edges(pa.array(texts), left, right, 0.6)
    assert list(zip(edges.left.tolist(), edges.right.tolist(), edges.jaccard.round(6).tolist(), strict=True)) == [
        (0, 1, 0.799840),
        (0, 2, 0.799840),
        (3, 6, 1.0),
    ], any_kernel
    with pytest.raises(InputError, match=r"text 0 or 7 .* is null or no UTF-8"):
        jaccards(pa.array(texts), left, right)


def test_long_texts_are_compared_in_parts() -> None:
    """Texts beyond the size of a part have the Jaccard that one part would give."""
    rng = np.random.default_rng(3)
    base = "".join(map(chr, rng.integers(0x4E00, 0x9000, PART // 3 + 100)))
    other = base[: PART // 8] + base[PART // 8 + 1 :]
    wanted = exact(base, other)
    assert len(base.encode()) > PART
    assert jaccards(pa.array([base, other]), np.array([0]), np.array([1])).tolist() == [wanted]


def brute_candidates(keys: list[int], window: int) -> set[tuple[int, int]]:
    """Pairs of equal keys, at most `window` places apart in their bucket."""
    buckets = defaultdict(list)
    for row, key in enumerate(keys):
        buckets[key].append(row)
    return {
        (rows[i], rows[j]) for rows in buckets.values() for j in range(len(rows)) for i in range(max(0, j - window), j)
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 8))
def test_candidates_are_the_near_rows_of_each_bucket(keys: list[int], window: int) -> None:
    """All pairs of a small bucket and WINDOW a row of a large one, each once, in order."""
    packed = candidates(np.array(keys, dtype=np.uint64), window)
    left, right = pairs_of(packed)
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == brute_candidates(keys, window)
    assert np.array_equal(packed, unique_pairs([packed, packed]))


def test_a_bucket_cut_by_its_key_gives_the_same_pairs() -> None:
    """A band may be cut by any function of the key: the parts' pairs together are the band's."""
    keys = np.random.default_rng(1).integers(0, 50, 400).astype(np.uint64)
    parts = []
    for part in range(4):
        rows = np.flatnonzero(keys % 4 == part)
        left, right = pairs_of(candidates(keys[rows]))
        parts.append(rows[left].astype(np.uint64) << np.uint64(32) | rows[right].astype(np.uint64))
    assert np.array_equal(unique_pairs(parts), candidates(keys))


def test_a_huge_bucket_costs_no_square() -> None:
    """100,000 rows of one key give at most WINDOW pairs each, and one component."""
    packed = candidates(np.zeros(100_000, dtype=np.uint64))
    assert packed.size < 64 * 100_000
    assert not clusters(100_000, *pairs_of(packed)).any()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_clusters_are_components(edges: list[tuple[int, int]]) -> None:
    """Each row has the least row of its component, whatever the order of the edges."""
    wanted = list(range(31))
    for left, right in edges:
        low, high = sorted((wanted[left], wanted[right]))
        wanted = [low if value == high else value for value in wanted]
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    assert clusters(31, left, right).tolist() == clusters(31, right[::-1], left[::-1]).tolist() == wanted


def test_bands_must_fit() -> None:
    """More slots than a signature has is one clear line."""
    with pytest.raises(UsageError, match="16 bands of 9 rows do not fit a signature of 128 slots"):
        band_keys(np.zeros((1, 128), dtype=np.uint32), 16, 9)
