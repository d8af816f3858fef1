"""The search over rows of numbers: which documents are copies, and which of them go.

Rows are put in order of preference first (corpus.dedup.keepers), so that the first of a group of copies is the one to
keep and every comparison begins with it. Equal folded texts are one document from then on. All of it works on whole
columns; the result does not depend on the order in which the rows came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.dedup.bands import WINDOW, pairs_of, unique_pairs
from corpus.dedup.clusters import clusters
from corpus.dedup.folding import tables
from corpus.dedup.kernel import kernel
from corpus.dedup.spill import candidates_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from corpus.dedup.minhash import Buffers
    from corpus.dedup.settings import DedupSettings

    Ints = NDArray[np.int64]

__all__ = ["Copies", "Rows", "copies"]


class Rows(NamedTuple):
    """What the search knows of n documents besides their texts, each (n,).

    `preference` int64: the place of each in order of preference, a permutation of 0 .. n-1; `names` int64: its place
    by id, likewise. `texts` and `folds`: equal where the text, or its folded form, is equal; any integers. `works`
    int64: equal for versions of one work, -1 for none.
    """

    preference: NDArray[np.int64]
    names: NDArray[np.int64]
    texts: NDArray[np.int64]
    folds: NDArray[np.int64]
    works: NDArray[np.int64]


class Copies(NamedTuple):
    """The outcome for n rows, each (n,), in the order in which they came.

    `clusters` int64: row with the least id in the cluster. `keepers` int64: row that stays in the place of one that
    goes, -1 for one that stays. `jaccards` float64: their exact Jaccard.
    """

    clusters: NDArray[np.int64]
    keepers: NDArray[np.int64]
    jaccards: NDArray[np.float64]


class _Texts:
    """Exact Jaccard among groups, with the edges that are known already."""

    def __init__(self, groups: Ints, places: Ints, texts: Buffers, threshold: float) -> None:
        self._groups, self._places, self._texts, self._threshold = groups, places, texts, threshold
        self._known = np.empty(0, dtype=np.uint64)
        self._jaccards = np.empty(0, dtype=np.float64)

    def edges(self, packed: NDArray[np.uint64]) -> tuple[Ints, Ints]:
        """The edges that connect what the candidates connect, and no more; they are remembered."""
        left, right = pairs_of(packed)
        values = self._verify(left, right, np.arange(self._groups.size, dtype=np.int64))
        held = values >= self._threshold
        self._known, self._jaccards = packed[held], values[held]
        return left[held], right[held]

    def near(self, left: Ints, right: Ints) -> NDArray[np.float64]:
        """The exact Jaccard of each pair of different groups where at least the threshold, else -1."""
        left, right = np.minimum(left, right), np.maximum(left, right)
        packed = left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)
        values = np.full(left.size, -1.0)
        at = np.minimum(np.searchsorted(self._known, packed), max(0, self._known.size - 1))
        known = self._known[at] == packed if self._known.size else np.zeros(left.size, dtype=np.bool_)
        values[known] = self._jaccards[at[known]]
        unknown = np.flatnonzero(~known)
        unknown = unknown[np.argsort(left[unknown], kind="stable")]
        values[unknown] = self._verify(left[unknown], right[unknown], np.empty(0, dtype=np.int64))
        return values

    def _verify(self, left: Ints, right: Ints, parents: Ints) -> NDArray[np.float64]:
        values = np.empty(left.size, dtype=np.float64)
        one, other = (self._places[np.searchsorted(self._groups, side)] for side in (left, right))
        data, offsets, _ = self._texts
        kernel().verify_pairs(data, offsets, one, other, self._threshold, parents, tables(), values)
        return values


def copies(
    rows: Rows,
    band: Callable[[int], NDArray[np.uint64]],
    fetch: Callable[[Ints], Buffers],
    settings: DedupSettings,
    memory: int = 1 << 30,
) -> Copies:
    """Return the outcome for every row.

    `band` gives the keys of one band, uint64 (n,); `fetch` the texts of the rows it is asked for (ascending), in that
    order: one call, with the few that share a band with another, of equal folded texts that of the least id. `memory`
    bounds the bytes for one band's candidates.
    """
    order = np.argsort(rows.preference)
    first, group = _grouped(rows.folds[order])
    of_group = _least(group, rows.names[order], first.size, np.argsort(rows.names))  # what stands for each group
    parts = (candidates_within(band(number)[of_group], memory) for number in range(settings.bands))
    packed = unique_pairs(parts)
    candidates = np.unique(np.concatenate(pairs_of(packed)))
    asked = of_group[candidates]
    by_row = np.argsort(asked)
    places = np.empty(candidates.size, dtype=np.int64)
    places[by_row] = np.arange(candidates.size)
    texts = _Texts(candidates, places, fetch(asked[by_row]), settings.threshold)
    cluster = clusters(first.size, *texts.edges(packed))[group]
    keepers, jaccards = _settle(cluster, group, rows.works[order], texts, drop_versions=settings.versions == "newest")
    return _in_order(rows, order, cluster, keepers, jaccards)


def _grouped(folds: Ints) -> tuple[Ints, Ints]:
    """Groups of equal folded texts in the order of their first row: that row, and the group of every row."""
    _, first, group = np.unique(folds, return_index=True, return_inverse=True)
    by_first = np.argsort(first)
    number = np.empty(first.size, dtype=np.int64)
    number[by_first] = np.arange(first.size)
    return first[by_first], number[group]


def _least(group: Ints, names: Ints, count: int, by_name: Ints) -> Ints:
    """The row of the least id in each of `count` groups (of the last id in one that is empty)."""
    least = np.full(count, names.size - 1, dtype=np.int64)
    np.minimum.at(least, group, names)
    return by_name[least]


def _settle(
    cluster: Ints, group: Ints, works: Ints, texts: _Texts, *, drop_versions: bool
) -> tuple[Ints, NDArray[np.float64]]:
    """For every row, in order of preference, the row that stays in its place (-1: it stays), and their Jaccard.

    A round keeps the first undecided row of each cluster and lets go what is near enough to it: the outcome of asking
    each row in turn for the first kept one that is near. After WINDOW rounds what is left of a cluster stays, so that
    a cluster of boilerplate costs no square.
    """
    keepers, jaccards = np.full(cluster.size, -1, dtype=np.int64), np.ones(cluster.size)
    open_rows = np.flatnonzero(np.bincount(cluster, minlength=1)[cluster] > 1) if cluster.size else cluster
    for _ in range(WINDOW):
        _, first, inverse = np.unique(cluster[open_rows], return_index=True, return_inverse=True)
        keeper = open_rows[first][inverse]
        others = np.flatnonzero(keeper != open_rows)
        if not others.size:
            break
        open_rows, keeper = open_rows[others], keeper[others]
        value = np.where(group[open_rows] == group[keeper], 1.0, -1.0)
        versions = (works[open_rows] == works[keeper]) & (works[open_rows] >= 0)
        asked = np.flatnonzero((value < 0) & (drop_versions | ~versions))
        value[asked] = texts.near(group[keeper[asked]], group[open_rows[asked]])
        gone = value >= 0
        keepers[open_rows[gone]], jaccards[open_rows[gone]] = keeper[gone], value[gone]
        open_rows = open_rows[~gone]
    return keepers, jaccards


def _in_order(rows: Rows, order: Ints, cluster: Ints, keepers: Ints, jaccards: NDArray[np.float64]) -> Copies:
    """From places in order of preference back to rows as they came; a cluster is named by its least id."""
    count = cluster.size
    least = _least(cluster, rows.names[order], count, np.argsort(rows.names))
    out = Copies(np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64), np.empty(count))
    out.clusters[order] = least[cluster]
    out.keepers[order] = np.where(keepers < 0, -1, order[keepers])
    out.jaccards[order] = jaccards
    return out
