"""What the heads are trained by: masked cross-entropies, and decorrelation of what the three read.

A label that is missing (IGNORED) counts for nothing; a batch without any label of a kind has no loss of that kind, not
one of 0.

Decorrelation. Let V and W (n, B, 8) be the views of two heads (train.heads.model.Views), centred over the batch. Their
cross-covariance, over the examples and the blocks together, is the 8 x 8 matrix

    C(V, W) = 1 / ((n - 1) B)  sum over examples i and blocks b of  V_ib W_ib^T,

and the loss is the sum of its squares, added over the three pairs of views. It is pooled over blocks on purpose. The
sum of squares over all pairs of single features would be the same for every theta, since turning changes no norm,
|R C R+^T| = |C|: a loss that no angle could lower. Pooled, blocks are turned by different angles before they are added.
n B samples for 64 numbers also leave less noise than n samples for (8 B)^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from train.heads.model import CALIBRATED, Answers, Views

__all__ = ["IGNORED", "NAMES", "counts", "decorrelation", "losses", "negative_log_likelihood"]

IGNORED: Final = -100
NAMES: Final = (*CALIBRATED, "decorrelation")
_LEAST = 2  # examples that have a covariance


def counts(labels: Mapping[str, Tensor], examples: int) -> dict[str, int]:
    """Over how many labels each loss is a mean; what has none is left out. labels: (n) integers by name."""
    found = {name: int((values != IGNORED).sum()) for name, values in labels.items()}
    return {name: number for name, number in found.items() if number} | (
        {"decorrelation": examples} if examples >= _LEAST else {}
    )


def losses(answers: Answers, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each loss that the labels allow, () float32 in nats (decorrelation: squared covariance).

    labels: (n) integers by name of CALIBRATED: class ids for safety and domain, 0 or 1 for the others, or IGNORED.
    """
    found = {}
    for name, values in labels.items():
        known = values != IGNORED
        if bool(known.any()):
            found[name] = negative_log_likelihood(answers.of(name)[known], values[known])
    if len(answers.safety) >= _LEAST:
        found["decorrelation"] = decorrelation(answers.views)
    return found


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over n labels, (), in nats: of (n, classes) logits by softmax, of (n) logits of a yes by the sigmoid."""
    if logits.ndim == 1:
        return binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    return cross_entropy(logits, labels)


def decorrelation(views: Views) -> Tensor:
    """The squared cross-covariance of the views, as the module says, () float32. At least two examples."""
    parts = [view - view.mean(0) for view in (views.vector, views.plus, views.minus)]
    number = (len(parts[0]) - 1) * parts[0].shape[1]
    pairs = [torch.einsum("nbi,nbj->ij", left, right) / number for left, right in combinations(parts, 2)]
    return torch.stack([matrix.square().sum() for matrix in pairs]).sum()
