"""SO(8) gates on the outputs of chosen Linears: y' = R (W x + b), one rotation a block of 8 output features.

A gate is a small module that hangs below the Linear it turns (`...o_proj.so8_gate`) and acts through a forward hook,
so it works the same over a plain Linear, a 4-bit one and one that peft has wrapped with LoRA: whatever the layer
computes, base and adapter together, is turned (so add LoRA first, then gates). Its 28 numbers a block are part of the
model's state, start at zero (the gate is then exactly the identity, and the loss has a non-zero gradient there) and
fold into the weight without loss (train.gates.merge).

While a model runs with gradients, the rotations of all its gates are made at once, in one batch, before its first
layer: a GPU would otherwise wait for hundreds of tiny programs.

The gate turns the output; peft's OFT turns the input (y = W R x). Exact rotations need no orthogonality penalty.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from corpus.base.errors import CorruptFileError, TrainingError
from train.gates import alpha, so8

__all__ = [
    "CHILD",
    "CONFIG_FILE",
    "GATES_FILE",
    "Gate",
    "GateConfig",
    "add_gates",
    "disabled",
    "gate_on",
    "gates_of",
    "hang",
    "load_gates",
    "plain_name",
    "save_gates",
    "scatter",
    "set_strength",
]

GATES_FILE = "gates.safetensors"
CONFIG_FILE = "gates_config.json"
CHILD = "so8_gate"
_TOGETHER = "so8_gates_together"  # on the model whose pass makes the rotations of all its gates
_LAYER = re.compile(r"\.layers\.(\d+)\.")


@dataclass(frozen=True)
class GateConfig:
    """Where gates hang (names of Linears; layers, none: all) and what they do.

    `method`: exp or cayley. `form`: geodesic turns by strength * A and is a rotation at any strength; linear blends,
    (1-g) I + g R, and is none (train.gates.so8.blend says what it loses). `strength`: how far the gates are open, 0 to
    1; for learned gates, which each have an alpha of their own, how far at the start.
    """

    targets: tuple[str, ...]
    layers: tuple[int, ...] = ()
    method: so8.Method = "exp"
    form: Literal["geodesic", "linear"] = "geodesic"
    learned: bool = False
    strength: float = 1.0


class Gate(nn.Module):
    """The gate of `features` outputs: theta (features / 8, 28), float32, zero at the start; alpha () where learned."""

    def __init__(self, features: int, config: GateConfig, device: torch.device | None = None) -> None:
        super().__init__()
        self.method, self.form, self.opening = config.method, config.form, config.strength
        self.theta = nn.Parameter(torch.zeros(features // so8.BLOCK, so8.COORDINATES, device=device))
        self.alpha = nn.Parameter(torch.tensor(alpha.logit(config.strength), device=device)) if config.learned else None
        self.enabled = True
        self.shared: Tensor | None = None  # this gate's part of the batch that the model made for its pass
        self.running = False  # whether that pass is under way
        self._cached: tuple[tuple[Any, ...], Tensor, Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to one pass, whose graph neither copies nor pickles."""
        return self.__dict__ | {"shared": None, "running": False, "_cached": None}

    def strength(self) -> float | Tensor:
        """How far the gate is open: a number, or for a learned one sigmoid(alpha), float32 ()."""
        return self.opening if self.alpha is None else torch.sigmoid(self.alpha)

    def matrix(self) -> Tensor:
        """(blocks, 8, 8) float32: R = exp(strength A), or the blend. Kept between calls without gradients."""
        if torch.is_grad_enabled():
            of_this_pass = self.shared is not None and (torch.compiler.is_compiling() or self.running or _in_backward())
            return self.shared if of_this_pass and self.shared is not None else self._make()
        kept: Tensor = self._kept()
        return kept

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _kept(self) -> Tensor:
        numbers = torch.cat([p.flatten() for p in (self.theta, self.alpha) if p is not None])
        key = (self.opening, numbers.device, numbers.dtype)
        # by value: what is written through `.data` leaves no trace in torch's count of changes
        if self._cached is None or self._cached[0] != key or not torch.equal(self._cached[1], numbers):
            self._cached = key, numbers, self._make()
        return self._cached[2]

    def _make(self) -> Tensor:
        make = so8.rotation if self.form == "geodesic" else so8.blend
        return make(self.theta, self.strength(), method=self.method)

    def forward(self, features: Tensor) -> Tensor:
        """Turn (..., features); dtype of the result is that of the features."""
        return so8.turn(self.matrix(), features) if self.enabled else features


def plain_name(name: str) -> str:
    """A module's path in the base model, whatever peft has wrapped around it.

    >>> plain_name("base_model.model.model.layers.0.mlp.down_proj")
    'model.layers.0.mlp.down_proj'
    """
    return name.removeprefix("base_model.model.")


