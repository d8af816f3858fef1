"""From the configuration of a QLoRA run to its parts: the model with what is trained on it, groups, plan, watch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from train.checkpoint.snapshot import Group
from train.distributed import ranks
from train.gates import alpha, gating
from train.gates.gating import GateConfig, gates_of, plain_name, set_strength
from train.gates.so8 import smallest_stretch
from train.loop import fit
from train.loop.step import Plan
from train.loop.watch import Look, Watch
from train.models import loading
from train.qlora.config import Config
from train.reasoning import extra_layers
from train.reasoning.extra_layers import ReasoningConfig

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from train.loop.objective import Objective
    from train.packing.tokens import Blocks

__all__ = ["cut", "gates_report", "generate", "groups", "opener", "plan", "prepared", "watch"]

_LOSS_SCALE = 2.0**16  # where float16 begins; it falls at an overflow and grows again after 2,000 steps without


def prepared(base: PreTrainedModel, config: Config) -> PeftModel:
    """The base with what is trained on it, at its start."""
    model = loading.attach(base, adapter(config))
    if config.activation_checkpointing:  # of the layers that are there: so behind those that are added
        base.activation_checkpointing_enable({"use_reentrant": False})
    if config.init_scale:
        gating.scatter(model, config.init_scale, config.seed)
    return model


def cut(model: PeftModel, config: Config, device: str) -> None:
    """With --fsdp, leave each process its part of the base alone."""
    if config.fsdp:
        from train.distributed import fsdp

        inner: Any = model.get_base_model()
        whole = sum(parameter.numel() for parameter in model.parameters() if not parameter.requires_grad)
        held = fsdp.shard(inner, inner.model.layers, device)
        sys.stderr.write(f"base: {held:,} of {whole:,} frozen numbers in each process\n")


def plan(config: Config, objectives: Sequence[Objective]) -> Plan:
    """How the run goes, as the loop takes it."""
    return Plan(
        config.steps,
        config.batch,
        config.warmup,
        config.seed,
        config.accumulate,
        objectives,
        config.schedule,
        config.lr_end,
        config.clip,
        _LOSS_SCALE if config.dtype == "float16" else 0.0,
    )


def watch(model: PeftModel, tokenizer: PreTrainedTokenizerBase, held_out: Blocks, config: Config) -> Watch:
    """What is looked at on the way."""
    return Watch(
        Look(config.validate_steps, config.patience, config.sample_steps),
        model,
        config.seed,
        loss=lambda: ranks.here().same(fit.mean_loss(model, held_out, config.batch)),
        sample=lambda: generate(model, tokenizer, config),
    )


def adapter(config: Config) -> loading.Adapter:
    """What is added to the base."""
    learned, (start, _) = config.gate_alpha == "learned", config.alpha_ends()
    gates = GateConfig(config.gate_targets, config.gate_layers, config.gate_method, config.gate_form, learned, start)
    layers = ReasoningConfig(config.reasoning_layers, config.reasoning_alpha == "learned", config.reasoning_ends()[0])
    return loading.Adapter(config.rank, config.alpha, config.targets, gates, config.dropout, layers)


def opener(model: PeftModel, config: Config) -> Callable[[int], None]:
    """Opens gates and layers as far as a step (from 0) says: a function of it alone, so a resume needs no state."""
    start, end = config.alpha_ends()
    steps = config.gate_alpha_steps or config.steps
    open_layers = extra_layers.opener(model, config.reasoning_alpha, config.steps, config.reasoning_ends())

    def open_gates(step: int) -> None:
        open_layers(step)
        if config.gate_alpha in alpha.SCHEDULES:
            set_strength(model, alpha.strength_at(config.gate_alpha, step, steps, start, end))

    return open_gates


def groups(model: PeftModel, config: Config) -> list[Group]:
    """LoRA, angles and learned strengths, each with its learning rate, then those of the reasoning layers."""
    every = gates_of(model)
    angles = {f"{name}.theta": gate.theta for name, gate in every.items()}
    alphas = {f"{name}.alpha": gate.alpha for name, gate in every.items() if gate.alpha is not None}
    layers = extra_layers.groups(model, config.reasoning_rates())
    known = {id(p) for part in (angles, alphas, *(group.parameters for group in layers)) for p in part.values()}
    lora = {plain_name(n): p for n, p in model.named_parameters() if p.requires_grad and id(p) not in known}
    named = zip(("lora", "gates", "alphas"), (lora, angles, alphas), config.rates(), strict=True)
    return [Group(name, parameters, rate) for name, parameters, rate in named if parameters] + layers


def gates_report(model: PeftModel) -> dict[str, Any]:
    """The largest coordinate of any gate in radians, how far gates are open, and what a blend shrinks most."""
    every = list(gates_of(model).values())
    with torch.no_grad():
        openings = [float(gate.strength()) for gate in every]
        return {
            "largest_angle": max((float(gate.theta.abs().max()) for gate in every), default=0.0),
            "strengths": [min(openings), max(openings)] if every else [],
            "smallest_stretch": min((smallest_stretch(gate.matrix()) for gate in every), default=1.0),
        }


def generate(model: PeftModel, tokenizer: PreTrainedTokenizerBase, config: Config) -> str:
    """The prompt and what the trained model makes of it, sampled."""
    model.eval()
    encoded: Any = tokenizer(config.prompt, add_special_tokens=False, return_tensors="pt").to(model.device)
    with torch.no_grad():
        output: Any = model.generate(  # type: ignore[no-untyped-call]
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            max_new_tokens=config.sample_tokens,
            do_sample=True,
            temperature=0.8,
            pad_token_id=tokenizer.eos_token_id,
            synced_gpus=config.fsdp,
        )
    return str(tokenizer.decode(output[0], skip_special_tokens=True))
