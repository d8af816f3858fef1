"""Reasoning layers on a small Phi-3: what they compute, what they leave alone, how they pad, cache and learn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_gates import BASES, logits
from torch import Tensor, nn
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM

from corpus.base.errors import CorruptFileError, TrainingError
from train.gates import so8
from train.gates.gating import GateConfig
from train.models import loading
from train.models.bases import Base
from train.models.loading import Dtype, Quantization
from train.reasoning import extra_layers
from train.reasoning.extra_layers import ReasoningConfig, ReasoningLayer
from train.reasoning.files import CONFIG_FILE, TENSORS_FILE
from train.reasoning.modeling_so8 import SO8ReasoningConfig, SO8ReasoningForCausalLM, powers

TWO = ReasoningConfig(2)
PHI35 = Phi3Config()  # transformers' defaults are the shape of Phi-3.5-mini


def tiny(**more: Any) -> Phi3Config:
    """A configuration of two layers, two heads of 16."""
    sizes: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": None}
    return Phi3Config(**(sizes | tokens | {"num_attention_heads": 2, "max_position_embeddings": 256} | more))


def stir(model: nn.Module, size: float = 0.3) -> None:
    """Move every parameter of the layers away from its start."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in extra_layers.layers_of(model):
            for parameter in layer.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator) * size)


def stirred(choice: ReasoningConfig = TWO) -> Any:
    """A random Phi-3 with reasoning layers that do something."""
    torch.manual_seed(1)
    model = Phi3ForCausalLM(tiny())
    extra_layers.add_layers(model, choice)
    stir(model)
    return model.eval()


def test_powers_are_those_of_the_exponential_far_out_too() -> None:
    """Split into 64 a + b or not, e^(pA) is the same; at position 131,071 it still turns, and stays relative."""
    layer = stirred().model.layers[2]
    generators = layer.generators().detach()
    positions = torch.tensor([[0, 1, 63, 64, 500, 131_071], [5, 6, 7, 8, 9, 10]])
    found = powers(generators, positions)
    assert found.shape == (2, 6, 2, 3, 8, 8)
    assert found.dtype == torch.float32
    direct = torch.linalg.matrix_exp(positions.double().view(2, 6, 1, 1, 1, 1) * generators.double()).float()
    assert torch.allclose(found, direct, atol=1e-5)
    assert torch.allclose(found.mT @ found, torch.eye(8).expand_as(found), atol=1e-5)
    assert torch.allclose(found[0, 1].mT @ found[0, 2], powers(generators, torch.tensor([[62]]))[0, 0], atol=1e-5)


def test_the_attention_is_the_formula_of_its_docstring() -> None:
    """Scores and result equal those of loops over heads and pairs of positions, with so8's own rotations."""
    layer = stirred().model.layers[2]
    x = torch.randn(1, 7, 32, generator=torch.Generator().manual_seed(3))
    positions = torch.tensor([[3, 4, 5, 6, 7, 8, 9]])
    found = layer.attention(x, layer.generators(), positions, None, None)
    query, key, value = (x @ layer.attention.query_key_value.weight.T).reshape(7, 3, 2, 16).unbind(1)
    mixed = torch.zeros(7, 2, 16)
    for head in range(2):
        views = (layer.theta[head], *so8.spinors(layer.theta[head]))
        scale = 10_000.0 ** (-head / 2)
        for i in range(7):
            scores = torch.zeros(i + 1)
            for j in range(i + 1):
                for theta in views:
                    q = so8.turn(so8.rotation(theta * scale, float(i)).expand(2, 8, 8), query[i, head])
                    k = so8.turn(so8.rotation(theta * scale, float(j)).expand(2, 8, 8), key[j, head])
                    scores[j] = scores[j] + q @ k / (3 * 16) ** 0.5
            mixed[i, head] = scores.softmax(0) @ value[: i + 1, head]
    wanted = mixed.reshape(7, 32) @ layer.attention.output.weight.T
    assert torch.allclose(found[0], wanted, atol=1e-4)


