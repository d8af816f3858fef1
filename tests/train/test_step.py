"""One step: parts of a batch add up to the batch, and every objective has its part in it and in the metrics."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from test_gates import ADAPTER, turn_gates
from test_models import open_lora
from torch import Tensor, nn
from train_samples import random_base

from train.checkpoint.snapshot import Group, Standing
from train.loop import fit
from train.loop.objective import Batch, LanguageModel
from train.loop.schedule import Curve, factor
from train.loop.step import Plan, Stepper
from train.models import loading
from train.models.bases import Base
from train.packing.tokens import Blocks

LENGTH = 16


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """A small model with LoRA and gates that are open, float32; its weights are to be left as they are."""
    made = loading.attach(random_base(), ADAPTER)
    open_lora(made)
    turn_gates(made)
    return made.train()


def blocks(tokens: int) -> Blocks:
    """Tokens in documents of nine; the last block is padded."""
    stream = np.random.default_rng(1).integers(10, 200, tokens).astype("<u2")
    stream[8::9] = 1
    return Blocks(stream, LENGTH, 1)


def stepper(model: nn.Module, plan: Plan, data: Blocks) -> Stepper:
    """A stepper over everything of a model that is trained."""
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(list(trained.values()))
    return Stepper(model, data, [Group("all", trained, 1e-3)], optimizer, plan)


def gradients(model: nn.Module, plan: Plan, data: Blocks) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What the first step's backward passes give and tell."""
    model.zero_grad()
    one = stepper(model, plan, data)
    told = one._backward(list(one._batches(0)), 0)
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found, told


