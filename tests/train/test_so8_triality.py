"""Triality: what makes the three representations three, held exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from corpus.base.errors import TrainingError
from train.gates.octonions import (
    CONJUGATION,
    GENERATORS,
    PRODUCT,
    S_MINUS,
    S_PLUS,
    T_MINUS,
    T_PLUS,
)
from train.gates.so8 import generator, rotation, spinors

IDENTITY = np.eye(28)


def bracket(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[a_p, b_q] for all pairs of two lists of matrices."""
    product = np.einsum("pij,qjk->pqik", a, b)
    return product - np.einsum("qij,pjk->pqik", b, a)


def random_theta(*shape: int, seed: int = 1) -> torch.Tensor:
    """Coordinates in float64."""
    return torch.randn(*shape, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def times(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Octonion products of two (..., 8)."""
    return torch.einsum("...i,...j,ijk->...k", x, y, torch.from_numpy(PRODUCT))


def apply(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Matrices (..., 8, 8) on column vectors (..., 8)."""
    return (matrix @ x.unsqueeze(-1)).squeeze(-1)


def test_octonions_multiply_norms_and_are_no_associative_algebra() -> None:
    """|x y| = |x| |y| for all x, y, e_0 is the unit, and (x y) z differs from x (y z)."""
    rng = np.random.default_rng(1)
    x, y = rng.integers(-9, 9, 8), rng.integers(-9, 9, 8)
    assert np.sum(np.einsum("i,j,ijk->k", x, y, PRODUCT) ** 2) == np.sum(x**2) * np.sum(y**2)
    assert np.array_equal(PRODUCT[0], np.eye(8))
    assert np.array_equal(PRODUCT[:, 0], np.eye(8))
    twice = np.einsum("ijk,klm->ijlm", PRODUCT, PRODUCT) - np.einsum("jlk,ikm->ijlm", PRODUCT, PRODUCT)
    assert np.abs(twice).max() == 2


@pytest.mark.parametrize(("spin", "images"), [(S_PLUS, T_PLUS), (S_MINUS, T_MINUS)], ids=["plus", "minus"])
def test_the_spin_representations_keep_every_bracket_exactly(spin: np.ndarray, images: np.ndarray) -> None:
    """[S(E_p), S(E_q)] = S([E_p, E_q]) for all 28 x 28 pairs with error 0, and T holds the coordinates of S."""
    coordinates = np.einsum("pqij,rij->pqr", bracket(GENERATORS, GENERATORS), GENERATORS) / 2
    assert np.array_equal(bracket(spin, spin), np.einsum("pqr,rij->pqij", coordinates, spin))
    assert np.array_equal(spin, np.einsum("rp,rij->pij", images, GENERATORS))
    assert np.array_equal(spin, -spin.transpose(0, 2, 1))
    assert set(np.unique(images)) == {-0.5, 0.0, 0.5}
    assert np.array_equal(images @ images.T, IDENTITY)


def test_t_plus_is_of_order_three_and_fixes_g2() -> None:
    """T+^3 = I and not earlier, its fixed algebra has the 14 dimensions of G2; T- and K have order 2; T+^2 = K T-."""
    assert np.array_equal(np.linalg.matrix_power(T_PLUS, 3), IDENTITY)
    assert not np.array_equal(T_PLUS, IDENTITY)
    assert np.linalg.matrix_rank(T_PLUS - IDENTITY) == 28 - 14
    assert np.array_equal(T_MINUS @ T_MINUS, IDENTITY)
    assert np.array_equal(CONJUGATION @ CONJUGATION, IDENTITY)
    assert np.array_equal(T_PLUS @ T_PLUS, CONJUGATION @ T_MINUS)


def test_the_triality_relation_holds_in_the_algebra_and_the_group() -> None:
    """A-(x s) = (A x) s + x (A+ s), and R-(x s) = (R x)(R+ s), for octonions x, s."""
    theta = random_theta(20)
    x, s = torch.randn(2, 20, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    plus, minus = spinors(theta)
    a, a_plus, a_minus = generator(theta), generator(plus), generator(minus)
    assert torch.allclose(apply(a_minus, times(x, s)), times(apply(a, x), s) + times(x, apply(a_plus, s)), atol=1e-12)
    r, r_plus, r_minus = rotation(theta), rotation(plus), rotation(minus)
    assert torch.allclose(apply(r_minus, times(x, s)), times(apply(r, x), apply(r_plus, s)), atol=1e-12)


def test_a_full_turn_of_the_vector_is_minus_one_on_both_spinors() -> None:
    """The three are inequivalent: exp(2 pi E_ij) is 1 on vectors and -1 on spinors of either kind, for each plane."""
    theta = 2 * torch.pi * torch.eye(28, dtype=torch.float64)
    plus, minus = spinors(theta)
    one = torch.eye(8, dtype=torch.float64).expand(28, 8, 8)
    assert torch.allclose(rotation(theta), one, atol=1e-12)
    assert torch.allclose(rotation(plus), -one, atol=1e-12)
    assert torch.allclose(rotation(minus), -one, atol=1e-12)


def test_vector_goes_to_spinor_plus_to_conjugate_spinor_minus_and_back() -> None:
    """Three steps of spinors()[0] give theta again to the bit; the second is the conjugate of theta-."""
    theta = random_theta(5).mul(64).round() / 64  # exact under halving
    once = spinors(theta)[0]
    twice = spinors(once)[0]
    assert torch.equal(spinors(twice)[0], theta)
    assert torch.equal(twice, spinors(theta)[1] @ torch.from_numpy(CONJUGATION).T)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_spinors_are_float32_also_under_autocast(dtype: torch.dtype) -> None:
    """Whatever the input, and inside autocast, the result is that of float32; gradients go through."""
    theta = random_theta(3).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plus, minus = spinors(theta)
    assert plus.dtype == minus.dtype == torch.float32
    exact = theta.detach().double() @ torch.from_numpy(T_PLUS).T
    assert torch.allclose(plus.double(), exact, atol=1e-5)
    (plus.square().sum() + minus.sum()).backward()
    assert theta.grad is not None
    assert theta.grad.abs().max() > 0
    with pytest.raises(TrainingError, match="28 coordinates"):
        spinors(torch.zeros(2, 8))
