"""Reasoning layers: extra layers behind the base's last one, trained whole beside LoRA and gates.

    python -m train.qlora --reasoning-layers 4

A layer is the original system's, its parts made exact: rotation gate, geometric attention, alpha gate,

    h' = h + g W_o attention(W_qkv R RMSNorm(h)),        g = sigmoid(alpha), or set by a schedule,

R one rotation a block of 8 features (train.gates.so8), and the attention that of train.reasoning.modeling_so8, which
has the formula: head by head it adds the inner products of queries and keys as vectors and in both half-spin
representations, all turned by the head's own rotation as often as their positions say. A head's rotation is 28 numbers
theta, and its images are theta+ = T+ theta and theta- = T- theta of the same numbers.

W_o starts at zero, so a fresh layer is the identity to the bit however far it is open, and so is a closed one (g = 0)
with any weights. At the start W_o alone has a gradient, g times that of an open layer, and none at g = 0; after the
first step all have. Theta does not start at zero, where the views would be one and seven of its 28 directions would
cancel between them to first order: it starts in four planes with angles 1, 1/2, 1/4, 1/8 of the head's scale. The
twelve angles of the three views are then all different, 1/16 to 16/16. Scales fall from 1 to 1/10,000 radian a position
over the heads, as those of rotary embeddings do over their planes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, Phi3Config

from corpus.base.errors import CorruptFileError, TrainingError
from train.checkpoint.snapshot import Group
from train.gates import alpha, so8
from train.gates.octonions import PAIRS
from train.reasoning.files import CONFIG_FILE, TENSORS_FILE
from train.reasoning.modeling_so8 import (
    GeometricAttention,
    GeometricLayer,
    PlainReasoningLayer,
    SO8ReasoningConfig,
    SO8ReasoningForCausalLM,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = [
    "ReasoningConfig",
    "ReasoningLayer",
    "add_layers",
    "announce",
    "count",
    "fold",
    "groups",
    "layers_of",
    "load_layers",
    "opener",
    "plain_model",
    "report",
    "save_layers",
    "set_strength",
]

_GROUPS = ("reasoning", "reasoning_angles", "reasoning_alphas")
_ANGLES = ("rotation", "theta")
_SLOWEST = 10_000.0
_PLANES = {(0, 1): 1.0, (2, 3): 1 / 2, (4, 5): 1 / 4, (6, 7): 1 / 8}  # of a head's scale


@dataclass(frozen=True)
class ReasoningConfig:
    """How many layers, and whether each learns how far it opens; how far it is open at the start, or for good."""

    layers: int = 0
    learned: bool = True
    strength: float = 0.5


class ReasoningLayer(GeometricLayer):  # type: ignore[no-untyped-call]
    """One layer, as the module's docstring has it.

    Its parameters, all float32, whatever the base:
    norm.weight (hidden,), rotation (hidden / 8, 28), attention.query_key_value.weight (3 hidden, hidden), theta
    (heads, 28), attention.output.weight (hidden, hidden), alpha () where learned.
    """

    scales: Tensor

    def __init__(self, config: Phi3Config, layer_idx: int, choice: ReasoningConfig) -> None:
        super().__init__()
        hidden, heads = config.hidden_size, config.num_attention_heads
        self.norm = nn.RMSNorm(hidden, eps=config.rms_norm_eps)
        self.rotation = nn.Parameter(torch.zeros(hidden // so8.BLOCK, so8.COORDINATES))
        self.attention = GeometricAttention(config, layer_idx)
        start = [_PLANES.get(pair, 0.0) for pair in PAIRS]
        self.theta = nn.Parameter(torch.tensor(start).repeat(heads, 1))
        self.alpha = nn.Parameter(torch.tensor(alpha.logit(choice.strength))) if choice.learned else None
        self.opening = choice.strength
        self.register_buffer("scales", _SLOWEST ** (-torch.arange(heads) / heads), persistent=False)
        nn.init.normal_(self.attention.query_key_value.weight, std=config.initializer_range)
        nn.init.zeros_(self.attention.output.weight)

    def strength(self) -> float | Tensor:
        """How far the layer is open: a number, or for a learned one sigmoid(alpha), float32 ()."""
        return self.opening if self.alpha is None else torch.sigmoid(self.alpha)

    def generators(self) -> Tensor:
        """A, A+ and A- of each head, radians a position: (heads, 3, 8, 8), skew-symmetric, float32."""
        views = torch.stack((self.theta, *so8.spinors(self.theta)), dim=-2)
        return so8.generator(views) * self.scales.view(-1, 1, 1, 1)

    def turns(self) -> Tensor:
        """As they stand now."""
        return self.generators()

    def entering(self, hidden_states: Tensor) -> Tensor:
        """The norm, turned by the rotation gate."""
        return so8.turn(so8.rotation(self.rotation), super().entering(hidden_states))

    def leaving(self, mixed: Tensor) -> Tensor:
        """As much as the layer is open."""
        strength = self.strength()
        return (strength.to(mixed) if isinstance(strength, Tensor) else strength) * mixed

    @torch.no_grad()
    def folded(self) -> PlainReasoningLayer:
        """The layer that computes the same with R inside W_qkv and g inside W_o; computed in float32."""
        plain = PlainReasoningLayer(self.attention.config, self.attention.layer_idx).to(self.theta.device)
        plain.norm.weight.copy_(self.norm.weight)
        back = so8.rotation(self.rotation).mT  # a row w of W becomes w R, which is R^T w
        plain.attention.query_key_value.weight.copy_(so8.turn(back, self.attention.query_key_value.weight))
        plain.attention.output.weight.copy_(self.strength() * self.attention.output.weight)
        plain.generators.copy_(self.generators())
        return plain


def count(hidden: int, heads: int, layers: int, *, learned: bool = True) -> int:
    """Parameters of so many layers: 4 hidden^2 + hidden + 28 (hidden / 8 + heads) each, and 1 where alpha is learned.

    >>> count(64, 4, 1)
    16785
    """
    angles = so8.COORDINATES * (hidden // so8.BLOCK + heads)
    return layers * (4 * hidden**2 + hidden + angles + learned)


def add_layers(model: nn.Module, choice: ReasoningConfig) -> list[ReasoningLayer]:
    """Put fresh layers behind the last one of a model, in place; its outputs stay the same to the bit.

    The configuration counts them from now on, so that a cache has a slot for each. Raises TrainingError where the base
    is no Phi-3 or its sizes are not made of blocks of 8.
    """
    if not choice.layers:
        return []
    inner = _causal(model)
    config: Any = inner.config
    if config.model_type != "phi3":
        raise TrainingError(f"reasoning layers stand behind those of a Phi-3; this base is a {config.model_type}")
    if config.hidden_size % (so8.BLOCK * config.num_attention_heads):
        raise TrainingError(
            f"reasoning layers need heads of a multiple of {so8.BLOCK} features; this base has "
            f"{config.hidden_size} features in {config.num_attention_heads} heads"
        )
    device, there = inner.device, config.num_hidden_layers
    made = [ReasoningLayer(config, there + index, choice).to(device) for index in range(choice.layers)]
    inner.model.layers.extend(made)
    config.num_hidden_layers = there + choice.layers
    return made


def layers_of(model: nn.Module) -> list[ReasoningLayer]:
    """Every reasoning layer of a model, the first one first."""
    return [module for module in model.modules() if isinstance(module, ReasoningLayer)]


def groups(model: nn.Module, rates: tuple[float, float, float]) -> list[Group]:
    """What of them is trained: matrices and norms, angles, strengths, each with its learning rate."""
    parts: tuple[dict[str, nn.Parameter], ...] = ({}, {}, {})
    for index, layer in enumerate(layers_of(model)):
        for name, parameter in layer.named_parameters():
            part = 1 if name in _ANGLES else 2 if name == "alpha" else 0
            parts[part][f"{index}.{name}"] = parameter
    named = zip(_GROUPS, parts, rates, strict=True)
    return [Group(name, parameters, rate) for name, parameters, rate in named if parameters]


def set_strength(model: nn.Module, strength: float) -> None:
    """Open every layer so far, 0 to 1. Raises TrainingError for layers that learn their own."""
    for layer in layers_of(model):
        if layer.alpha is not None:
            raise TrainingError("a reasoning layer that learns how far it opens cannot be set by a schedule, too")
        layer.opening = strength


def opener(model: nn.Module, kind: alpha.Kind, steps: int, ends: tuple[float, float]) -> Callable[[int], None]:
    """Sets how far the layers are open for a step (from 0), where a schedule does; a function of the step alone."""

    def open_layers(step: int) -> None:
        if kind in alpha.SCHEDULES and layers_of(model):
            set_strength(model, alpha.strength_at(kind, step, steps, *ends))

    return open_layers


def announce(model: nn.Module) -> None:
    """Say on stderr how many parameters the layers have, and how many are trained in all."""
    if told := report(model):
        every = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        sys.stderr.write(
            f"{told['layers']} reasoning layers with {told['parameters']:,} parameters; {every:,} are trained in all\n"
        )


@torch.no_grad()
def report(model: nn.Module) -> dict[str, Any]:
    """Number of layers, their parameters, and how far each is open; empty without any."""
    layers = layers_of(model)
    if not layers:
        return {}
    return {
        "layers": len(layers),
        "parameters": sum(parameter.numel() for layer in layers for parameter in layer.parameters()),
        "strengths": [float(layer.strength()) for layer in layers],
    }


def save_layers(model: nn.Module, folder: Path) -> None:
    """Write reasoning.safetensors, `<number of the layer>.<parameter>`, float32, and reasoning_config.json beside it.

    Meant for the inside of a commit, as gates.save_gates is. A model without layers writes nothing.
    """
    layers = layers_of(model)
    if not layers:
        return
    tensors = {
        f"{index}.{name}": parameter.detach().float().cpu().contiguous()
        for index, layer in enumerate(layers)
        for name, parameter in layer.named_parameters()
    }
    save_file(tensors, folder / TENSORS_FILE, metadata={"format": "pt"})
    choice = ReasoningConfig(len(layers), layers[0].alpha is not None, layers[0].opening)
    text = json.dumps(asdict(choice), indent=2, sort_keys=True) + "\n"
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")


def load_layers(model: nn.Module, folder: Path) -> list[ReasoningLayer]:
    """Put the layers of a folder onto a model that has none; none where the folder holds none.

    Raises CorruptFileError where one of the two files is missing or unreadable, TrainingError for another base.
    """
    tensors_file, config_file = folder / TENSORS_FILE, folder / CONFIG_FILE
    if not tensors_file.exists() and not config_file.exists():
        return []
    try:
        tensors = load_file(tensors_file)
        choice = _choice(json.loads(config_file.read_text(encoding="utf-8")))
        layers = add_layers(model, choice)
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise CorruptFileError(f"{tensors_file}: no readable reasoning layers with their config ({error})") from error
    places = {f"{index}.{n}": p for index, layer in enumerate(layers) for n, p in layer.named_parameters()}
    if odd := sorted(tensors.keys() ^ places.keys()):
        raise CorruptFileError(f"{tensors_file}: {odd[0]} is missing or is no part of a reasoning layer")
    for name, parameter in places.items():
        if parameter.shape != tensors[name].shape:
            shapes = f"{tuple(tensors[name].shape)} in the file, {tuple(parameter.shape)} in the model"
            raise TrainingError(f"{tensors_file}: {name} is {shapes}; it belongs to another base")
        with torch.no_grad():
            parameter.copy_(tensors[name])
    return layers


def _choice(told: Any) -> ReasoningConfig:
    """What reasoning_config.json says. Raises KeyError, TypeError, ValueError."""
    layers, learned, strength = told["layers"], told["learned"], told["strength"]
    if not isinstance(layers, int) or layers < 1 or not isinstance(learned, bool) or not 0 <= strength <= 1:
        raise ValueError("layers must be a number above 0, learned true or false, strength from 0 to 1")
    return ReasoningConfig(layers, learned, strength)


def fold(model: nn.Module) -> int:
    """Put folded layers in the place of trained ones; how many. Then the model needs modeling_so8 alone."""
    inner = _causal(model)
    layers: Any = inner.model.layers
    found = [index for index, layer in enumerate(layers) if isinstance(layer, ReasoningLayer)]
    for index in found:
        layers[index] = layers[index].folded()
    return len(found)


def plain_model(base: Path, layers: int) -> SO8ReasoningForCausalLM:
    """An export without its weights: the base's configuration with so many layers more, on the device in context.

    Its save_pretrained puts modeling_so8.py beside the weights and names it in config.json (auto_map).
    """
    values = AutoConfig.from_pretrained(base, local_files_only=True).to_dict()
    del values["model_type"]
    values.pop("quantization_config", None)
    total = values.pop("num_hidden_layers") + layers
    SO8ReasoningConfig.register_for_auto_class("AutoConfig")  # type: ignore[no-untyped-call]
    SO8ReasoningForCausalLM.register_for_auto_class("AutoModelForCausalLM")  # type: ignore[no-untyped-call]
    return SO8ReasoningForCausalLM(SO8ReasoningConfig(**values, num_hidden_layers=total, reasoning_layers=layers))


def _causal(model: Any) -> PreTrainedModel:
    """The base inside whatever peft has wrapped around it."""
    found: PreTrainedModel = model.get_base_model() if hasattr(model, "get_base_model") else model
    return found