def test_the_three_views_differ_and_none_can_stand_for_another() -> None:
    """At the start their angles are the sixteenths of a head's scale, each once; their scores are independent."""
    layer = ReasoningLayer(tiny(), 2, ReasoningConfig(1))
    generators = layer.generators().detach().double()
    angles = torch.linalg.eigvals(generators).imag.abs().reshape(2, 24).sort().values[:, ::2]
    sixteenths = torch.tensor([1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16], dtype=torch.float64) / 16
    assert torch.allclose(angles, sixteenths * torch.tensor([[1.0], [0.01]], dtype=torch.float64), atol=1e-6)
    q, k = torch.randn(2, 200, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    turned = torch.einsum("pi,pvij,pj->pv", q, powers(generators[:1], torch.arange(1, 201)[None])[0, :, 0].double(), k)
    assert torch.linalg.svdvals(turned / turned.norm(dim=0)).min() > 0.5


def test_a_start_at_theta_zero_would_have_seven_dead_directions() -> None:
    """There the three views' first order, 1 + T+ + T-, has rank 21 of 28: why theta starts elsewhere."""
    eye = torch.eye(28, dtype=torch.float64)
    plus, minus = so8.spinors(eye)
    assert torch.linalg.matrix_rank(eye + plus + minus) == 21


@pytest.mark.parametrize(("quantization", "dtype"), BASES)
def test_fresh_layers_and_closed_ones_change_nothing(
    small_base: Base, quantization: Quantization, dtype: Dtype
) -> None:
    """To the bit, over every kind of base: fresh ones at any strength, closed ones with any weights; open ones do."""
    model = loading.load_model(small_base, quantization, dtype, "cpu").eval()
    before = logits(model)
    adapter = loading.Adapter(4, 8, ("qkv_proj",), GateConfig(("down_proj",)), 0.0, ReasoningConfig(2, False, 1.0))
    wrapped = loading.attach(model, adapter).eval()
    assert [layer.attention.layer_idx for layer in extra_layers.layers_of(wrapped)] == [2, 3]
    assert torch.equal(logits(wrapped), before)
    stir(wrapped, 0.05)
    opened = logits(wrapped)
    assert opened.dtype == before.dtype
    assert (opened - before).abs().max() > 0.05
    extra_layers.set_strength(wrapped, 0.0)
    assert torch.equal(logits(wrapped), before)


@pytest.mark.parametrize(("quantization", "dtype"), BASES)
def test_the_loss_gives_every_number_of_a_layer_a_gradient(
    small_base: Base, quantization: Quantization, dtype: Dtype
) -> None:
    """At the start W_o alone has one, none at strength 0; from any other state all have, each of the angles too."""
    model = loading.load_model(small_base, quantization, dtype, "cpu")
    adapter = loading.Adapter(4, 8, ("qkv_proj",), GateConfig(()), 0.0, ReasoningConfig(1))
    wrapped = loading.attach(model, adapter)
    ids = torch.arange(40).reshape(2, 20) + 10
    [layer] = extra_layers.layers_of(wrapped)

    def gradients() -> dict[str, Tensor]:
        wrapped.zero_grad()
        wrapped(input_ids=ids, labels=ids).loss.backward()
        return {name: parameter.grad for name, parameter in layer.named_parameters() if parameter.grad is not None}

    assert {name for name, grad in gradients().items() if grad.any()} == {"attention.output.weight"}
    stir(wrapped, 0.05)
    found = gradients()
    assert len(found) == len(list(layer.parameters())) == 6
    for name, grad in found.items():
        assert grad.ne(0).float().mean() > (0.95 if grad.ndim and "weight" in name else 0.999), name
    with torch.no_grad():
        assert layer.alpha is not None
        layer.alpha.fill_(-1e9)
    assert not any(grad.any() for grad in gradients().values())


def test_the_scores_change_with_theta_and_with_each_view() -> None:
    """Other angles are other logits, in either sign; without its half-spin views the model computes something else."""
    model = stirred()
    before = logits_of(model)
    layer = model.model.layers[2]
    with torch.no_grad():
        layer.theta.mul_(-1)
        turned = logits_of(model)
        layer.theta.mul_(-1)
    assert (turned - before).abs().max() > 1e-2
    whole = type(layer).generators
    for view in range(3):
        layer.generators = lambda view=view: whole(layer) * (torch.arange(3) != view).view(1, 3, 1, 1)
        assert (logits_of(model) - before).abs().max() > 1e-2, view


def logits_of(model: Any, **inputs: Any) -> Tensor:
    """Logits on fixed tokens, or on others."""
    given = inputs or {"input_ids": torch.arange(40).reshape(2, 20) + 3}
    with torch.no_grad():
        found: Tensor = model(**given).logits
    return found


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_padding_on_either_side_changes_no_real_token(attention: str) -> None:
    """Logits of real tokens are the same alone, with five pads before them, and with five behind, in a batch."""
    model = stirred()
    model.set_attn_implementation(attention)
    ids = torch.arange(9)[None] + 3
    wanted = logits_of(model, input_ids=ids)
    pads, full = torch.zeros(1, 5, dtype=torch.long), torch.arange(14)[None] + 20
    for padded, real in ((torch.cat((pads, ids), 1), slice(5, None)), (torch.cat((ids, pads), 1), slice(None, 9))):
        mask = torch.stack((padded[0] != 0, torch.ones(14, dtype=torch.bool))).long()
        found = logits_of(model, input_ids=torch.cat((padded, full)), attention_mask=mask)
        assert (found[:1, real] - wanted).abs().max() < 1e-5
        assert (found[1:] - logits_of(model, input_ids=full)).abs().max() < 1e-5


def test_a_cache_gives_what_the_whole_pass_gives() -> None:
    """Token by token with slots of their own, and as transformers generates: greedy, batched, padded, every cache."""
    model = stirred()
    ids = torch.arange(24).reshape(2, 12) + 3
    cache = DynamicCache(config=model.config)
    steps = [logits_of(model, input_ids=ids[:, at : at + 1], past_key_values=cache, use_cache=True) for at in range(12)]
    assert len(cache.layers) == 4
    whole = model(input_ids=ids, output_hidden_states=True)
    assert torch.equal(whole.logits, model.lm_head(whole.hidden_states[-1])), "what PET and heads read is behind them"
    assert [tuple(layer.keys.shape) for layer in cache.layers] == [(2, 2, 12, 16)] * 2 + [(2, 2, 12, 48)] * 2
    assert (torch.cat(steps, 1) - logits_of(model, input_ids=ids)).abs().max() < 1e-5
    ids[0, :4] = 0
    given = {"input_ids": ids, "attention_mask": (ids != 0).long(), "max_new_tokens": 8, "do_sample": False}
    wanted = model.generate(**given, use_cache=False)
    assert wanted.shape == (2, 20)
    for kind in ("dynamic", "static"):
        assert torch.equal(model.generate(**given, cache_implementation=kind), wanted), kind


def test_activation_checkpointing_gives_the_same_gradients() -> None:
    """Layers recompute themselves in the backward pass as the base's own do."""
    model = stirred().train()
    ids = torch.arange(40).reshape(2, 20) + 3

    def gradients() -> list[Tensor]:
        model.zero_grad()
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        return [p.grad for layer in extra_layers.layers_of(model) for p in layer.parameters() if p.grad is not None]

    plain = gradients()
    model.activation_checkpointing_enable()
    assert all(layer.gradient_checkpointing for layer in extra_layers.layers_of(model))
    assert all(torch.equal(left, right) for left, right in zip(plain, gradients(), strict=True))


def test_a_folded_model_computes_the_same_in_the_modelling_code_alone() -> None:
    """R inside W_qkv and g inside W_o: the exported class, filled from the trained model, gives its logits."""
    model = stirred(ReasoningConfig(2, strength=0.3))
    wanted = logits_of(model)
    assert extra_layers.fold(model) == 2
    assert (logits_of(model) - wanted).abs().max() < 1e-5
    values = tiny().to_dict() | {"num_hidden_layers": 4, "reasoning_layers": 2}
    del values["model_type"]
    plain: Any = SO8ReasoningForCausalLM(SO8ReasoningConfig(**values))
    plain.load_state_dict(model.state_dict())
    assert torch.equal(logits_of(plain.eval()), logits_of(model))


def test_layers_are_saved_and_read_back(small_base: Base, tmp_path: Path) -> None:
    """The same logits to the bit; a damaged or foreign file is one clear error; a folder without layers adds none."""
    model = loading.load_model(small_base, "none", "float32", "cpu").eval()
    extra_layers.save_layers(model, tmp_path)
    assert not list(tmp_path.iterdir())
    assert extra_layers.load_layers(model, tmp_path) == []
    extra_layers.add_layers(model, ReasoningConfig(2, False, 0.7))
    stir(model, 0.1)
    extra_layers.save_layers(model, tmp_path)
    fresh = loading.load_model(small_base, "none", "float32", "cpu").eval()
    assert len(extra_layers.load_layers(fresh, tmp_path)) == 2
    assert torch.equal(logits(fresh), logits(model))
    assert json.loads((tmp_path / CONFIG_FILE).read_text("utf-8"))["strength"] == 0.7
    path = tmp_path / TENSORS_FILE
    whole = load_file(path)
    for tensors, error, words in (
        ({n: t for n, t in whole.items() if n != "1.theta"}, CorruptFileError, "1.theta is missing"),
        (whole | {"2.theta": torch.zeros(1)}, CorruptFileError, "2.theta is missing or is no part"),
        (whole | {"0.theta": torch.zeros(2, 28)}, TrainingError, "belongs to another base"),
    ):
        save_file(tensors, path)
        with pytest.raises(error, match=re.escape(words)):
            extra_layers.load_layers(loading.load_model(small_base, "none", "float32", "cpu"), tmp_path)
    path.unlink()
    with pytest.raises(CorruptFileError, match="no readable reasoning layers"):
        extra_layers.load_layers(loading.load_model(small_base, "none", "float32", "cpu"), tmp_path)


def test_bases_that_they_do_not_fit_are_refused() -> None:
    """Another architecture, and heads that are no blocks of 8."""
    llama = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1))
    with pytest.raises(TrainingError, match="this base is a llama"):
        extra_layers.add_layers(llama, ReasoningConfig(1))
    odd = Phi3ForCausalLM(tiny(hidden_size=24))
    with pytest.raises(TrainingError, match="24 features in 2 heads"):
        extra_layers.add_layers(odd, ReasoningConfig(1))
    with pytest.raises(TrainingError, match="learns how far it opens"):
        extra_layers.set_strength(stirred(), 0.5)


