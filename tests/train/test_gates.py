"""SO(8) gates on a small Phi-3, over a whole and a 4-bit base."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from corpus.base.errors import CorruptFileError, TrainingError
from train.gates import gating, so8
from train.gates.gating import GateConfig
from train.models import loading
from train.models.bases import Base
from train.models.loading import Dtype, Quantization

ADAPTER = loading.Adapter(
    4, 8, ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"), GateConfig(("o_proj", "down_proj"))
)
BASES: list[tuple[Quantization, Dtype]] = [("none", "float32"), ("none", "bfloat16"), ("nf4", "bfloat16")]


def logits(model: nn.Module) -> Tensor:
    """The model's logits on fixed tokens."""
    ids = torch.arange(40).reshape(2, 20) + 10
    with torch.no_grad():
        result: Tensor = model(input_ids=ids).logits
    return result


def turn_gates(model: nn.Module, size: float = 0.3) -> None:
    """Give every gate angles of its own."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for gate in gating.gates_of(model).values():
            gate.theta.copy_(torch.randn(gate.theta.shape, generator=generator) * size)


@pytest.mark.parametrize(("quantization", "dtype"), BASES)
def test_closed_gates_change_nothing_and_open_ones_do(
    small_base: Base, quantization: Quantization, dtype: Dtype
) -> None:
    """With theta = 0 (and fresh LoRA) the logits are those of the base to the bit; with other angles they differ."""
    model = loading.load_model(small_base, quantization, dtype, "cpu").eval()
    before = logits(model)
    wrapped = loading.attach(model, ADAPTER).eval()
    assert len(gating.gates_of(wrapped)) == 4
    assert torch.equal(logits(wrapped), before)
    turn_gates(wrapped)
    assert (logits(wrapped) - before).abs().max() > 0.05


@pytest.mark.parametrize(("quantization", "dtype"), BASES)
def test_the_loss_gives_every_angle_and_lora_a_gradient(
    small_base: Base, quantization: Quantization, dtype: Dtype
) -> None:
    """The language model loss has a non-zero gradient in every theta, at zero too, and none in the base."""
    wrapped = loading.attach(loading.load_model(small_base, quantization, dtype, "cpu"), ADAPTER)
    ids = torch.arange(40).reshape(2, 20) + 10
    wrapped(input_ids=ids, labels=ids).loss.backward()
    for name, gate in gating.gates_of(wrapped).items():
        assert gate.theta.grad is not None, name
        assert gate.theta.grad.abs().max() > 0, name
    trained = {name for name, parameter in wrapped.named_parameters() if parameter.requires_grad}
    assert all("lora_" in name or name.endswith("so8_gate.theta") for name in trained)
    assert {name for name, parameter in wrapped.named_parameters() if parameter.grad is not None} == trained


def test_a_gate_turns_the_output_of_base_and_lora_together(small_base: Base) -> None:
    """Behind a gated Linear stands R (W x + B A x), as an explicit block-diagonal matrix gives it."""
    wrapped = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER)
    name = "base_model.model.model.layers.1.mlp.down_proj"
    linear = wrapped.get_submodule(name)
    with torch.no_grad():
        linear.lora_B["default"].weight.normal_(generator=torch.Generator().manual_seed(2))  # type: ignore[index, union-attr, operator]
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(3))
    plain = linear(inputs)
    turn_gates(wrapped)
    theta = gating.gates_of(wrapped)["model.layers.1.mlp.down_proj"].theta
    expected = plain @ torch.block_diag(*so8.rotation(theta)).T
    assert torch.allclose(linear(inputs), expected, atol=1e-5)
    assert (expected - plain).abs().max() > 0.1


def test_folded_gates_equal_gates(small_base: Base) -> None:
    """A model whose weights were folded gives the logits of the gated one in float32."""
    gated = loading.load_model(small_base, "none", "float32", "cpu").eval()
    gating.add_gates(gated, GateConfig(("o_proj", "down_proj")))
    turn_gates(gated)
    folded = loading.load_model(small_base, "none", "float32", "cpu").eval()
    with torch.no_grad():
        for name, gate in gating.gates_of(gated).items():
            linear = folded.get_submodule(name)
            weight, _ = so8.fold(so8.rotation(gate.theta), linear.weight)  # type: ignore[arg-type]
            linear.weight.copy_(weight)  # type: ignore[operator, union-attr]
    assert torch.allclose(logits(folded), logits(gated), atol=1e-4)


def test_gates_are_saved_and_read_back(small_base: Base, tmp_path: Path) -> None:
    """Saved gates on a fresh base give the same logits to the bit, and the file holds theta by the Linear's path."""
    model = loading.load_model(small_base, "none", "float32", "cpu").eval()
    gating.add_gates(model, GateConfig(("o_proj",), (1,)))
    turn_gates(model)
    gating.save_gates(model, tmp_path / gating.GATES_FILE)
    tensors = load_file(tmp_path / gating.GATES_FILE)
    assert {name: tuple(t.shape) for name, t in tensors.items()} == {"model.layers.1.self_attn.o_proj.theta": (8, 28)}
    fresh = loading.load_model(small_base, "none", "float32", "cpu").eval()
    gating.load_gates(fresh, tmp_path / gating.GATES_FILE)
    assert torch.equal(logits(fresh), logits(model))


