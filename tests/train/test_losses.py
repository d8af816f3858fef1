"""The penalty on hidden states that jump: exact, masked, in three phases, and really trained by."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from test_gates import ADAPTER, turn_gates
from test_models import open_lora

from corpus.base.workspace import Workspace
from train.loop.losses import pet_weight, second_difference, triples
from train.models import loading
from train.models.bases import Base
from train.qlora import training

END = 1


def masked(ids: list[int], padding: int = 0) -> torch.Tensor:
    """`triples` of one block whose last so many positions are padding."""
    row = torch.tensor([ids])
    labels = row.clone()
    if padding:
        labels[:, -padding:] = -100
    return triples(row, labels, END)


def test_a_triple_counts_inside_one_document_only() -> None:
    """Borders between documents and padding count for nothing; a document's end belongs to it."""
    assert masked([5, 6, 7, 8]).tolist() == [[True, True]]
    assert masked([5, 6, END, 7, 8, 9]).tolist() == [[True, False, False, True]]
    assert masked([5, 6, 7, END, END, END], padding=2).tolist() == [[True, True, False, False]]
    assert not masked([END, END, END, END]).any()


def test_the_penalty_has_its_known_value_and_the_masked_has_no_part_in_it() -> None:
    """A line costs nothing, a parabola its curvature; what is not counted changes nothing and gets no gradient."""
    line = torch.arange(6.0).reshape(1, 6, 1).repeat(1, 1, 3)
    every = torch.ones(1, 4, dtype=torch.bool)
    assert second_difference(line, every) == 0
    assert second_difference(3 * line**2, every) == 36.0
    assert second_difference((3 * line**2).bfloat16(), every).dtype == torch.float32
    counted = masked([5, 6, 7, END, 9, 9])
    assert counted.tolist() == [[True, True, False, False]]
    hidden = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    value = second_difference(hidden, counted)
    value.backward()  # type: ignore[no-untyped-call]
    assert hidden.grad is not None
    assert not hidden.grad[:, 4:].any()
    assert bool((hidden.grad[:, :4].abs().amax(-1) > 0).all())
    jumped = hidden.detach().clone()
    jumped[:, 4:] += 1000
    assert second_difference(jumped, counted) == value
    assert second_difference(hidden, torch.zeros_like(counted)) == 0


@pytest.mark.parametrize("steps", [5, 10, 60, 500])
def test_the_phases_take_20_40_and_40_per_cent(steps: int) -> None:
    """Exactly, and in this order."""
    weights = [pet_weight(step, steps, (0.01, 0.05, 0.1)) for step in range(steps)]
    assert Counter(weights) == {0.01: steps // 5, 0.05: 2 * steps // 5, 0.1: 2 * steps // 5}
    assert weights == sorted(weights)


def test_the_penalty_alone_gives_lora_and_gates_a_gradient(small_base: Base) -> None:
    """It is no loss that is zero by construction: everything that is trained feels it."""
    model = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER)
    open_lora(model)
    turn_gates(model)
    ids = torch.arange(40).reshape(2, 20) + 10
    hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[-1]
    second_difference(hidden, triples(ids, ids, END)).backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_a_run_is_trained_by_it_and_says_so(make_workspace: Callable[[str], Workspace], small_base: Base) -> None:
    """Value and weight of each step stand in the metrics; a heavy weight brings the value down; off, there is none."""
    workspace = make_workspace("w")
    words = ["--data", str(workspace.root), "--base", str(small_base.folder), "--steps", "5", "--block", "32"]
    words += ["--batch", "1", "--held-out-blocks", "1", "--sample-tokens", "1", "--quantization", "none"]
    found = {}
    for name, more in (("off", []), ("usual", ["--pet", "0.01,0.05,0.1"]), ("heavy", ["--pet", "50,50,50"])):
        assert training.main([*words, "--run", name, *more]) == 0
        folder = workspace.path("models", name)
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        found[name] = lines, hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()
    assert not any("pet" in line for line in found["off"][0])
    usual, heavy = found["usual"][0], found["heavy"][0]
    assert [line["pet_weight"] for line in usual] == [0.01, 0.05, 0.05, 0.1, 0.1]
    assert usual[0]["pet"] == heavy[0]["pet"] > 0
    assert usual[0]["loss"] == found["off"][0][0]["loss"]  # the language model's alone
    assert heavy[-1]["pet"] < 0.9 * usual[-1]["pet"]
    assert len({digest for _, digest in found.values()}) == 3
