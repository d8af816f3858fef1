"""What is added to the language model's loss: PET, a penalty on hidden states that jump from position to position.

PET (of the original system) is the mean square of the second difference h[t-1] - 2 h[t] + h[t+1] over positions, in
three phases of rising weight: 20, 40 and 40 % of the steps. Packed blocks hold many documents, so a triple counts only
where all three positions are of one document and none is padding: a border is no jump that should be smoothed away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

__all__ = ["PHASES", "pet_weight", "second_difference", "triples"]

PHASES: Final = (20, 40, 40)  # per cent of the steps


def pet_weight(step: int, steps: int, weights: Sequence[float]) -> float:
    """The weight of PET at `step` (from 0) of `steps`; `weights`: one for each of PHASES.

    >>> [pet_weight(step, 5, (0.01, 0.05, 0.1)) for step in range(5)]
    [0.01, 0.05, 0.05, 0.1, 0.1]
    """
    if 100 * step < PHASES[0] * steps:
        return weights[0]
    return weights[1] if 100 * step < (PHASES[0] + PHASES[1]) * steps else weights[2]


def triples(ids: Tensor, labels: Tensor, end: int) -> Tensor:
    """Which middle positions count: (blocks, length - 2) bool.

    ids, labels: (blocks, length) integers; labels are -100 on the padding. `end` is a document's last token, and
    belongs to it.
    """
    closed = torch.cumsum((ids == end).int(), dim=1)
    document = torch.nn.functional.pad(closed[:, :-1], (1, 0))
    real = labels != -100
    return (document[:, :-2] == document[:, 2:]) & real[:, :-2] & real[:, 1:-1] & real[:, 2:]


def second_difference(hidden: Tensor, counted: Tensor) -> Tensor:
    """Mean of (h[t-1] - 2 h[t] + h[t+1])^2 over the counted triples and all features, float32 (); 0 where none counts.

    hidden: (blocks, length, features), any floating dtype. counted: (blocks, length - 2) bool, as `triples` gives it.
    """
    exact = hidden.float()
    square = (exact[:, :-2] - 2 * exact[:, 1:-1] + exact[:, 2:]).square().mean(-1)
    return torch.where(counted, square, 0.0).sum() / counted.sum().clamp(min=1)
