"""Base models: found, loaded, and true after an evaluation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from corpus.base.errors import CorruptFileError, InputError, TrainingError
from corpus.base.workspace import Workspace
from train.gates.gating import GateConfig
from train.models import bases, loading
from train.models.bases import Base

ADAPTER = loading.Adapter(
    4, 8, ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"), GateConfig(("o_proj", "down_proj"))
)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """The gradients of the loss on fixed tokens, in training mode."""
    ids = torch.arange(40).reshape(2, 20) + 10
    model.train()
    model.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def evaluate(model: nn.Module) -> None:
    """One pass without gradients in evaluation mode."""
    model.eval()
    with torch.no_grad():
        model(input_ids=torch.arange(20).reshape(1, 20) + 10)


def open_lora(model: nn.Module) -> None:
    """Leave LoRA's start, where half of the gradients are zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)


def test_gradients_are_the_same_before_and_after_an_evaluation(
    small_base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over NF4 an evaluation pass changes no gradient of LoRA or gates, also where bitsandbytes would repack weights.

    It would on a CPU with AVX512-BF16, so that is what it is told this one has.
    """
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
    model = loading.attach(loading.load_model(small_base, "nf4", "bfloat16", "cpu"), ADAPTER)
    open_lora(model)
    before = gradients(model)
    evaluate(model)
    after = gradients(model)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(grad.abs().max() > 0 for grad in before.values())


def test_the_base_is_in_four_bits_and_stays_as_it_was(small_base: Base) -> None:
    """NF4 with double quantisation on each Linear but the output; training an adapter changes no number of it."""
    import bitsandbytes as bnb

    base = loading.load_model(small_base, "nf4", "bfloat16", "cpu")
    four_bit = [m for m in base.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert len(four_bit) == 8
    assert all(m.weight.quant_type == "nf4" and m.weight.quant_state.nested for m in four_bit)
    model = loading.attach(base, ADAPTER)
    frozen = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    gradients(model)
    optimizer.step()
    assert all(torch.equal(p, frozen[name]) for name, p in model.named_parameters() if name in frozen)


def test_unknown_targets_are_refused_with_what_there_is(small_base: Base) -> None:
    """A target that matches no Linear of the base is an error that lists its Linears."""
    base = loading.load_model(small_base, "none", "float32", "cpu")
    with pytest.raises(TrainingError, match=r"no Linear named 'q_proj'; it has .*qkv_proj"):
        loading.attach(base, loading.Adapter(4, 8, ("q_proj",), GateConfig(())))


def test_a_missing_base_is_named_with_size_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub model that is not in the cache, or a folder that is none, is one line that says what to do; no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    workspace = Workspace(tmp_path)
    name = "AXCXEPT/Borea-Phi-3.5-mini-Instruct-Jp"
    with pytest.raises(InputError, match=rf"7\.6 GB.*hf download {name}"):
        bases.resolve(name, workspace)
    with pytest.raises(InputError, match="no base model at"):
        bases.resolve("./nowhere", workspace)
    with pytest.raises(InputError, match="no model"):
        bases.fingerprint(bases.resolve(str(tmp_path), workspace))


def test_damaged_bases_are_named(small_base: Base, tmp_path: Path) -> None:
    """Truncated weights or a broken tokenizer are one clear error; other bytes give another fingerprint."""
    folder = tmp_path / "copy"
    shutil.copytree(small_base.folder, folder)
    copy = Base("copy", folder)
    assert bases.fingerprint(copy) == bases.fingerprint(small_base)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert bases.fingerprint(copy) != bases.fingerprint(small_base)
    with pytest.raises(CorruptFileError, match="does not load"):
        loading.load_model(copy, "none", "float32", "cpu")
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorruptFileError, match="tokenizer"):
        loading.load_tokenizer(copy)
    with pytest.raises(InputError, match=r"no adapter_config\.json"):
        loading.load_adapter(loading.load_model(small_base, "none", "float32", "cpu"), folder)
