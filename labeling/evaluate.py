"""How good labels are against gold: accuracy, macro-F1, calibration, confusion, each with n and an interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.base.errors import EmptyInputError

__all__ = ["Judged", "evaluate", "expected_calibration_error", "macro_f1", "wilson"]

_Z = 1.959964  # 95 %
_BINS = 10


@dataclass(frozen=True)
class Judged:
    """One gold row and its prediction; `also` are other labels the gold accepts, `score` is 0 to 1."""

    gold: str
    predicted: str
    score: float
    also: frozenset[str] = frozenset()
    abstained: bool = False

    @property
    def right(self) -> bool:
        """Exactly the gold label."""
        return self.predicted == self.gold

    @property
    def acceptable(self) -> bool:
        """The gold label or one that the gold also accepts."""
        return self.right or self.predicted in self.also


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of `hits` in `n` (Wilson 1927); (0, 1) where n is 0.

    >>> [round(x, 3) for x in wilson(50, 100)]
    [0.404, 0.596]
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def macro_f1(rows: Sequence[Judged]) -> float:
    """Mean F1 over the labels that the gold holds."""
    labels = {row.gold for row in rows}
    gold, said = Counter(row.gold for row in rows), Counter(row.predicted for row in rows)
    hits = Counter(row.gold for row in rows if row.right)
    return sum(2 * hits[label] / (gold[label] + said[label]) for label in labels) / len(labels)


def expected_calibration_error(rows: Sequence[Judged]) -> float:
    """Mean distance of score and exact accuracy over ten bins of equal width, weighted by their rows."""
    bins: dict[int, list[Judged]] = {}
    for row in rows:
        bins.setdefault(min(_BINS - 1, int(row.score * _BINS)), []).append(row)
    return sum(abs(sum(r.score for r in b) - sum(r.right for r in b)) for b in bins.values()) / len(rows)


def evaluate(rows: Sequence[Judged]) -> dict[str, Any]:
    """All figures as plain values. Raises EmptyInputError for no rows.

    `coverage` is the share of rows the labeler did not abstain on, `precision` its accuracy on those.
    """
    if not rows:
        raise EmptyInputError("no labelled rows to evaluate on; give a file with id, text and label")
    sure = [row for row in rows if not row.abstained]
    confusion: dict[str, dict[str, int]] = {}
    for row in sorted(rows, key=lambda one: (one.gold, one.predicted)):
        line = confusion.setdefault(row.gold, {})
        line[row.predicted] = line.get(row.predicted, 0) + 1
    return {
        "n": len(rows),
        "accuracy": _share(sum(row.right for row in rows), len(rows)),
        "acceptable": _share(sum(row.acceptable for row in rows), len(rows)),
        "coverage": _share(len(sure), len(rows)),
        "precision": _share(sum(row.right for row in sure), len(sure)),
        "macro_f1": round(macro_f1(rows), 4),
        "ece": round(expected_calibration_error(rows), 4),
        "confusion": confusion,
    }


def _share(hits: int, n: int) -> dict[str, float | int]:
    low, high = wilson(hits, n)
    return {
        "value": round(hits / n, 4) if n else 0.0,
        "low": round(low, 4),
        "high": round(high, 4),
        "hits": hits,
        "n": n,
    }
