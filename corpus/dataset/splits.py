"""Train, validation and test by a stable hash of the duplicate cluster.

A cluster goes where its own SHA-256 sends it, so two near-copies never lie on both sides, and a growing corpus moves
nothing. Only a small domain that chance left without validation gets the one cluster whose hash comes next.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["ENOUGH", "SHARES", "SPLITS", "assign", "position"]

SPLITS = ("train", "validation", "test")
SHARES = {"test": 0.05, "validation": 0.05}
ENOUGH = 5
"""A domain of a configuration with at least so many documents has a validation split."""

_SALT = "hakusho split 1"


def position(cluster: str) -> float:
    """Where a cluster stands in [0, 1): the first 52 bits of its salted SHA-256.

    >>> 0 <= position("a") < 1
    True
    """
    digest = hashlib.sha256(f"{_SALT}\0{cluster}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 12) / 2**52


def assign(rows: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """The split of each cluster, from rows of (cluster, group): a group is a domain of a configuration.

    Positions below 0.05 are test, below 0.10 validation, the rest train. Then each group, in order, that has at least
    5 documents, two clusters in train and none in validation sends its train cluster of lowest position there. (Two, so
    that something is left to train on.)
    """
    sizes: dict[tuple[str, ...], Counter[str]] = {}
    for cluster, group in rows:
        sizes.setdefault(tuple(group), Counter())[cluster] += 1
    split = {cluster: _by_hash(cluster) for clusters in sizes.values() for cluster in clusters}
    for _, clusters in sorted(sizes.items()):
        training = sorted((c for c in clusters if split[c] == "train"), key=lambda c: (position(c), c))
        served = any(split[c] == "validation" for c in clusters)
        if clusters.total() >= ENOUGH and len(training) >= 2 and not served:
            split[training[0]] = "validation"
    return split


def _by_hash(cluster: str) -> str:
    place = position(cluster)
    if place < SHARES["test"]:
        return "test"
    return "validation" if place < SHARES["test"] + SHARES["validation"] else "train"
