"""The adapters of an ablation: they start as the base, learn over NF4, and merge into the model that was trained."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from test_gates import logits
from test_models import gradients
from torch import nn

from corpus.base.errors import TrainingError
from train.ablate import variants
from train.ablate.config import Config, Variant
from train.gates.merge import dequantize, merge, unmerge
from train.models import loading
from train.models.bases import Base

LEARNING = get_args(Variant)[1:]


def fresh(base: Base, variant: str) -> nn.Module:
    """A variant over the base in NF4, computed in float32."""
    torch.manual_seed(1)
    return variants.attach(loading.load_model(base, "nf4", "float32", "cpu"), variant, Config(rank=4)).eval()


def move(model: nn.Module) -> None:
    """Leave the start: every trained number by a little, so that small-angle approximations still differ."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)


@pytest.mark.parametrize("variant", LEARNING)
def test_it_starts_as_the_base_learns_over_nf4_and_merges_exactly(small_base: Base, variant: str) -> None:
    """Fresh: the base's logits. Moved: each number has a gradient; merged, a plain model with the same logits."""
    plain = loading.load_model(small_base, "nf4", "float32", "cpu").eval()
    keys = loading.load_model(small_base, "none", "float32", "cpu").state_dict().keys()
    model = fresh(small_base, variant)
    assert torch.allclose(logits(model), logits(plain), atol=1e-5)
    move(model)
    found = gradients(model)
    assert found.keys() == {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert all(gradient.abs().max() > 0 for gradient in found.values())
    model.eval()
    trained = logits(model)
    assert (trained - logits(plain)).abs().max() > 0.05
    names = merge(model)
    assert len(names) == 8
    assert (logits(model) - trained).abs().max() < 1e-4
    assert model.get_base_model().state_dict().keys() == keys
    unmerge(model)
    assert torch.equal(logits(model), trained)
    dequantize(model)
    assert (logits(model) - trained).abs().max() < 1e-4
    merge(model)
    assert (logits(model) - trained).abs().max() < 1e-4


def test_the_default_of_oft_stops_being_a_rotation(small_base: Base) -> None:
    """By the exact transform each row of the merged weight keeps its length; by Neumann's series it does not."""
    change = {}
    for variant in ("oft", "oft-neumann"):
        model = fresh(small_base, variant)
        name = "model.layers.0.self_attn.o_proj"
        before = loading.load_model(small_base, "nf4", "float32", "cpu")
        dequantize(before)
        move(model)
        merge(model)
        lengths = [m.get_submodule(name).weight.norm(dim=1) for m in (before, model.get_base_model())]
        change[variant] = float((lengths[1] / lengths[0] - 1).abs().max())
    assert change["oft"] < 1e-5 < 1e-4 < change["oft-neumann"]


def test_unknown_targets_are_refused_with_what_there_is(small_base: Base) -> None:
    """With peft alone one target that matches is enough, and another is left out in silence."""
    for variant in ("lora", "oft", "road"):
        base = loading.load_model(small_base, "none", "float32", "cpu")
        with pytest.raises(TrainingError, match="no Linear named 'q_proj'; it has down_proj"):
            variants.attach(base, variant, Config(targets=("o_proj", "q_proj")))