def add_gates(model: nn.Module, config: GateConfig) -> dict[str, Gate]:
    """Hang a gate on every Linear whose name ends in one of the targets, in the chosen layers or, for none, in all.

    Returns the gates by the Linear's path in the base model. Raises TrainingError where a target matches no module,
    a layer has none, a Linear's output is no multiple of 8, or a gate is there already.
    """
    chosen: dict[str, nn.Module] = {}
    for target in config.targets:
        found = {n: m for n, m in _linears(model, target) if not config.layers or _layer(n) in config.layers}
        if not found:
            raise TrainingError(f"no Linear named {target!r} for a gate; check --gate-targets and --gate-layers")
        chosen |= found
    if config.targets and (absent := sorted(set(config.layers) - {_layer(name) for name in chosen})):
        raise TrainingError(f"no layer {absent[0]} with a Linear for a gate; check --gate-layers")
    gates = {plain_name(name): _attach(name, module, config) for name, module in chosen.items()}
    _make_together(model)
    return gates


def gate_on(module: nn.Module) -> Gate | None:
    """The gate that hangs on this very module, if one does."""
    gate = getattr(module, CHILD, None)
    return gate if isinstance(gate, Gate) else None


def hang(gate: Gate, module: nn.Module) -> None:
    """Hang a gate on a module, whose outputs it turns from now on."""
    module.add_module(CHILD, gate)
    module.register_forward_hook(_turn)


def set_strength(model: nn.Module, strength: float) -> None:
    """Open every gate so far, 0 to 1. Raises TrainingError for gates that learn their own."""
    for name, gate in gates_of(model).items():
        if gate.alpha is not None:
            raise TrainingError(f"the gate on {name} learns how far it opens; a schedule cannot set it, too")
        gate.opening = strength


def scatter(model: nn.Module, scale: float, seed: int) -> None:
    """Give every gate normal angles of this standard deviation, in radians: it then begins as a small random turn."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, gate in sorted(gates_of(model).items()):
            gate.theta.copy_(scale * torch.randn(gate.theta.shape, generator=generator))


@contextlib.contextmanager
def disabled(model: nn.Module) -> Iterator[None]:
    """Compute without the gates, as peft's `disable_adapter` does without LoRA."""
    every = list(gates_of(model).values())
    former = [gate.enabled for gate in every]
    for gate in every:
        gate.enabled = False
    try:
        yield
    finally:
        for gate, enabled in zip(every, former, strict=True):
            gate.enabled = enabled


def gates_of(model: nn.Module) -> dict[str, Gate]:
    """Every gate of a model, by the path of its Linear in the base model."""
    return {
        plain_name(name.removesuffix(f".{CHILD}")): module
        for name, module in model.named_modules()
        if isinstance(module, Gate)
    }


def save_gates(model: nn.Module, path: Path) -> None:
    """Write all gates: `<path of the Linear>.theta`, float32 (blocks, 28), `.alpha` where learned, and their config.

    Meant for the inside of a commit: `path` lies in the temporary folder that corpus.base.commit renames. What all
    gates have in common goes into gates_config.json beside it.
    """
    gates = sorted(gates_of(model).items())
    tensors = {
        f"{name}.{kind}": parameter.detach().float().cpu()
        for name, gate in gates
        for kind, parameter in gate.named_parameters()
    }
    save_file(tensors, path, metadata={"format": "pt"})  # one entry only: safetensors writes more in random order
    first = gates[0][1] if gates else Gate(so8.BLOCK, GateConfig(()))
    common = GateConfig((), (), first.method, first.form, first.alpha is not None, first.opening)
    shared = {name: value for name, value in asdict(common).items() if name not in ("targets", "layers")}
    text = json.dumps(shared | {"linears": [name for name, _ in gates]}, indent=2, sort_keys=True) + "\n"
    path.with_name(CONFIG_FILE).write_text(text, encoding="utf-8")


