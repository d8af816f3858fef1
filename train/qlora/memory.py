"""How much memory and disk a run takes, before anything is loaded: counted on a model without weights (torch's "meta").

Weights of the base are counted tensor by tensor; in NF4 with double quantisation a weight takes half a byte, a byte of
scale a 64 weights and four bytes a 64 x 256 (Dettmers et al., "QLoRA", arXiv 2305.14314, section 3). What is trained is
float32, and so are its gradients and AdamW's two moments.

Activations are a sum a layer and token, in the manner of Korthikanti et al. (arXiv 2205.05198, section 4.1), with the
terms of a Phi-3 layer whose base is frozen, h hidden and i intermediate numbers of e bytes: 8 h (what two RMSNorms keep
in float32) + 6 h e (queries, keys, values, attention's and the residual's tensors) + 3 i e (gate, up, their product);
a LoRA of rank r adds its input and its r numbers in float32, twice the input with dropout; a gate adds its output.
Attention's scores are not kept (scaled dot product attention).

A reasoning layer keeps 8 h + 6 h e a token; of each of its a heads 1536 + 192 e a position (the turn of a head is three
8 x 8 matrices, made of two factors in float32) and 98,304 for powers of 64 places in float64; and its matrices once
more in the base's type. Its queries and keys are three times as long as its values. A GPU has a kernel for that, which
should keep them, values and result, 8 h e (measured on none); a CPU has none and keeps all three in float32, 28 h, and
the scores, 4 a a token and token of its block.

With activation checkpointing a layer keeps h e, and one layer at a time, the largest, is computed again. The loss takes
(e + 12) bytes a token and word: logits, and three float32 copies; it is added to that layer, though the two never meet:
an estimate that is too low would be of no use.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from corpus.base.errors import CorruptFileError, InputError, StorageError
from train import libraries
from train.gates.gating import gates_of
from train.models import loading
from train.qlora import assembly
from train.qlora.config import Config

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Estimate", "available", "estimate", "on", "require_disk"]

_SINGLE = 4  # bytes of a float32
_NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)  # bytes of a weight
_POWERS = 64 * 3 * 8 * 8 * 8  # bytes of the powers of one head's turn at positions 0 to 63, float64
_DIFFERENTIATED = 40  # times that many: matrix_exp on matrices twice as large, measured
_MISC = 2**20  # bytes of a checkpoint beside its tensors: random states, metrics of a long run


@dataclass(frozen=True)
class Estimate:
    """Bytes by what they are for, and the numbers of parameters.

    `weights`: of the base, by type. `unpacked`: the largest NF4 weight, dequantised for its product. `turns`: what the
    backward pass of one reasoning layer's exponentials takes for a moment. `checkpoint`, `results`: on disk, one
    checkpoint, and adapter, gates and heads at the end.
    """

    base_parameters: int
    trained_parameters: int
    weights: Mapping[str, int]
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    loss: int
    unpacked: int
    turns: int
    checkpoint: int
    results: int

    @property
    def memory(self) -> int:
        """Bytes where the model is, at the peak of a step."""
        kept = sum(self.weights.values()) + self.adapter + self.gradients + self.optimizer
        return kept + self.activations + self.loss + self.unpacked + self.turns

    def rows(self) -> list[tuple[str, int]]:
        """What a person reads, in order."""
        return [
            *((f"base weights, {kind}", size) for kind, size in self.weights.items()),
            ("adapter, float32", self.adapter),
            ("gradients", self.gradients),
            ("optimizer", self.optimizer),
            ("activations", self.activations),
            ("logits and loss", self.loss),
            ("one weight unpacked", self.unpacked),
            ("one layer's turns", self.turns),
            ("memory, all", self.memory),
            ("a checkpoint on disk", self.checkpoint),
            ("results on disk", self.results),
        ]


def estimate(folder: Path, config: Config) -> Estimate:
    """What a run of this configuration takes over the base in a folder, of which config.json alone is read.

    Raises InputError, CorruptFileError, TrainingError where adapter and base do not fit.
    """
    base = _skeleton(folder, config)
    shape = base.config
    packed = _packed(base) if config.quantization == "nf4" else {}
    weights: Counter[str] = Counter()
    for name, parameter in base.named_parameters():
        kind = "nf4" if name in packed else config.dtype
        weights[kind] += round(parameter.numel() * (_NF4 if name in packed else parameter.element_size()))
    number = sum(parameter.numel() for parameter in base.parameters())
    size = getattr(torch, config.dtype).itemsize
    model = assembly.prepared(base, config)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    trained += _heads(shape.hidden_size) if config.heads else 0
    tokens = config.batch * config.block
    loss = tokens * shape.vocab_size * (size + 3 * _SINGLE)
    return Estimate(
        base_parameters=number,
        trained_parameters=trained,
        weights=dict(weights),
        adapter=trained * _SINGLE,
        gradients=trained * _SINGLE,
        optimizer=2 * trained * _SINGLE,
        activations=round(_activations(model, shape, size, config)),
        loss=loss,
        unpacked=max(packed.values(), default=0) * size,
        turns=_DIFFERENTIATED * _POWERS * shape.num_attention_heads if config.reasoning_layers else 0,
        checkpoint=trained * _SINGLE * (4 if config.patience else 3) + _MISC,
        results=trained * _SINGLE + _MISC,
    )


def _skeleton(folder: Path, config: Config) -> PreTrainedModel:
    """The base without weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    libraries.quiet()
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: no config.json of a base model; fetch or make the base first")
    try:
        shape = AutoConfig.from_pretrained(folder, local_files_only=True)
        with torch.device("meta"):
            made: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                shape, dtype=getattr(torch, config.dtype)
            )
    except loading.DAMAGE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptFileError(
            f"{folder / 'config.json'}: no model that transformers knows ({first}); fetch or make the base again"
        ) from error
    return made.requires_grad_(False)


