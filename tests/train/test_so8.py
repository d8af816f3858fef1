"""The algebra of SO(8)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
import torch

from corpus.base.errors import TrainingError
from train.gates.so8 import Method, blend, fold, rotation, smallest_stretch, turn


def explicit_generator(theta: torch.Tensor) -> torch.Tensor:
    """A = sum theta_p E_p written out for one block."""
    matrix = torch.zeros(8, 8, dtype=theta.dtype)
    for number, (i, j) in zip(theta, combinations(range(8), 2), strict=True):
        matrix[i, j] += number
        matrix[j, i] -= number
    return matrix


@pytest.mark.parametrize("angle", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", ["exp", "cayley"])
def test_rotation_is_in_so8(angle: float, dtype: torch.dtype, method: Method) -> None:
    """R^T R = I within 5e-5 and det R = 1 in float32, for each of the 28 angles up to 10 and any dtype of theta."""
    generator = torch.Generator().manual_seed(3)
    theta = (torch.rand(64, 28, generator=generator) * 2 - 1) * angle
    theta[0] = angle
    theta = theta.to(dtype)
    result = rotation(theta, method=method)
    assert result.dtype == torch.float32
    assert (result.mT @ result - torch.eye(8)).abs().max() < 5e-5
    assert torch.allclose(torch.linalg.det(result), torch.ones(64), atol=5e-5)


def test_rotation_stays_exact_under_autocast() -> None:
    """Autocast to bfloat16 changes nothing in a rotation."""
    theta = torch.randn(4, 28, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = rotation(theta)
    assert torch.equal(inside, rotation(theta))


def test_rotation_is_the_exponential_of_the_generator_in_column_convention() -> None:
    """rotation(theta) = exp(A) with A = sum theta_p (e_i e_j^T - e_j e_i^T), i < j, times the strength."""
    theta = torch.randn(28, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for strength in (0.0, 0.25, 1.0):
        expected = torch.linalg.matrix_exp(strength * explicit_generator(theta))
        assert torch.allclose(rotation(theta, strength), expected, atol=1e-12)
    quarter = torch.zeros(28, dtype=torch.float64)
    quarter[0] = torch.pi / 2  # plane (0, 1): e_1 goes to e_0
    assert torch.allclose(rotation(quarter)[:, 1], torch.eye(8, dtype=torch.float64)[0], atol=1e-12)


def test_rotation_at_zero_is_exactly_the_identity() -> None:
    """Theta = 0 and strength = 0 give the identity to the bit."""
    theta = torch.randn(3, 5, 28)
    identity = torch.eye(8).expand(3, 5, 8, 8)
    assert torch.equal(rotation(torch.zeros(3, 5, 28)), identity)
    assert torch.equal(rotation(theta, 0.0), identity)


@pytest.mark.parametrize("function", [rotation, blend])
@pytest.mark.parametrize("method", ["exp", "cayley"])
def test_gradient_of_rotation_and_blend(function: Callable[..., torch.Tensor], method: Method) -> None:
    """The derivatives in theta and in the strength agree with finite differences in float64."""
    theta = torch.randn(28, dtype=torch.float64, generator=torch.Generator().manual_seed(4), requires_grad=True)
    strength = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t, s: function(t, s, method=method), (theta, strength))


def test_cayley_is_its_definition_and_close_to_exp_near_zero() -> None:
    """Cayley gives (I - A/2)^-1 (I + A/2), differs from exp by the third order, and has no half turn."""
    theta = torch.randn(6, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    half = torch.stack([explicit_generator(t) for t in theta]) / 2
    one = torch.eye(8, dtype=torch.float64)
    assert torch.allclose(rotation(theta, method="cayley"), torch.linalg.solve(one - half, one + half), atol=1e-12)
    errors = [(rotation(theta, s, method="cayley") - rotation(theta, s)).abs().max() for s in (0.02, 0.01)]
    assert 7.5 < errors[0] / errors[1] < 8.5
    plane = torch.zeros(28, dtype=torch.float64)
    plane[0] = 1e6
    assert rotation(plane, method="cayley")[0, 0] > -1


def test_a_blend_loses_what_its_docstring_says() -> None:
    """(1-g) I + g R shrinks a plane by sqrt(1 - 2g(1-g)(1-cos phi)), to nothing at 1/2 and pi; exp(gA) never does."""
    phi = torch.tensor(2.0, dtype=torch.float64)
    plane = torch.zeros(28, dtype=torch.float64)
    plane[0] = phi
    for g in (0.0, 0.3, 0.5, 1.0):
        expected = float((1 - 2 * g * (1 - g) * (1 - phi.cos())).sqrt())
        assert smallest_stretch(blend(plane, g)) == pytest.approx(expected, abs=1e-12)
        assert smallest_stretch(rotation(plane, g)) == pytest.approx(1.0, abs=1e-12)
    plane[0] = torch.pi
    assert smallest_stretch(blend(plane, 0.5)) < 1e-12
    theta = torch.randn(3, 28)
    assert torch.equal(blend(theta, 0.0), torch.eye(8).expand(3, 8, 8))
    assert torch.equal(blend(theta, 1.0), rotation(theta))
    assert blend(theta.bfloat16(), 0.5).dtype == torch.float32


def test_turn_equals_the_block_diagonal_matrix() -> None:
    """turn(R, y) is y -> diag(R_1, ..., R_k) y for column vectors, and keeps the norm of each block."""
    generator = torch.Generator().manual_seed(5)
    rotations = rotation(torch.randn(3, 28, generator=generator))
    features = torch.randn(2, 7, 24, generator=generator)
    expected = torch.einsum("ij,bsj->bsi", torch.block_diag(*rotations), features)
    turned = turn(rotations, features)
    assert torch.allclose(turned, expected, atol=1e-5)
    norms = turned.unflatten(-1, (3, 8)).norm(dim=-1)
    assert torch.allclose(norms, features.unflatten(-1, (3, 8)).norm(dim=-1), atol=1e-5)
    assert turn(rotations, features.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("with_bias", [True, False])
def test_fold_equals_the_gate_behind_the_linear(with_bias: bool) -> None:
    """Linear(fold(R, W, b))(x) = R (W x + b)."""
    generator = torch.Generator().manual_seed(6)
    rotations = rotation(torch.randn(4, 28, generator=generator))
    weight, inputs = torch.randn(32, 12, generator=generator), torch.randn(5, 12, generator=generator)
    bias = torch.randn(32, generator=generator) if with_bias else None
    expected = turn(rotations, torch.nn.functional.linear(inputs, weight, bias))
    folded, folded_bias = fold(rotations, weight, bias)
    assert torch.allclose(torch.nn.functional.linear(inputs, folded, folded_bias), expected, atol=1e-5)
    assert fold(rotations, weight.bfloat16())[0].dtype == torch.bfloat16


def test_wrong_shapes_are_refused() -> None:
    """A theta without 28 coordinates and a weight that does not fit are told apart from good ones."""
    with pytest.raises(TrainingError, match="28 coordinates"):
        rotation(torch.zeros(4, 27))
    with pytest.raises(TrainingError, match="cannot fold 2 blocks"):
        fold(rotation(torch.zeros(2, 28)), torch.zeros(24, 4))
