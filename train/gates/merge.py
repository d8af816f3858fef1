"""Merging: each Linear with an adapter, with a gate or in 4 bits becomes one plain Linear that computes the same.

W' = M (W + sum of LoRA's deltas), b' = M b, computed in float32 and cast once. Of another adapter of peft (OFT, RoAd)
W' is what it answers to the unit vectors. A 4-bit weight is dequantised for it and
never quantised again: on the same 4-bit grid a small rotation is erased, and LoRA merged into NF4 is a worse model than
the one that was trained. `unmerge` puts the former modules back, so it is exact to the bit over any
base, which subtracting deltas is not; the price is memory for both while a model is merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from train.gates import so8
from train.gates.gating import gate_on, hang, plain_name

__all__ = ["Merged", "dequantize", "merge", "unmerge"]


class Merged(nn.Linear):
    """A plain Linear that remembers, outside of its state, the module it stands for."""

    former: nn.Module

    def __init__(self, weight: Tensor, bias: Tensor | None, former: nn.Module) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias is not None, device="meta")
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)  # type: ignore[assignment]
        self.__dict__["former"] = former


@torch.no_grad()
def merge(model: nn.Module) -> list[str]:
    """Merge in place; the paths of the Linears that were merged, none where all of them are already.

    Raises TrainingError, and leaves the model as it was, where a merged weight is not finite or a 4-bit weight was
    repacked by an evaluation (models.keep_4bit_weights_unpacked prevents that).
    """
    merged = []
    try:
        for name, module in list(_to_merge(model)):
            _replace(model, name, _merged(name, module))
            merged.append(plain_name(name))
    except TrainingError:
        unmerge(model)
        raise
    return merged


def unmerge(model: nn.Module) -> list[str]:
    """Put the former modules back in place; the paths of those Linears."""
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, Merged)]
    for name, module in found:
        _replace(model, name, module.former)
    return [plain_name(name) for name, _ in found]


@torch.no_grad()
def dequantize(model: nn.Module) -> nn.Module:
    """Hold every weight in float32, in place, 4-bit ones dequantised; LoRA and gates stay apart. The model again.

    It is the same model without rounding between its layers: what a merged one is to be compared with. Raises
    TrainingError where an evaluation repacked a 4-bit weight.
    """
    for name, module in list(model.named_modules()):
        if _is_4bit(module) and not _is_adapter(module):  # a wrapper shows the weight of what it wraps
            whole = _whole(name, module)
            if (gate := gate_on(module)) is not None:
                hang(gate, whole)
            _replace(model, name, whole)
    return nn.Module.float(model)  # transformers has a float of its own, which refuses what was loaded in 4 bits


def _to_merge(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules that are more than a plain Linear."""
    inside = ""
    for name, module in model.named_modules():
        if inside and name.startswith(inside):
            continue
        if _is_adapter(module) or gate_on(module) is not None or _is_4bit(module):
            inside = f"{name}."
            yield name, module


def _merged(name: str, module: nn.Module) -> Merged:
    base: Any = module.get_base_layer() if _is_adapter(module) else module  # type: ignore[operator]
    weight, kind = _weight(name, base)
    if _is_lora(module):
        layer: Any = module
        waiting = () if layer.disable_adapters else set(layer.active_adapters) - set(layer.merged_adapters)
        for adapter in sorted(waiting):
            weight = weight + layer.get_delta_weight(adapter).float()
    bias = None if base.bias is None else base.bias.float()
    if _is_adapter(module) and not _is_lora(module):
        weight, bias = _probed(name, module)
    if (gate := gate_on(module)) is not None and gate.enabled:
        weight, bias = so8.fold(gate.matrix(), weight, bias)
    if not torch.isfinite(weight).all() or (bias is not None and not torch.isfinite(bias).all()):
        raise TrainingError(f"{plain_name(name)}: merged weights that are no numbers; nothing was merged")
    return Merged(weight.to(kind), None if bias is None else bias.to(kind), module)


def _probed(name: str, layer: Any) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of what an adapter and its base compute, in float32: its answers to the unit vectors and to 0."""
    base, training = layer.base_layer, layer.training
    whole = _whole(name, layer.get_base_layer())
    try:
        layer.base_layer = whole
        layer.eval()
        constant: Tensor = layer.forward(torch.zeros(1, whole.in_features, device=whole.weight.device))
        answers: Tensor = layer.forward(torch.eye(whole.in_features, device=whole.weight.device))  # no hook: no gate
    finally:
        layer.base_layer = base
        layer.train(training)
    return (answers - constant).T.contiguous(), None if whole.bias is None else constant[0]


def _whole(name: str, base: Any) -> nn.Linear:
    """A plain Linear in float32 of the numbers that a base layer holds."""
    weight, _ = _weight(name, base)
    whole = nn.Linear(weight.shape[1], weight.shape[0], base.bias is not None, device="meta")
    whole.weight = nn.Parameter(weight, requires_grad=False)
    if base.bias is not None:
        whole.bias = nn.Parameter(base.bias.float(), requires_grad=False)
    return whole


def _weight(name: str, base: Any) -> tuple[Tensor, torch.dtype]:
    """The weight of a base layer in float32, and the dtype that a merged one gets."""
    if not _is_4bit(base):
        return base.weight.float(), base.weight.dtype
    from bitsandbytes.functional import dequantize_4bit

    state = base.weight.quant_state
    if getattr(state, "packing_format_for_cpu", False):
        raise TrainingError(
            f"{plain_name(name)}: an evaluation repacked the 4-bit weight, which cannot be merged any more; "
            "load the model again with train.models.loading.load_model"
        )
    return dequantize_4bit(base.weight.data, state).float(), state.dtype


def _is_adapter(module: nn.Module) -> bool:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return isinstance(module, BaseTunerLayer)


def _is_lora(module: nn.Module) -> bool:
    from peft.tuners.lora import LoraLayer

    return isinstance(module, LoraLayer)


def _is_4bit(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return getattr(weight, "quant_state", None) is not None


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)