def _packed(base: PreTrainedModel) -> dict[str, int]:
    """Weights that NF4 packs, with their numbers: of every Linear but the one that gives the logits."""
    last = base.get_output_embeddings()  # type: ignore[no-untyped-call]
    return {
        f"{name}.weight": module.weight.numel()
        for name, module in base.named_modules()
        if isinstance(module, nn.Linear) and module is not last
    }


def _activations(model: nn.Module, shape: Any, size: int, config: Config) -> float:
    """Bytes that all layers keep for the backward pass; `shape` counts the reasoning layers, too."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    own, more = shape.num_hidden_layers - config.reasoning_layers, config.reasoning_layers
    a_token = float(own * (8 * hidden + 6 * hidden * size + 3 * inner * size))
    for module in model.modules():
        if hasattr(module, "lora_A"):
            inputs: Any = module.in_features
            a_token += _SINGLE * (inputs * (2 if config.dropout else 1) + config.rank)
    a_token += sum(gate.theta.shape[0] * 8 * size for gate in gates_of(model).values())
    tokens = config.batch * config.block
    whole, reasoning = tokens * a_token, _reasoning(shape, size, config) if more else 0.0
    if config.activation_checkpointing:
        return float(tokens * (own + more) * hidden * size + max(whole / own, reasoning))
    return whole + more * reasoning


def _reasoning(shape: Any, size: int, config: Config) -> float:
    """Bytes that one reasoning layer keeps."""
    hidden, heads, tokens = shape.hidden_size, shape.num_attention_heads, config.batch * config.block
    positions = tokens if config.chats else config.block  # documents of a batch count from 0 together
    scores = _SINGLE * heads * config.block
    attention = 8 * hidden * size if on(config) == "cuda" else 28 * hidden + scores
    matrices = 4 * hidden**2 * size if size < _SINGLE else 0
    turns = heads * (positions * (1536 + 192 * size) + _POWERS)
    return float(tokens * (8 * hidden + 6 * hidden * size + attention) + turns + matrices)


def _heads(features: int) -> int:
    from train.heads.model import Heads

    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Heads(features).parameters())


def on(config: Config) -> str:
    """The device that a run is planned for: cuda where it is asked for, here or not."""
    return "cuda" if config.device == "cuda" else loading.device(config.device)


def available(device: str) -> int:
    """Bytes of memory that the device has in all; 0 where there is none here."""
    if device == "cuda":
        if not torch.cuda.is_available():
            return 0
        return int(torch.cuda.get_device_properties(0).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_disk(folder: Path, needs: Estimate, keep: int, there: int) -> None:
    """Raise StorageError where `keep` checkpoints, one more that is being written, and the results have no room.

    `there`: checkpoints that lie in the folder already, and make room as they are rotated out.
    """
    while not folder.exists():
        folder = folder.parent
    wanted = max(keep + 1 - there, 1) * needs.checkpoint + needs.results
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise StorageError(
            f"{folder}: {free / 1e9:.2f} GB free, and {keep + 1} checkpoints with the results take "
            f"{wanted / 1e9:.2f} GB; make room, give another --data, or keep fewer (--keep-checkpoints)"
        )
