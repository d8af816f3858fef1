"""How far gates are open: schedules and learned strengths."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_gates import ADAPTER, logits, turn_gates

from corpus.base.errors import TrainingError
from corpus.base.workspace import Workspace
from train.checkpoint import store
from train.gates import gating
from train.gates.alpha import GOLDEN, SCHEDULES, Kind, strength_at
from train.gates.gating import GateConfig
from train.models import loading
from train.models.bases import Base
from train.qlora import training
from train.qlora.config import Config


@given(st.sampled_from(SCHEDULES), st.integers(2, 500), st.floats(0, 1), st.floats(0, 1))
def test_a_schedule_meets_its_ends_exactly_and_never_leaves_them(
    kind: Kind, steps: int, start: float, end: float
) -> None:
    """The first step is at the start, the last and any later at the end, to the bit; in between it is monotone."""
    values = [strength_at(kind, step, steps, start, end) for step in range(steps + 2)]
    assert values[0] == start
    assert values[steps - 1] == values[steps] == values[steps + 1] == end
    low, high = min(start, end), max(start, end)
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in values)
    ordered = sorted(values, reverse=start > end)
    assert all(abs(a - b) < 1e-12 for a, b in zip(values, ordered, strict=True))


def test_the_curves_are_what_their_names_say() -> None:
    """At a quarter: linear 1/4, cosine (1 - cos pi/4)/2, the logistic curve near its foot; golden ends at phi^-2."""
    quarter = {kind: strength_at(kind, 25, 101, 0.0, 1.0) for kind in SCHEDULES}
    assert quarter["linear"] == 0.25
    assert quarter["cosine"] == pytest.approx(0.1464466)
    assert quarter["sigmoid"] == pytest.approx((0.0758582 - 0.0066929) / (1 - 2 * 0.0066929), abs=1e-6)
    assert pytest.approx(0.381966, abs=1e-6) == GOLDEN
    assert Config(gate_alpha="golden").alpha_ends() == (0.0, GOLDEN)


def test_a_learned_opening_gets_a_gradient_once_the_gate_turns(small_base: Base) -> None:
    """At theta = 0 alpha has none, as it must; with angles it has, and so has theta; a schedule may not touch it."""
    config = GateConfig(("o_proj",), learned=True, strength=0.5)
    model = loading.attach(
        loading.load_model(small_base, "none", "float32", "cpu"), loading.Adapter(4, 8, ("o_proj",), config)
    )
    ids = torch.arange(40).reshape(2, 20) + 10
    for angles, moved in ((False, False), (True, True)):
        if angles:
            turn_gates(model)
        model.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        for gate in gating.gates_of(model).values():
            assert gate.alpha is not None
            assert gate.alpha.grad is not None
            assert bool(gate.alpha.grad != 0) is moved
            assert gate.theta.grad is not None
            assert gate.theta.grad.abs().max() > 0
    with pytest.raises(TrainingError, match="learns how far it opens"):
        gating.set_strength(model, 0.3)


def test_starts_that_are_dead_or_nearly(small_base: Base) -> None:
    """Theta's first gradient is g times that of an open gate: 74.7 times less for the original's -5 than for 0."""
    found = {}
    ids = torch.arange(40).reshape(2, 20) + 10
    for start in (0.0, 1 / (1 + math.exp(5)), 0.5, 1.0):
        model = loading.load_model(small_base, "none", "float32", "cpu")
        gating.add_gates(model, GateConfig(("o_proj",), strength=start))
        model(input_ids=ids, labels=ids).loss.backward()
        found[start] = torch.cat([gate.theta.grad for gate in gating.gates_of(model).values()])  # type: ignore[misc]
    closed, nearly, half, whole = found.values()
    assert not closed.any()
    assert torch.allclose(half, whole / 2, rtol=1e-4, atol=1e-9)
    assert float(half.norm() / nearly.norm()) == pytest.approx(74.71, abs=0.01)


def test_strengths_are_learned_at_their_own_rate(make_workspace: Callable[[str], Workspace], small_base: Base) -> None:
    """A run moves alpha by its own learning rate, saves it, and a checkpoint holds it in a part of its own."""
    workspace = make_workspace("w")
    words = ["--steps", "3", "--warmup", "0", "--block", "32", "--batch", "1", "--held-out-blocks", "1"]
    alphas = ["--gate-alpha", "learned", "--gate-alpha-lr", "0.25", "--sample-tokens", "1", "--gate-targets", "o_proj"]
    assert training.main(["--data", str(workspace.root), "--base", str(small_base.folder), *words, *alphas]) == 0
    folder = workspace.path("models", "qlora")
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["config"]["gate_alpha_lr"] == 0.25
    low, high = metadata["gates"]["strengths"]
    assert max(abs(low - 0.5), abs(high - 0.5)) > 0.03  # AdamW: about one rate a step, from the second step on
    _, snapshot = store.load(next(folder.joinpath("checkpoints").iterdir()))
    assert set(snapshot.parts) == {"lora", "gates", "alphas", "optimizer", "random"}
    assert len(snapshot.parts["alphas"]) == 2


def test_strength_opens_gates_between_the_base_and_all_the_way(small_base: Base) -> None:
    """At 0 and with gates disabled the logits are the base's to the bit; what no_grad keeps is renewed on a change."""
    base = loading.load_model(small_base, "none", "float32", "cpu").eval()
    before = logits(base)
    model = loading.attach(base, ADAPTER).eval()
    turn_gates(model)
    whole = logits(model)
    gating.set_strength(model, 0.0)
    assert torch.equal(logits(model), before)
    gating.set_strength(model, 0.5)
    half = logits(model)
    assert 0 < (half - before).abs().max() < (whole - before).abs().max() * 1.5
    gating.set_strength(model, 1.0)
    assert torch.equal(logits(model), whole)
    with gating.disabled(model):
        assert torch.equal(logits(model), before)
    assert torch.equal(logits(model), whole)
    turn_gates(model, 0.1)
    assert not torch.equal(logits(model), whole)