def lora(config: Phi3Config, rank: int) -> int:
    """Parameters of LoRA on the four Linears of every layer."""
    hidden, inner = config.hidden_size, config.intermediate_size
    return config.num_hidden_layers * rank * (2 * hidden + 4 * hidden + (hidden + 2 * inner) + (inner + hidden))


def packed(config: Phi3Config) -> int:
    """Numbers that a 4-bit base holds: two weights of a Linear to a byte, embedding, output and norms whole."""
    hidden, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    linears = layers * (4 * hidden**2 + 3 * hidden * inner)
    return linears // 2 + 2 * config.vocab_size * hidden + (2 * layers + 1) * hidden


def test_the_counts_in_the_docs_are_those_of_the_code(root: Path) -> None:
    """Each number of the section is computed here, the counting formula against real layers."""
    hidden, heads = PHI35.hidden_size, PHI35.num_attention_heads
    with torch.device("meta"):
        layer = ReasoningLayer(PHI35, 32, ReasoningConfig(1))
    one = sum(parameter.numel() for parameter in layer.parameters())
    assert one == extra_layers.count(hidden, heads, 1)
    assert extra_layers.count(hidden, heads, 4, learned=False) == 4 * (one - 1)
    small = ReasoningLayer(tiny(), 2, ReasoningConfig(1))
    assert sum(parameter.numel() for parameter in small.parameters()) == extra_layers.count(32, 2, 1)
    text = (root / "docs" / "training.md").read_text("utf-8")
    section = re.split(r"^## ", text.split("\n## Reasoning layers\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    told = [int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})+", section)]
    beside = lora(PHI35, 16)
    assert f" {28 * heads} in the heads" in section
    assert told == [
        4 * hidden**2,
        hidden,
        28 * (hidden // 8),
        one,
        4 * one,
        4 * one + beside,
        beside,
        8 * one,
        8 * one + beside,
        packed(PHI35),
    ]
