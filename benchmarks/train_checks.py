"""What must hold on the device that a benchmark ran on, beside its speed; each check is kept with what it measured."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.train_step import TINY, Shape, make_base, make_variant, quantized
from train.gates import gating, merge, so8

__all__ = ["CHECKS", "check"]

_SHAPE = Shape(512, 4, 8, 1024, 4096, 256)


def check(name: str, device: str) -> dict[str, Any]:
    """Run a check: `holds`, and what was measured; what it raised, where it could not run."""
    try:
        return CHECKS[name](device)
    except Exception as error:  # noqa: BLE001  whatever it is, the rest of a rented hour is not lost with it
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {"holds": None, "error": f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"[:600]}


def identity(device: str) -> dict[str, Any]:
    """Fresh gates and LoRA leave every logit of the base as it was, to the bit."""
    base = make_base(_SHAPE, device)
    ids = _ids(device)
    model = make_variant(base, "lora + gates")
    with torch.no_grad():
        same = torch.equal(base.eval()(ids).logits, model.eval()(ids).logits)
    _turn(model)
    with torch.no_grad():
        moved = float((base(ids).logits - model(ids).logits).abs().max())
    return {"holds": same and moved > 0, "equal_at_zero": same, "largest_change_when_turned": moved}


def rotations(device: str) -> dict[str, Any]:
    """Rotations of angles up to 10 are orthogonal to 5e-5 in float32, and turn lengths into themselves."""
    theta = (torch.rand(4096, so8.COORDINATES, device=device) * 2 - 1) * 10
    turned = so8.rotation(theta)
    error = float((turned.mT @ turned - torch.eye(8, device=device)).abs().max())
    exact = so8.rotation(theta.double())
    return {
        "holds": error < 5e-5,
        "largest_error": error,
        "against_float64": float((turned.double() - exact).abs().max()),
        "least_determinant": float(torch.linalg.det(exact).min()),
    }


def gradients(device: str) -> dict[str, Any]:
    """From a state that is not zero, the loss gives every LoRA and gate tensor a gradient."""
    model = make_variant(make_base(_SHAPE, device), "lora + gates")
    _turn(model)
    found = _gradients(model, device)
    dead = [name for name, gradient in found.items() if not bool(gradient.abs().max() > 0)]
    return {"holds": not dead and len(found) > 0, "tensors": len(found), "dead": dead[:5]}


def evaluation(device: str) -> dict[str, Any]:
    """Gradients over 4 bits are the same before and after an evaluation and a generation."""
    model = make_variant(quantized(make_base(_SHAPE, device)), "lora + gates")
    _turn(model)
    torch.use_deterministic_algorithms(True)
    try:
        before = _gradients(model, device)
        model.eval()
        with torch.no_grad():
            model(_ids(device))
            model.generate(input_ids=_ids(device)[:1, :8], max_new_tokens=4, do_sample=False)
        after = _gradients(model.train(), device)
    finally:
        torch.use_deterministic_algorithms(False)
    largest = max(float((before[name] - after[name]).abs().max()) for name in before)
    return {"holds": largest == 0, "largest_difference": largest, "tensors": len(before)}


def folding(device: str) -> dict[str, Any]:
    """A merged model computes what the trained one does, in float32 over whole weights and over NF4."""
    told: dict[str, Any] = {}
    for name in ("float32", "nf4"):
        base = make_base(_SHAPE, device, torch.float32)
        model = make_variant(quantized(base) if name == "nf4" else base, "lora + gates").eval()
        _turn(model)
        if name == "nf4":
            merge.dequantize(model)
        with torch.no_grad():
            trained = model(_ids(device)).logits
            merge.merge(model)
            told[name] = float((model(_ids(device)).logits - trained).abs().max())
    return {"holds": max(told.values()) <= 1e-4, "largest_difference": told}


def loop(device: str) -> dict[str, Any]:
    """The training loop itself runs on the device, lowers its loss, and gives the same bytes twice."""
    import numpy as np

    from train.checkpoint.snapshot import Group
    from train.loop.fit import Plan, fit, reproducible
    from train.packing.tokens import Blocks

    blocks = Blocks(np.tile(np.arange(3, 200, dtype="<u2"), 200), 128, 2)
    ends = []
    for _ in range(2):
        with reproducible(1, 1):
            model = make_variant(make_base(TINY, device), "lora + gates")
            named = {name: p for name, p in model.named_parameters() if p.requires_grad}
            metrics = fit(model, blocks, [Group("all", named, 1e-2)], Plan(20, 4, 2, 1), "check of the loop")
            ends.append([p.detach().cpu().clone() for p in named.values()])
    same = all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    first, last = metrics[0]["loss"], metrics[-1]["loss"]
    return {"holds": same and last < first, "same_twice": same, "loss": [first, last]}


CHECKS: dict[str, Callable[[str], dict[str, Any]]] = {
    "identity": identity,
    "rotations": rotations,
    "gradients": gradients,
    "evaluation": evaluation,
    "folding": folding,
    "loop": loop,
}


def _ids(device: str) -> torch.Tensor:
    ids = torch.randint(3, _SHAPE.vocabulary, (2, _SHAPE.tokens), generator=torch.Generator().manual_seed(3))
    return ids.to(device)


def _turn(model: Any) -> None:
    """Give LoRA's zero halves and all angles numbers that are not zero."""
    torch.manual_seed(4)
    with torch.no_grad():
        for gate in gating.gates_of(model).values():
            gate.theta.normal_(std=0.3)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)


def _gradients(model: Any, device: str) -> dict[str, torch.Tensor]:
    model.zero_grad(set_to_none=True)
    ids = _ids(device)
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found[name] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
    return found
