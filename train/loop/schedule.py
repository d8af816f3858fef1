"""The learning rate over a run: linear warm-up, then a curve; a function of the step alone, so a resume needs no state.

The cosine is that of Loshchilov and Hutter, "SGDR" (ICLR 2017), without restarts.
"""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["Curve", "factor"]

Curve = Literal["cosine", "linear", "constant"]


def factor(curve: Curve, step: int, steps: int, warmup: int, end: float) -> float:
    """Share of the learning rate at `step` (from 0) of `steps`, on the way from 1 to `end` once it is warm.

    >>> [factor("linear", step, 6, 2, 0.5) for step in range(6)]
    [0.5, 1.0, 1.0, 0.875, 0.75, 0.625]
    """
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    if curve == "constant":
        return 1.0
    if curve == "linear":
        return end + (1 - end) * (1 - done)
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * done))
