"""How far gates are open: a strength between 0 and 1, fixed, learned, or on a schedule that meets its ends exactly.

A schedule is a pure function of the step, so a resumed run needs no state for it; the first step trains at its start,
the last one at its end, and what is saved is the end. "sigmoid" is a logistic curve rescaled so that it begins and ends
where it should instead of nearby; "golden" is the same curve on the way to 1/phi^2 = 0.381966..., the opening that the
original system aimed at. A learned strength is sigmoid(alpha) with one alpha a gate, and is never scheduled as well.
"""

from __future__ import annotations

import math
from typing import Final, Literal

from corpus.base.errors import TrainingError

__all__ = ["GOLDEN", "SCHEDULES", "Kind", "logit", "strength_at"]

Kind = Literal["fixed", "learned", "linear", "cosine", "sigmoid", "golden"]

SCHEDULES: Final = ("linear", "cosine", "sigmoid", "golden")
GOLDEN: Final = ((math.sqrt(5) - 1) / 2) ** 2  # phi^-2
_STEEPNESS = 10.0  # the logistic curve runs from sigmoid(-5), the original's initial gate, to sigmoid(5)


def strength_at(kind: Kind, step: int, steps: int, start: float, end: float) -> float:
    """The strength of a schedule at `step` (from 0) of `steps`: `start` at the first, `end` from the last one on.

    >>> [strength_at("linear", step, 5, 0.0, 1.0) for step in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if step >= steps - 1:
        return end
    if step <= 0:
        return start
    done = step / (steps - 1)
    if kind == "cosine":
        done = 0.5 * (1 - math.cos(math.pi * done))
    elif kind in ("sigmoid", "golden"):
        low = _sigmoid(-_STEEPNESS / 2)
        done = (_sigmoid(_STEEPNESS * (done - 0.5)) - low) / (1 - 2 * low)
    return start + (end - start) * done


def logit(strength: float) -> float:
    """The alpha whose sigmoid is this strength. Raises TrainingError unless that is above 0 and below 1."""
    if not 0 < strength < 1:
        raise TrainingError(f"a strength that is learned starts above 0 and below 1, not at {strength}")
    return math.log(strength / (1 - strength))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
