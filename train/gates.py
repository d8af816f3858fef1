"""SO(8) gates on the outputs of chosen Linears: y' = R (W x + b), one rotation a block of 8 output features.

A gate is a small module that hangs below the Linear it turns (`...o_proj.so8_gate`) and acts through a forward hook,
so it works the same over a plain Linear, a 4-bit one and one that peft has wrapped with LoRA: whatever the layer
computes, base and adapter together, is turned (so add LoRA first, then gates). Its 28 numbers a block are part of the
model's state, start at zero (the gate is then exactly the identity, and the loss has a non-zero gradient there) and
fold into the weight without loss.

The gate turns the output; peft's OFT turns the input (y = W R x). Exact rotations need no orthogonality penalty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from corpus.base.errors import CorruptFileError, TrainingError
from train import so8

__all__ = ["GATES_FILE", "Gate", "add_gates", "gates_of", "load_gates", "plain_name", "save_gates"]

GATES_FILE = "gates.safetensors"
_CHILD = "so8_gate"
_SUFFIX = ".theta"
_LAYER = re.compile(r"\.layers\.(\d+)\.")


class Gate(nn.Module):
    """The rotation of `features` outputs: theta (features / 8, 28), float32, zero at the start."""

    def __init__(self, features: int, device: torch.device | None = None) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(features // so8.BLOCK, so8.COORDINATES, device=device))

    def forward(self, features: Tensor) -> Tensor:
        """Turn (..., features); dtype of the result is that of the features."""
        return so8.turn(so8.rotation(self.theta), features)


def plain_name(name: str) -> str:
    """A module's path in the base model, whatever peft has wrapped around it.

    >>> plain_name("base_model.model.model.layers.0.mlp.down_proj")
    'model.layers.0.mlp.down_proj'
    """
    return name.removeprefix("base_model.model.")


def add_gates(model: nn.Module, targets: Sequence[str], layers: Sequence[int] = ()) -> dict[str, Gate]:
    """Hang a gate on every Linear whose name ends in one of `targets`, in the chosen layers or, for none, in all.

    Returns the gates by the Linear's path in the base model. Raises TrainingError where a target matches no module,
    a layer has none, a Linear's output is no multiple of 8, or a gate is there already.
    """
    chosen: dict[str, nn.Module] = {}
    for target in targets:
        found = {name: module for name, module in _linears(model, target) if not layers or _layer(name) in layers}
        if not found:
            raise TrainingError(f"no Linear named {target!r} for a gate; check --gate-targets and --gate-layers")
        chosen |= found
    if targets and (absent := sorted(set(layers) - {_layer(name) for name in chosen})):
        raise TrainingError(f"no layer {absent[0]} with a Linear for a gate; check --gate-layers")
    return {plain_name(name): _attach(name, module) for name, module in chosen.items()}


def gates_of(model: nn.Module) -> dict[str, Gate]:
    """Every gate of a model, by the path of its Linear in the base model."""
    return {
        plain_name(name.removesuffix(f".{_CHILD}")): module
        for name, module in model.named_modules()
        if isinstance(module, Gate)
    }


def save_gates(model: nn.Module, path: Path) -> None:
    """Write the coordinates of all gates as safetensors: `<path of the Linear>.theta`, float32 (blocks, 28).

    Meant for the inside of a commit: `path` lies in the temporary folder that corpus.base.commit renames.
    """
    gates = sorted(gates_of(model).items())
    tensors = {name + _SUFFIX: gate.theta.detach().float().cpu() for name, gate in gates}
    save_file(tensors, path, metadata={"format": "pt"})  # one entry only: safetensors writes more in random order


def load_gates(model: nn.Module, path: Path) -> dict[str, Gate]:
    """Hang the gates of a file onto a model that has none and give them the saved coordinates.

    Raises CorruptFileError where the file is no safetensors of gates, TrainingError where the model does not fit.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CorruptFileError(f"{path}: no readable safetensors file ({error}); train it again") from error
    modules = {plain_name(name): module for name, module in model.named_modules()}
    gates: dict[str, Gate] = {}
    for key, theta in sorted(tensors.items()):
        name = key.removesuffix(_SUFFIX)
        if name == key or theta.shape[1:] != (so8.COORDINATES,):
            raise CorruptFileError(f"{path}: {key} of shape {tuple(theta.shape)} is no gate; train it again")
        if name not in modules:
            raise TrainingError(f"{path}: the base has no {name}; load it onto the model it was trained with")
        gates[name] = _attach(name, modules[name])
        _copy(gates[name], theta, key)
    return gates


def _copy(gate: Gate, theta: Tensor, key: str) -> None:
    here, there = gate.theta.shape[0], theta.shape[0]
    if here != there:
        raise TrainingError(f"{key}: {there} blocks in the file, {here} in the model; it belongs to another base")
    with torch.no_grad():
        gate.theta.copy_(theta)


def _linears(model: nn.Module, target: str) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == target and isinstance(getattr(module, "out_features", None), int):
            yield name, module


def _layer(name: str) -> int | None:
    match = _LAYER.search(name)
    return int(match[1]) if match else None


def _attach(name: str, module: nn.Module) -> Gate:
    features: int = module.out_features  # type: ignore[assignment]  # nn.Module types any attribute as a tensor
    if features % so8.BLOCK:
        raise TrainingError(f"{name}: {features} outputs are no multiple of {so8.BLOCK}; no gate fits there")
    if hasattr(module, _CHILD):
        raise TrainingError(f"{name} has an SO(8) gate already")
    gate = Gate(features, next(module.parameters()).device)
    module.add_module(_CHILD, gate)
    module.register_forward_hook(_turn)
    return gate


def _turn(module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    gate = module.get_submodule(_CHILD)
    turned: Tensor = gate(output)
    return turned