@pytest.mark.parametrize("parts", [2, 8])
def test_parts_of_a_batch_weigh_as_much_as_they_predict(model: nn.Module, parts: int) -> None:
    """1 x 8 and 4 x 2 give the gradient of 8 x 1, though one block has three tokens and the others sixteen."""
    data = blocks(7 * LENGTH + 3)
    objective = LanguageModel(1, (0.5, 0.5, 0.5))
    whole = Plan(1, 8, 0, 1, objectives=[objective])
    wanted, wanted_told = gradients(model, whole, data)
    found, told = gradients(model, replace(whole, batch=8 // parts, accumulate=parts), data)
    assert told == pytest.approx(wanted_told, rel=1e-5)
    assert wanted.keys() == found.keys()
    for name, gradient in wanted.items():
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-4 * float(gradient.abs().max()))


class Reach:
    """An objective with a parameter and examples of its own, of which every second part has none."""

    def __init__(self) -> None:
        self.place = nn.Parameter(torch.zeros(()))

    def counts(self, batch: Batch, step: int) -> Mapping[str, int]:
        return {"reach": 3 if batch.part % 2 else 0, "never": 0 * step}

    def weights(self, step: int) -> Mapping[str, float]:
        return {"reach": 0.25, "never": 1.0 + step}

    def __call__(self, model: nn.Module, batch: Batch, step: int) -> Mapping[str, Tensor]:
        del model, batch, step
        return {"reach": (self.place - 1).square(), "never": self.place * float("nan")}


def test_a_further_objective_is_descended_and_told_of(model: nn.Module) -> None:
    """It moves its own group; its value and weight stand in the metrics; what is a mean over nothing stays out."""
    reach = Reach()
    plan = Plan(3, 1, 0, 1, 2, [LanguageModel(), reach])
    metrics = fit.fit(model, blocks(160), [Group("reach", {"place": reach.place}, 0.1)], plan, "test")
    assert metrics[0]["reach"] == 1.0
    assert metrics[0]["grad_norm"] == 0.5  # 0.25 * 2 * (1 - 0), over the one part that has examples
    assert [line["reach_weight"] for line in metrics] == [0.25] * 3
    assert metrics[2]["reach"] < metrics[1]["reach"] < 1
    assert not any("never" in line for line in metrics)


def test_a_part_moves_the_standing_by_what_the_whole_step_holds(model: nn.Module) -> None:
    """Tokens and cursor count all parts."""
    place = nn.Parameter(torch.zeros(()))
    one = Stepper(
        model, blocks(160), [Group("none", {"p": place}, 0.1)], torch.optim.AdamW([place]), Plan(2, 2, 0, 1, 3)
    )
    at = Standing()
    one.take(at)
    assert at.seen == 6 * LENGTH
    assert one.cursor(at.step).as_json()["position_in_epoch"] == 6


def kept_bytes(model: nn.Module) -> int:
    """Bytes that a forward pass keeps for the backward one, each storage once."""
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    ids = torch.arange(40).reshape(2, 20) + 10
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(input_ids=ids, labels=ids)
    return sum(found.values())


@pytest.mark.parametrize(("quantization", "dtype"), [("none", "float32"), ("nf4", "bfloat16")])
def test_activations_computed_twice_give_the_same_gradients(
    tmp_path: Path, quantization: loading.Quantization, dtype: loading.Dtype
) -> None:
    """With LoRA, dropout and gate hooks, whole and in 4 bits: the same to the bit, and less is kept in memory."""
    random_base().save_pretrained(tmp_path)
    made = loading.load_model(Base("random", tmp_path), quantization, dtype, "cpu")
    model = loading.attach(made, replace(ADAPTER, dropout=0.2)).train()
    open_lora(model)
    turn_gates(model)
    plan = Plan(1, 2, 0, 1, 2)
    found = []
    for switch in (made.activation_checkpointing_disable, made.activation_checkpointing_enable):
        switch()
        torch.manual_seed(3)
        found.append((gradients(model, plan, blocks(160)), kept_bytes(model)))
    ((wanted, told), plain), ((same, told_again), spared) = found
    assert told == told_again
    assert all(torch.equal(same[name], gradient) for name, gradient in wanted.items())
    assert spared < 0.7 * plain


def test_float16_scales_its_loss_and_lets_an_overflow_pass() -> None:
    """The master weights are float32 and move; a scale that overflows moves nothing, halves, and is saved."""
    model = loading.attach(random_base().half(), ADAPTER).train()
    plan = Plan(4, 1, 0, 1, loss_scale=2.0**8)
    one = stepper(model, plan, blocks(160))
    every = list(one.groups[0].parameters.values())
    assert {parameter.dtype for parameter in every} == {torch.float32}
    at = Standing()
    for _ in range(4):
        one.take(at)
    assert all(line["loss_scale"] == 2.0**8 and line["grad_norm"] > 0 for line in at.metrics)
    assert at.metrics[3]["loss"] != at.metrics[0]["loss"]
    before = [parameter.detach().clone() for parameter in every]
    one.restore({"loss_scaler": one.scaler.state_dict() | {"scale": 2.0**60}})
    at.step = 0
    one.take(at)
    assert at.metrics[-1]["skipped"] == 1
    assert "grad_norm" not in at.metrics[-1]
    assert all(torch.equal(old, new) for old, new in zip(before, every, strict=True))
    assert one.state()["loss_scaler"]["scale"] == 2.0**59
    assert Stepper(model, one.blocks, one.groups, one.optimizer, Plan(1, 1, 0, 1)).state() == {}


def test_the_norm_of_the_gradient_is_clipped_where_asked(model: nn.Module) -> None:
    """What the optimiser gets is no longer than that; with 0 it is what the backward pass gave."""
    model.zero_grad()
    seen = []
    for clip in (0.25, 0.0):
        one = stepper(model, Plan(1, 1, 0, 1, clip=clip), blocks(160))
        one.optimizer.step = lambda one=one: seen.append(length(one))  # type: ignore[method-assign,misc]
        at = Standing()
        one.take(at)
        seen.append(at.metrics[0]["grad_norm"])
    assert seen[0] == pytest.approx(0.25, rel=1e-4)
    assert seen[1] == seen[3] == pytest.approx(seen[2], rel=1e-5)
    assert seen[1] > 0.5


def length(one: Stepper) -> float:
    """The norm of what the optimiser is about to use."""
    grads = [p.grad.norm() for p in one.groups[0].parameters.values() if p.grad is not None]
    return float(torch.stack(grads).norm())


@pytest.mark.parametrize("curve", ["cosine", "linear"])
def test_the_rate_warms_up_and_falls_to_its_end(curve: Curve) -> None:
    """From a tenth of it over all of it to the share that was asked for, without a jump."""
    rates = [factor(curve, step, 110, 10, 0.2) for step in range(111)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert rates[9] == rates[10] == 1
    assert rates[60] == pytest.approx(0.6)
    assert rates[110] == pytest.approx(0.2)
    assert all(0 <= high - low < 0.02 for high, low in pairwise(rates[10:]))
    assert factor("constant", 100, 110, 10, 0.2) == 1


def test_all_generators_begin_with_the_seed_and_are_given_back() -> None:
    """What Python, NumPy and torch draw in a run depends on its seed alone, and nothing outside is disturbed."""

    def drawn(seed: int) -> tuple[float, float, float]:
        with fit.reproducible(seed, 1):
            return random.random(), np.random.random(), torch.rand(1).item()

    found = []
    for before in (1, 2):
        random.seed(before)
        np.random.seed(before)
        states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        found.append(drawn(7))
        assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert found[0] == found[1]
    assert all(one != other for one, other in zip(found[0], drawn(8), strict=True))