def load_gates(model: nn.Module, path: Path) -> dict[str, Gate]:
    """Hang the gates of a file onto a model that has none and give them what was saved.

    Raises CorruptFileError where the file is no safetensors of gates, TrainingError where the model does not fit.
    """
    try:
        tensors = load_file(path)
        told = json.loads(path.with_name(CONFIG_FILE).read_text(encoding="utf-8"))
        config, linears = _config(told)
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise CorruptFileError(f"{path}: no readable safetensors file with its config ({error})") from error
    if linears is None:  # of a version that did not list them
        linears = [key.removesuffix(".theta") for key in tensors if key.endswith(".theta")]
    wanted = {f"{name}.{kind}" for name in linears for kind in ("theta", "alpha")[: 1 + config.learned]}
    if odd := sorted(tensors.keys() ^ wanted):
        raise CorruptFileError(f"{path}: {odd[0]} is missing or is no part of a gate; train it again")
    modules = {plain_name(name): module for name, module in model.named_modules()}
    gates: dict[str, Gate] = {}
    for key, values in sorted(tensors.items(), reverse=True):  # theta before alpha
        name, _, kind = key.rpartition(".")
        if values.shape[1:] != (so8.COORDINATES,) if kind == "theta" else values.ndim:
            raise CorruptFileError(f"{path}: {key} of shape {tuple(values.shape)} is no gate; train it again")
        if name not in modules:
            raise TrainingError(f"{path}: the base has no {name}; load it onto the model it was trained with")
        if kind == "theta":
            gates[name] = _attach(name, modules[name], config)
        _copy(gates[name].get_parameter(kind), values, key)
    _make_together(model)
    return gates


def _config(told: Any) -> tuple[GateConfig, list[str] | None]:
    """What gates_config.json says, and the Linears it lists. Raises KeyError, TypeError, ValueError."""
    known = {"method": get_args(so8.Method), "form": ("geodesic", "linear"), "learned": (False, True)}
    for name, values in known.items():
        if told[name] not in values:
            raise ValueError(f"{name} {told[name]!r} is none of {', '.join(map(str, values))}")
    if not 0 <= told["strength"] <= 1:
        raise ValueError(f"strength {told['strength']!r} is not from 0 to 1")
    linears = told.get("linears")
    return GateConfig((), **{name: value for name, value in told.items() if name != "linears"}), linears


def _copy(parameter: nn.Parameter, values: Tensor, key: str) -> None:
    if parameter.shape != values.shape:
        here, there = parameter.shape[0], values.shape[0]
        raise TrainingError(f"{key}: {there} blocks in the file, {here} in the model; it belongs to another base")
    with torch.no_grad():
        parameter.copy_(values)


def _linears(model: nn.Module, target: str) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == target and isinstance(getattr(module, "out_features", None), int):
            yield name, module


def _layer(name: str) -> int | None:
    match = _LAYER.search(name)
    return int(match[1]) if match else None


def _attach(name: str, module: nn.Module, config: GateConfig) -> Gate:
    features: int = module.out_features  # type: ignore[assignment]  # nn.Module types any attribute as a tensor
    if features % so8.BLOCK:
        raise TrainingError(f"{name}: {features} outputs are no multiple of {so8.BLOCK}; no gate fits there")
    if hasattr(module, CHILD):
        raise TrainingError(f"{name} has an SO(8) gate already")
    gate = Gate(features, config, next(module.parameters()).device)
    hang(gate, module)
    return gate


def _turn(module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    gate = module.get_submodule(CHILD)
    turned: Tensor = gate(output)
    return turned


def _make_together(model: nn.Module) -> None:
    """From now on, a pass through this model with gradients first makes the rotations of all gates in one batch."""
    if not hasattr(model, _TOGETHER):
        setattr(model, _TOGETHER, True)
        model.register_forward_pre_hook(_begin)
        model.register_forward_hook(_end, always_call=True)


def _begin(model: nn.Module, _inputs: tuple[Any, ...]) -> None:
    if not torch.is_grad_enabled():
        return
    alike: dict[tuple[Any, ...], list[Gate]] = {}
    for gate in (module for module in model.modules() if isinstance(module, Gate)):
        if gate.form == "geodesic" and gate.enabled:
            key = gate.method, gate.theta.device, gate.opening if gate.alpha is None else None
            alike.setdefault(key, []).append(gate)
    for gates in alike.values():
        if gates[0].alpha is None:
            strength: float | Tensor = gates[0].opening
        else:
            every = [torch.sigmoid(gate.get_parameter("alpha")).expand(len(gate.theta), 1) for gate in gates]
            strength = torch.cat(every)
        made = so8.rotation(torch.cat([gate.theta for gate in gates]), strength, method=gates[0].method)
        parts: Sequence[Tensor] = made.split([len(gate.theta) for gate in gates])  # type: ignore[no-untyped-call]
        for gate, part in zip(gates, parts, strict=True):
            gate.shared, gate.running = part, True


def _end(model: nn.Module, _inputs: tuple[Any, ...], _output: Any) -> None:
    """The batch stays for a backward pass that runs layers again (activation checkpointing), for nothing else."""
    for module in model.modules():
        if isinstance(module, Gate):
            module.running = False


def _in_backward() -> bool:
    return bool(torch._C._current_graph_task_id() != -1)  # noqa: SLF001  what torch's own checkpointing asks
