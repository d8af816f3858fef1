"""The constants of triality: octonions, the two half-spin representations of so(8), and how theta moves between them.

The octonions come from the reals by doubling three times, (a, b)(c, d) = (ac - d*b, da + bc*) (Cayley-Dickson; Baez,
"The Octonions", Bull. AMS 39, 2002, section 2.2). With L_i the matrix of x -> e_i x, so8's generators E_ij (i < j) act

    on vectors as E_ij,    on spinors+ as S+(E_ij) = 1/2 L_i^T L_j,    on spinors- as S-(E_ij) = 1/2 L_i L_j^T.

Each S is again a combination of the E_ij, so a block's 28 numbers have images theta+ = T+ theta and theta- = T- theta
in the same coordinates. T+ and T- are orthogonal 28 x 28 matrices with entries -1/2, 0 and 1/2, and automorphisms of
the Lie algebra that no rotation of the 8 features induces. T+ has order 3: it is the triality automorphism, and sends
the vector representation to spinor+, that to spinor- (up to the octonion conjugation) and that back. T- has order 2;
T+ T+ = K T-, where K conjugates with diag(1, -1, ..., -1). With left multiplications it is T+ that has order 3; with
right ones it would be the other.

Everything here is exact: integers and halves in float64.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK",
    "CONJUGATION",
    "COORDINATES",
    "GENERATORS",
    "PAIRS",
    "PRODUCT",
    "S_MINUS",
    "S_PLUS",
    "T_MINUS",
    "T_PLUS",
]

Array = NDArray[np.float64]

BLOCK: Final = 8
COORDINATES: Final = 28  # dim so(8) = 8 * 7 / 2
PAIRS: Final = tuple(combinations(range(BLOCK), 2))  # (0,1), (0,2), ..., (6,7): the order of the coordinates


def _conjugate(x: Array) -> Array:
    return np.concatenate([x[:1], -x[1:]])


def _multiply(x: Array, y: Array) -> Array:
    """The product of two elements of an algebra of dimension 1, 2, 4 or 8, by halves."""
    if len(x) == 1:
        return x * y
    (a, b), (c, d) = np.split(x, 2), np.split(y, 2)
    left = _multiply(a, c) - _multiply(_conjugate(d), b)
    return np.concatenate([left, _multiply(d, a) + _multiply(b, _conjugate(c))])


def _product() -> Array:
    """C (8, 8, 8): e_i e_j = sum_k C[i, j, k] e_k."""
    units = np.eye(BLOCK)
    return np.array([[_multiply(a, b) for b in units] for a in units])


def _generators() -> Array:
    """E (28, 8, 8): E_ij = e_i e_j^T - e_j e_i^T for each pair i < j."""
    units = np.eye(BLOCK)
    return np.array([np.outer(units[i], units[j]) - np.outer(units[j], units[i]) for i, j in PAIRS])


def _coordinates(skew: Array) -> Array:
    """The 28 x 28 matrix whose column p holds the coordinates of the p-th of these skew (28, 8, 8) matrices."""
    rows, columns = zip(*PAIRS, strict=True)
    return np.ascontiguousarray(skew[:, rows, columns].T)


PRODUCT: Final = _product()
GENERATORS: Final = _generators()
_LEFT = PRODUCT.transpose(0, 2, 1)  # L_i[k, j] = C[i, j, k]
S_PLUS: Final = np.array([_LEFT[i].T @ _LEFT[j] / 2 for i, j in PAIRS])
S_MINUS: Final = np.array([_LEFT[i] @ _LEFT[j].T / 2 for i, j in PAIRS])
T_PLUS: Final = _coordinates(S_PLUS)
T_MINUS: Final = _coordinates(S_MINUS)
_MIRROR = np.diag([1.0, *[-1.0] * (BLOCK - 1)])
CONJUGATION: Final = _coordinates(_MIRROR @ GENERATORS @ _MIRROR)  # K, of order 2
