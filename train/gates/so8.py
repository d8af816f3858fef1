"""The algebra of SO(8) gates: 28 coordinates of a block of 8 features -> its rotation, and its folding into a Linear.

Convention (one for the whole project): features are column vectors in blocks of 8. The coordinates theta_p belong
to the generators E_ij = e_i e_j^T - e_j e_i^T with i < j, in the order (0,1), (0,2), ..., (6,7); A = sum theta_p E_p
is skew-symmetric and R = exp(s A) is a rotation for every strength s, so a gate that is half open is still in SO(8).

Two maps from the algebra to the group: the exponential reaches all of SO(8) and is accurate at any angle; the Cayley
transform (I - A/2)^-1 (I + A/2) costs less at large angles and cannot reach a half turn (no eigenvalue -1). Both agree
to third order in theta near zero.

The exponential is a Taylor polynomial of degree 8 in four products (Paterson and Stockmeyer, SIAM J. Comput. 2:60,
1973), scaled and squared (Higham, "Functions of Matrices", 2008, ch. 10). No general estimate of a norm is needed: the
largest angle that A turns by is at most |theta|, because |A|_F^2 = 2 |theta|^2 and eigenvalues come in pairs. It is one
program for a batch, so that all gates of a model are one batch; torch.linalg.matrix_exp sorts every batch by its norms,
which a GPU waits for.

`blend` is the linear gate (1 - g) I + g R of the original system, for those who want to compare; it is not a rotation.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import torch
from torch import Tensor

from corpus.base.errors import TrainingError
from train.gates.octonions import BLOCK, COORDINATES, PAIRS, T_MINUS, T_PLUS

__all__ = [
    "BLOCK",
    "COORDINATES",
    "Method",
    "blend",
    "fold",
    "generator",
    "rotation",
    "smallest_stretch",
    "spinors",
    "turn",
]

Method = Literal["exp", "cayley"]

_ROWS = [i for i, _ in PAIRS]
_COLUMNS = [j for _, j in PAIRS]
_SMALL = {torch.float32: 0.5, torch.float64: 0.05}  # angles up to here: the first term left out is below one rounding


def generator(theta: Tensor) -> Tensor:
    """A = sum theta_p E_p, skew-symmetric.

    theta: (..., 28), any floating dtype. Result: (..., 8, 8), float32, or float64 for float64; on theta's device.
    Raises TrainingError where the last dimension is not 28.
    """
    exact = _exact(theta)
    upper = exact.new_zeros(*theta.shape[:-1], BLOCK, BLOCK)
    upper[..., _ROWS, _COLUMNS] = exact
    return upper - upper.mT


def rotation(theta: Tensor, strength: float | Tensor = 1.0, *, method: Method = "exp") -> Tensor:
    """The rotations of blocks: R = exp(strength * A(theta)), or the Cayley transform of strength * A(theta).

    theta: (..., 28), any floating dtype. strength: a number, or a tensor that may be learned, of one element, or
    (..., 1) with one for each block. Result: (..., 8, 8) with R^T R = I and det R = 1, on theta's device; float32, also
    under autocast and for half-precision theta, because rounding to 8 bits would leave the group; float64 stays
    float64. Differentiable in theta and strength. Raises TrainingError where the last dimension is not 28.
    """
    exact = _exact(theta)
    with torch.autocast(theta.device.type, enabled=False):
        angles = exact * (strength.to(exact) if isinstance(strength, Tensor) else strength)
        skew = generator(angles)
        if method == "exp":
            return _exponential(skew, angles.detach())
        identity = torch.eye(BLOCK, dtype=exact.dtype, device=exact.device)
        inverse: Tensor = torch.linalg.inv(identity - skew / 2)
        return 2 * inverse - identity  # = (I - A/2)^-1 (I + A/2), with one inverse and no product


def blend(theta: Tensor, strength: float | Tensor, *, method: Method = "exp") -> Tensor:
    """The linear gate M = (1 - g) I + g R(theta), g = strength; shapes and dtypes as in `rotation`.

    What it loses against exp(g A): M is orthogonal for g = 0 and g = 1 only. In a plane that R turns by phi it
    shrinks by sqrt(1 - 2 g (1 - g)(1 - cos phi)), to nothing at g = 1/2 and phi = pi, where M is singular and the
    features are lost; `smallest_stretch` says how far that has gone. It folds into a Linear like a rotation.
    """
    turned = rotation(theta, method=method)
    open_to = strength.to(turned) if isinstance(strength, Tensor) else strength
    return torch.lerp(torch.eye(BLOCK, dtype=turned.dtype, device=turned.device).expand_as(turned), turned, open_to)


def smallest_stretch(matrices: Tensor) -> float:
    """The smallest singular value of any of these (..., 8, 8): 1 for rotations, 0 where a blend loses a direction."""
    return float(torch.linalg.svdvals(matrices.detach().double()).min())


def spinors(theta: Tensor) -> tuple[Tensor, Tensor]:
    """An element of so(8) in its two half-spin representations: theta+ = T+ theta and theta- = T- theta.

    theta: (..., 28), any floating dtype. Results: (..., 28), float32 (float64 for float64). rotation(theta+) and
    rotation(theta-) are R+ and R- with R-(x s) = (R x)(R+ s) for octonions x and s; a full turn of the vector is -1 in
    both. What is exact, and which of the two maps has order 3, stands in train.gates.octonions. Raises TrainingError
    where the last dimension is not 28.
    """
    exact = _exact(theta)
    with torch.autocast(theta.device.type, enabled=False):
        plus, minus = (_triality(sign, exact.dtype, exact.device) for sign in "+-")
        return exact @ plus.T, exact @ minus.T


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


def _exponential(skew: Tensor, angles: Tensor) -> Tensor:
    """exp(skew), (..., 8, 8), of the coordinates (..., 28): exactly I for zero, no number where they are none."""
    largest = float(angles.norm(dim=-1).max()) if angles.numel() else 0.0
    ratio = largest / _SMALL[skew.dtype]
    halvings = math.ceil(math.log2(ratio)) if 1 < ratio < math.inf else 0
    a = skew * 0.5**halvings
    a2 = a @ a
    a3, a4 = a2 @ a, a2 @ a2
    identity = torch.eye(BLOCK, dtype=skew.dtype, device=skew.device)
    high = identity / 24 + a / 120 + a2 / 720 + a3 / 5040 + a4 / 40320
    result = identity + a + a2 / 2 + a3 / 6 + high @ a4
    for _ in range(halvings):
        result = result @ result
    return result


def _exact(theta: Tensor) -> Tensor:
    if theta.ndim == 0 or theta.shape[-1] != COORDINATES:
        raise TrainingError(
            f"an SO(8) block has {COORDINATES} coordinates, got a tensor of shape {tuple(theta.shape)}; "
            f"give (..., {COORDINATES})"
        )
    return theta if theta.dtype == torch.float64 else theta.float()


@functools.cache
def _triality(sign: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(T_PLUS if sign == "+" else T_MINUS, dtype=dtype, device=device)
