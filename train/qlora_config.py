"""Every choice of a QLoRA run, checked before anything is loaded."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from corpus.base.config import nearest
from corpus.base.errors import ConfigError
from labeling.taxonomy import DOMAINS, Domain
from train import bases, data, tiny_base
from train.checkpoint_rule import Rule

__all__ = ["Config"]

_RESERVED = ("classifier", "tiny-base")  # folders of data/models that other commands write
_SURROGATE = re.compile("[\ud800-\udfff]")  # what bytes of the command line become that are no UTF-8
_NOT_IN_KEY = (  # where, and how to go on and to answer: no part of what is made
    "data",
    "json",
    "checkpoint_seconds",
    "checkpoint_steps",
    "keep_checkpoints",
    "resume",
)


def _help(text: str, default: Any) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Config:
    """Every choice of a run; the defaults train the tiny base for a moment on any CPU."""

    data: Path = field(default=Path("data"), metadata={"help": "workspace that holds dataset/ and gets models/<run>"})
    run: str = _help("name of the run, a folder below data/models", "qlora")
    base: str = _help("'tiny', a model's folder, or a hub id in the local cache", "tiny")
    domain: str = _help("domain to train on, or 'all'", str(Domain.LAW_POLICY))
    include: tuple[Literal["restricted"], ...] = _help("configs beyond the open and share-alike ones", ())
    steps: int = _help("optimiser steps", 30)
    batch: int = _help("blocks a step", 4)
    block: int = _help("tokens a block", 256)
    held_out_blocks: int = _help("most blocks of held-out text to measure the loss on", 32)
    lr: float | None = _help("learning rate of LoRA; none: 0.01 on the tiny base, 0.0002 on any other", None)
    gate_lr: float | None = _help("that of the gates' angles, in radians; none: 0.01 and 0.001", None)
    warmup: int = _help("steps of warm-up", 3)
    dropout: float = _help("dropout before LoRA, 0 to below 1", 0.0)
    rank: int = _help("rank of LoRA", 16)
    alpha: int = _help("alpha of LoRA: its output is scaled by alpha / rank", 32)
    targets: tuple[str, ...] = _help("Linears with LoRA", ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"))
    gate_targets: tuple[str, ...] = _help("Linears with an SO(8) gate behind them", ("o_proj", "down_proj"))
    gate_layers: tuple[int, ...] = _help("layers with gates; none named: all", ())
    quantization: Literal["nf4", "none"] = _help("how the base is held", "nf4")
    dtype: Literal["bfloat16", "float32"] = _help("type of the base's numbers in computation", "bfloat16")
    device: Literal["auto", "cpu", "cuda"] = _help("where to compute; auto takes a GPU where there is one", "auto")
    threads: int = _help("CPU threads; other numbers give other last digits", 1)
    seed: int = _help("seed of LoRA's start, of the order of the blocks and of the sample", 1)
    prompt: str = _help("beginning of the text that the trained model continues", "第一条　この法律は、")
    sample_tokens: int = _help("tokens to generate", 64)
    checkpoint_seconds: float = _help("seconds between checkpoints", Rule.seconds)
    checkpoint_steps: int = _help("a checkpoint every so many steps, too; 0: by time alone", Rule.steps)
    keep_checkpoints: int = _help("newest checkpoints that are kept", Rule.keep)
    resume: bool = _help("go on from the newest whole checkpoint of this very run", Rule.resume)
    json: bool = _help("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch",
            "held_out_blocks",
            "rank",
            "alpha",
            "threads",
            "sample_tokens",
            "keep_checkpoints",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least 1")
        if self.block < 2 or self.warmup < 0 or not 0 <= self.dropout < 1:
            raise ConfigError("--block must be at least 2, --warmup at least 0, --dropout at least 0 and below 1")
        if self.checkpoint_steps < 0 or not self.checkpoint_seconds > 0:
            raise ConfigError("--checkpoint-steps must be at least 0, --checkpoint-seconds above 0")
        for name, rate in zip(("--lr", "--gate-lr"), self.rates(), strict=True):
            if not math.isfinite(rate) or rate <= 0:
                raise ConfigError(f"{name} {rate}: must be a number above 0")
        tiny_base.require_seed(self.seed)
        if not self.prompt or _SURROGATE.search(self.prompt):
            raise ConfigError("--prompt: give at least one character, in UTF-8, for the model to continue")
        known = ("all", *(str(domain) for domain in DOMAINS if domain not in data.NEVER_TRAINED))
        if self.domain not in known:
            raise ConfigError(f"--domain {self.domain}: no domain to train on; {nearest(self.domain, known)}")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.run) or self.run in _RESERVED:
            raise ConfigError(f"--run {self.run}: give a plain folder name other than {' and '.join(_RESERVED)}")
        if not self.targets:
            raise ConfigError("--targets: name at least one Linear for LoRA")

    def rates(self) -> tuple[float, float]:
        """Learning rates of LoRA and of the gates: a tiny base forgives, and needs, far more than a real one."""
        lr, gate_lr = (1e-2, 1e-2) if self.base == bases.TINY else (2e-4, 1e-3)
        return lr if self.lr is None else self.lr, gate_lr if self.gate_lr is None else self.gate_lr

    def rule(self) -> Rule:
        """When to save a checkpoint, how many to keep, whether to go on from one."""
        return Rule(self.checkpoint_seconds, self.checkpoint_steps, self.keep_checkpoints, self.resume)

    def settings(self) -> dict[str, Any]:
        """What decides the result, as plain JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name not in _NOT_IN_KEY
        }
