"""Merging LoRA and gates into plain Linears, over whole and 4-bit bases, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_gates import ADAPTER, BASES, logits, turn_gates
from test_models import evaluate, open_lora
from torch import nn

from corpus.base.errors import TrainingError
from train.gates import gating
from train.gates.gating import GateConfig
from train.gates.merge import Merged, dequantize, merge, unmerge
from train.models import loading
from train.models.bases import Base
from train.models.loading import Dtype, Quantization

TARGETS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")


def trained(base: Base, quantization: Quantization, dtype: Dtype, config: GateConfig | None = None) -> nn.Module:
    """A model whose LoRA and gates are far from their start."""
    torch.manual_seed(1)  # of what LoRA starts from
    adapter = loading.Adapter(4, 8, TARGETS, config or ADAPTER.gates)
    model = loading.attach(loading.load_model(base, quantization, dtype, "cpu"), adapter)
    open_lora(model)
    turn_gates(model)
    return model.eval()


def error(model: nn.Module, wanted: torch.Tensor) -> float:
    """Relative error of a model's logits."""
    return float((logits(model).float() - wanted.float()).norm() / wanted.float().norm())


@pytest.mark.parametrize(("quantization", "dtype"), BASES)
def test_a_merged_model_computes_the_same_and_comes_back_to_the_bit(
    small_base: Base, quantization: Quantization, dtype: Dtype
) -> None:
    """Each Linear is a plain one then; a second merge does nothing; unmerge gives the former logits to the bit."""
    model = trained(small_base, quantization, dtype)
    before = logits(model)
    assert len(merge(model)) == 8
    assert not gating.gates_of(model)
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert error(model, before) < (1e-5 if dtype == "float32" else 0.02)
    once = logits(model)
    assert merge(model) == []
    assert torch.equal(logits(model), once)
    assert len(unmerge(model)) == 8
    assert unmerge(model) == []
    assert torch.equal(logits(model), before)
    assert len(gating.gates_of(model)) == 4


def test_what_is_switched_off_is_not_merged(small_base: Base) -> None:
    """Merging while adapter and gates are disabled gives the base."""
    model: Any = trained(small_base, "none", "float32")
    with gating.disabled(model), model.disable_adapter():
        base = logits(model)
        merge(model)
        assert torch.equal(logits(model), base)
    unmerge(model)
    assert error(model, base) > 0.01


@pytest.mark.parametrize("form", ["geodesic", "linear"])
@pytest.mark.parametrize("learned", [True, False])
def test_half_open_gates_merge_as_they_are(small_base: Base, form: Any, learned: bool) -> None:
    """exp(gA) and the blend, learned or fixed, fold like a rotation."""
    config = GateConfig(("qkv_proj", "o_proj"), (), "cayley", form, learned, 0.4)
    model = trained(small_base, "none", "float32", config)
    before = logits(model)
    assert error(trained(small_base, "none", "float32"), before) > 0.01
    merge(model)
    assert error(model, before) < 1e-5


def test_merging_after_an_evaluation_over_nf4(small_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bitsandbytes would repack weights at an evaluation, the merged model is still the trained one."""
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
    model = trained(small_base, "nf4", "bfloat16")
    before = logits(model)
    evaluate(model)
    merge(model)
    assert error(model, before) < 0.02


def test_a_dequantized_model_keeps_lora_and_gates(small_base: Base) -> None:
    """Every weight is float32 then, and it computes what it did, also behind a gate without LoRA."""
    model = loading.load_model(small_base, "nf4", "bfloat16", "cpu")
    wrapped = loading.attach(model, loading.Adapter(4, 8, ("o_proj",), GateConfig(("o_proj", "qkv_proj"))))
    open_lora(wrapped)
    turn_gates(wrapped)
    before = logits(wrapped.eval())
    names = {name for name, _ in wrapped.named_parameters()}
    dequantize(wrapped)
    assert {name for name, _ in wrapped.named_parameters()} == names
    assert {parameter.dtype for parameter in wrapped.parameters()} == {torch.float32}
    assert len(gating.gates_of(wrapped)) == 4
    assert 1e-5 < error(wrapped, before) < 0.02
    with gating.disabled(wrapped):
        assert error(wrapped, before) > 0.05


def test_a_repacked_weight_is_refused_and_nothing_changes(small_base: Base) -> None:
    """4-bit weights that somebody let bitsandbytes repack would merge to garbage: an error instead, and no merge."""
    from bitsandbytes.functional import _convert_weight_packed_for_cpu

    model = trained(small_base, "nf4", "bfloat16")
    last: Any = model.get_submodule("base_model.model.model.layers.1.mlp.down_proj.base_layer")
    last.weight.data, last.weight.quant_state = _convert_weight_packed_for_cpu(
        last.weight.data, last.weight.quant_state
    )
    with pytest.raises(TrainingError, match=r"layers\.1\.mlp\.down_proj: an evaluation repacked"):
        merge(model)
    assert not any(isinstance(module, Merged) for module in model.modules())


def test_weights_that_are_no_numbers_are_refused_and_nothing_changes(small_base: Base) -> None:
    """A NaN in the last gate: one line that names the Linear, and every Linear is what it was."""
    model = trained(small_base, "none", "float32")
    gate = gating.gates_of(model)["model.layers.1.mlp.down_proj"]
    with torch.no_grad():
        gate.theta[0, 0] = torch.nan
    with pytest.raises(TrainingError, match=r"layers\.1\.mlp\.down_proj: merged weights that are no numbers"):
        merge(model)
    assert not any(isinstance(module, Merged) for module in model.modules())


def test_gates_alone_and_biases() -> None:
    """Gates without LoRA merge too, bias and all."""
    model = nn.ModuleDict({"a": nn.Linear(5, 16), "b": nn.Linear(5, 16)})
    gating.add_gates(model, GateConfig(("a",)))
    turn_gates(model)
    inputs = torch.randn(3, 5)
    before = model["a"](inputs)
    assert merge(model) == ["a"]
    assert torch.allclose(model["a"](inputs), before, atol=1e-6)
    assert type(model["b"]) is nn.Linear


def test_gates_with_their_config_are_saved_and_read_back(small_base: Base, tmp_path: Path) -> None:
    """Method, form, learned openings: a fresh model with the saved gates gives the same logits to the bit."""
    config = GateConfig(("o_proj",), (1,), "cayley", "linear", True, 0.25)
    model = trained(small_base, "none", "float32", config)
    with torch.no_grad():
        for gate in gating.gates_of(model).values():
            assert gate.alpha is not None
            gate.alpha.add_(0.5)
    gating.save_gates(model, tmp_path / gating.GATES_FILE)
    torch.manual_seed(1)
    fresh = loading.attach(
        loading.load_model(small_base, "none", "float32", "cpu"), loading.Adapter(4, 8, TARGETS, GateConfig(()))
    )
    open_lora(fresh)
    gating.load_gates(fresh, tmp_path / gating.GATES_FILE)
    assert torch.equal(logits(fresh.eval()), logits(model))
