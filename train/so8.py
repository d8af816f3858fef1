"""The algebra of SO(8) gates: 28 coordinates of a block of 8 features -> its rotation, and its folding into a Linear.

Convention (one for the whole project): features are column vectors in blocks of 8. The coordinates theta_p belong
to the generators E_ij = e_i e_j^T - e_j e_i^T with i < j, in the order (0,1), (0,2), ..., (6,7); A = sum theta_p E_p
is skew-symmetric and R = exp(s A) is a rotation for every strength s, so a gate that is half open is still in SO(8).

The exponential reaches all of SO(8), which the Cayley transform does not (no eigenvalue -1), and is accurate at any
angle: torch scales and squares (Bader, Blanes, Casas, "Computing the matrix exponential with an optimized Taylor
polynomial approximation", Mathematics 7:1174, 2019).
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from corpus.base.errors import TrainingError

__all__ = ["BLOCK", "COORDINATES", "fold", "rotation", "turn"]

BLOCK = 8
COORDINATES = 28  # dim so(8) = 8 * 7 / 2

_PAIRS = tuple(combinations(range(BLOCK), 2))
_ROWS = [i for i, _ in _PAIRS]
_COLUMNS = [j for _, j in _PAIRS]


def rotation(theta: Tensor, strength: float = 1.0) -> Tensor:
    """The rotations R = exp(strength * A(theta)) of blocks.

    theta: (..., 28), any floating dtype. Result: (..., 8, 8) with R^T R = I and det R = 1, on theta's device;
    float32, also under autocast and for half-precision theta, because rounding to 8 bits would leave the group;
    float64 stays float64. Differentiable in theta. Raises TrainingError where the last dimension is not 28.
    """
    if theta.ndim == 0 or theta.shape[-1] != COORDINATES:
        raise TrainingError(
            f"an SO(8) block has {COORDINATES} coordinates, got a tensor of shape {tuple(theta.shape)}; "
            f"give (..., {COORDINATES})"
        )
    exact = theta if theta.dtype == torch.float64 else theta.float()
    with torch.autocast(theta.device.type, enabled=False):
        upper = exact.new_zeros(*theta.shape[:-1], BLOCK, BLOCK)
        upper[..., _ROWS, _COLUMNS] = exact * strength
        result: Tensor = torch.linalg.matrix_exp(upper - upper.mT)
    return result


def turn(rotations: Tensor, features: Tensor) -> Tensor:
    """Turn each block of 8 features: y'_k = R_k y_k.

    rotations: (k, 8, 8). features: (..., 8 k); the result has their dtype and device. The rotation is cast to that
    dtype once; identity rotations give back every number unchanged.
    """
    blocks = features.reshape(*features.shape[:-1], -1, BLOCK)
    return torch.einsum("kij,...kj->...ki", rotations.to(features.dtype), blocks).flatten(-2)


def fold(rotations: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """The Linear that equals `Linear(weight, bias)` with the gate behind it: W' = R W, b' = R b, row blocks of 8.

    rotations: (k, 8, 8). weight: (8 k, n). bias: (8 k) or None. Computed in float32 (float64 where an input is),
    then cast back to weight's dtype. Merge LoRA into weight first. Raises TrainingError where the shapes do not fit.
    """
    rows = rotations.shape[0] * BLOCK
    if weight.shape[0] != rows or (bias is not None and bias.shape[0] != rows):
        shape = tuple(weight.shape)
        raise TrainingError(f"cannot fold {rotations.shape[0]} blocks of {BLOCK} into a weight of shape {shape}")
    exact = torch.promote_types(torch.promote_types(rotations.dtype, weight.dtype), torch.float32)
    blocks = weight.to(exact).reshape(-1, BLOCK, weight.shape[1])
    turned = torch.einsum("kij,kjn->kin", rotations.to(exact), blocks).flatten(0, 1)
    turned_bias = None if bias is None else turn(rotations.to(exact), bias.to(exact)).to(bias.dtype)
    return turned.to(weight.dtype), turned_bias