def test_misfits_are_named(small_base: Base, tmp_path: Path) -> None:
    """A target that matches nothing, a second gate, a file of other gates and a damaged file are clear errors."""
    model = loading.load_model(small_base, "none", "float32", "cpu")
    with pytest.raises(TrainingError, match="no Linear named 'q_proj'"):
        gating.add_gates(model, GateConfig(("q_proj",)))
    with pytest.raises(TrainingError, match="no Linear named 'o_proj'"):
        gating.add_gates(model, GateConfig(("o_proj",), (7,)))
    with pytest.raises(TrainingError, match="no layer 7 "):
        gating.add_gates(model, GateConfig(("o_proj", "down_proj"), (0, 7)))
    assert not gating.gates_of(model)
    with pytest.raises(TrainingError, match="no multiple of 8"):
        gating.add_gates(nn.ModuleDict({"odd": nn.Linear(8, 12)}), GateConfig(("odd",)))
    gating.add_gates(model, GateConfig(("o_proj",)))
    with pytest.raises(TrainingError, match="has an SO\\(8\\) gate already"):
        gating.add_gates(model, GateConfig(("o_proj",)))
    path = tmp_path / gating.GATES_FILE
    gating.save_gates(model, path)
    for tensors, error, words in (
        ({"model.layers.9.mlp.down_proj.theta": torch.zeros(8, 28)}, TrainingError, "the base has no model.layers.9"),
        ({"model.layers.0.mlp.down_proj.theta": torch.zeros(4, 28)}, TrainingError, "4 blocks in the file, 8"),
        ({"model.layers.0.mlp.down_proj.theta": torch.zeros(8, 27)}, CorruptFileError, "is no gate"),
    ):
        save_file(tensors, path)
        listed = {"linears": [name.removesuffix(".theta") for name in tensors]}
        config = path.with_name(gating.CONFIG_FILE)
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | listed), "utf-8")
        with pytest.raises(error, match=words):
            gating.load_gates(loading.load_model(small_base, "none", "float32", "cpu"), path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CorruptFileError, match="no readable safetensors"):
        gating.load_gates(model, path)


def two_gated() -> nn.Sequential:
    """Two Linears with gates of different sizes, turned."""
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 24))
    gating.add_gates(model, GateConfig(("0", "1"), learned=True, strength=0.4))
    turn_gates(model)
    return model


def test_rotations_of_a_pass_are_made_at_once_with_the_same_gradients() -> None:
    """A pass with gradients takes slices of one batch; values and gradients are those of gates one by one."""
    model, inputs = two_gated(), torch.randn(3, 8, generator=torch.Generator().manual_seed(6))
    whole = model(inputs)
    whole.square().sum().backward()
    together = {name: p.grad for name, p in model.named_parameters()}
    parts = [gate.shared for gate in gating.gates_of(model).values()]
    assert all(part is not None and part._base is not None for part in parts)
    assert len({id(part._base) for part in parts if part is not None}) == 1
    model.zero_grad(set_to_none=True)
    alone = inputs
    for linear in model:
        alone = linear(alone)
    alone.square().sum().backward()
    torch.testing.assert_close(whole, alone)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, together[name], msg=name)


def test_a_batch_of_rotations_outlives_its_pass_only_for_its_own_backward() -> None:
    """After a pass, a Linear called by itself sees newer angles; a checkpointed pass has the same gradients."""
    model, inputs = two_gated(), torch.randn(3, 8, generator=torch.Generator().manual_seed(6))
    model(inputs).sum().backward()
    turn_gates(model, 0.7)
    linear = model[1]
    features = torch.randn(2, 16)
    expected = so8.turn(
        gating.gates_of(model)["1"].matrix(), nn.functional.linear(features, linear.weight, linear.bias)
    )
    torch.testing.assert_close(linear(features), expected)
    plain, *_ = torch.autograd.grad(model(inputs).square().sum(), [gating.gates_of(model)["1"].theta])
    model.forward = lambda x: torch.utils.checkpoint.checkpoint(  # type: ignore[method-assign]
        lambda y: nn.Sequential.forward(model, y), x, use_reentrant=False
    )
    again, *_ = torch.autograd.grad(model(inputs).square().sum(), [gating.gates_of(model)["1"].theta])
    assert torch.equal(plain, again)


def test_angles_written_through_data_count_at_once(small_base: Base) -> None:
    """`gate.theta.data` is a common way to set angles; nothing computed before is shown again."""
    wrapped = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER).eval()
    before = logits(wrapped)
    for gate in gating.gates_of(wrapped).values():
        gate.theta.data.fill_(0.3)
    assert (logits(wrapped) - before).abs().max() > 0.05


def test_a_model_that_was_trained_can_be_copied(small_base: Base) -> None:
    """A pass with gradients leaves a graph with the gates, which copies no more than it pickles."""
    wrapped = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER).eval()
    turn_gates(wrapped)
    ids = torch.arange(40).reshape(2, 20) + 10
    wrapped(input_ids=ids, labels=ids).loss.backward()
    twin = copy.deepcopy(wrapped)
    assert torch.equal(logits(twin), logits(wrapped))
    turn_gates(twin, 0.0)
    assert not torch.equal(logits(twin), logits(wrapped))


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_learned_strength_at_an_end_is_one_line(strength: float) -> None:
    """No alpha has a sigmoid of 0 or 1."""
    with pytest.raises(TrainingError, match="above 0 and below 1"):
        gating.Gate(8, GateConfig((), learned=True, strength=strength))
