"""From edges to clusters: the connected components of the graph of verified edges.

Its edges are the candidate pairs (a shared band) with an exact Jaccard of at least the threshold. Which edges of a
component were found, and in which order, has no say in the components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.dedup.kernel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["clusters"]


def clusters(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of `count` rows the least row of its component, int64 (count,); edges join left[i] and right[i].

    Union-find with path halving; the lesser root wins.
    """
    parents = np.arange(count, dtype=np.int64)
    kernel().join_all(parents, left, right)
    return parents
