"""From candidates to clusters: union-find over verified edges.

The clusters are the connected components of the graph whose edges are the candidate pairs (a shared band) with an
exact Jaccard of at least the threshold. Pairs that are already connected need no check, so that a bucket of k near
copies costs k checks and not k(k-1)/2; which pairs those are depends on the order, the components do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.dedup.bands import band_keys
from corpus.dedup.kernel import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from corpus.dedup.settings import DedupSettings
    from corpus.dedup.verify import Verifier


def clusters(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of `count` rows the least row of its component, int64 (count,); edges join left[i] and right[i].

    The order of the edges has no say, nor has it which of the edges of a component are given, if they connect it.
    """
    parents = np.arange(count, dtype=np.int64)
    kernel().join_all(parents, left, right)
    return parents


class DisjointSets:
    """Union-find over 0 .. n-1 with path halving; the smaller root wins, so the root is a component's least number."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, item: int) -> int:
        """Return the root of `item`."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, left: int, right: int) -> None:
        """Join the components of both."""
        low, high = sorted((self.find(left), self.find(right)))
        self._parent[high] = low


def candidate_rows(signatures: NDArray[np.uint32], settings: DedupSettings) -> NDArray[np.intp]:
    """Return the ascending numbers of the signatures that share a band with another one."""
    hit = np.zeros(len(signatures), dtype=np.bool_)
    keys = band_keys(signatures, settings.bands, settings.rows)
    for band in range(settings.bands):
        for bucket in _buckets(keys[band]):
            hit[bucket] = True
    return np.flatnonzero(hit)


def components(signatures: NDArray[np.uint32], settings: DedupSettings, verifier: Verifier) -> list[int]:
    """Return for each signature the least number in its component of the verified candidate graph."""
    sets = DisjointSets(len(signatures))
    refused: set[tuple[int, int]] = set()
    keys = band_keys(signatures, settings.bands, settings.rows)
    for band in range(settings.bands):
        for bucket in _buckets(keys[band]):
            _join_bucket(bucket.tolist(), sets, refused, verifier, settings.threshold)
    return [sets.find(item) for item in range(len(signatures))]


def _buckets(keys: NDArray[np.uint64]) -> Iterator[NDArray[np.intp]]:
    """For each key that occurs more than once, the ascending rows that hold it."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if keys.size else np.empty(0, dtype=np.intp)
    sizes = np.diff(np.r_[starts, keys.size])
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        yield order[start : start + size]


def _join_bucket(
    bucket: Sequence[int],
    sets: DisjointSets,
    refused: set[tuple[int, int]],
    verifier: Verifier,
    threshold: float,
) -> None:
    """Check every pair of the bucket that is not connected yet, and connect those that hold."""
    groups: dict[int, list[int]] = {}  # members of the bucket seen so far, by their component
    for item in bucket:
        joined = groups.pop(sets.find(item), [])
        for root in list(groups):
            if any(_edge(item, other, refused, verifier, threshold) for other in groups[root]):
                sets.union(item, root)
                joined += groups.pop(root)
        joined.append(item)
        groups[sets.find(item)] = joined


def _edge(left: int, right: int, refused: set[tuple[int, int]], verifier: Verifier, threshold: float) -> bool:
    pair = (left, right) if left < right else (right, left)
    if pair in refused:
        return False
    if verifier.similarity(left, right, threshold) is None:
        refused.add(pair)
        return False
    return True
