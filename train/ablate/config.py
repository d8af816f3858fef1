"""Every choice of an ablation, checked before anything is loaded."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from corpus.base.config import option
from corpus.base.errors import ConfigError
from corpus.base.workspace import default_root
from labeling.taxonomy import Domain
from train import tiny_base
from train.data import dataset
from train.models import bases

__all__ = ["VARIANTS", "Config", "Variant"]

Variant = Literal["base", "lora", "lora+so8", "oft", "oft-neumann", "road"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

_NOT_IN_KEY = ("data", "name", "variants", "seeds", "rates", "json")  # where, which units, how to answer


@dataclass(frozen=True)
class Config:
    """Every choice of an ablation; the defaults compare all variants on the tiny base on any CPU."""

    data: Path = field(
        default_factory=default_root, metadata={"help": "workspace: dataset/ to read, ablation/<name> to write"}
    )
    name: str = option("name of the ablation, a folder below data/ablation", "default")
    base: str = option("'tiny', a model's folder, or a hub id in the local cache", "tiny")
    domain: str = option("domain to train on, or 'all'", str(Domain.LAW_POLICY))
    include: tuple[Literal["restricted"], ...] = option("configs beyond the open and share-alike ones", ())
    variants: tuple[Variant, ...] = option("what is compared; lora is always among them", VARIANTS)
    seeds: tuple[int, ...] = option("seeds of the adapter's start and of the order of the blocks, 3 or more", (1, 2, 3))
    rates: tuple[float, ...] = option(
        "learning rates to choose from for each variant; none: 0.003,0.01,0.03,0.1,0.3 on the tiny base, "
        "0.0001,0.0004,0.002 on any other",
        (),
    )
    steps: int = option("optimiser steps of each run", 100)
    batch: int = option("blocks a step", 4)
    block: int = option("tokens a block", 128)
    warmup: int = option("steps of warm-up", 5)
    held_out_blocks: int = option("most blocks to choose a rate by, and most to test on", 32)
    rank: int = option("rank of LoRA", 16)
    alpha: int = option("alpha of LoRA: its output is scaled by alpha / rank", 32)
    targets: tuple[str, ...] = option(
        "Linears with LoRA, OFT or RoAd", ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
    )
    gate_targets: tuple[str, ...] = option("Linears with an SO(8) gate behind them", ("o_proj", "down_proj"))
    quantization: Literal["nf4", "none"] = option("how the base is held", "nf4")
    dtype: Literal["bfloat16", "float32"] = option("type of the base's numbers in computation", "float32")
    export_dtype: Literal["bfloat16", "float16", "float32"] = option("type of the exported numbers", "bfloat16")
    device: Literal["auto", "cpu", "cuda"] = option("where to compute; auto takes a GPU where there is one", "auto")
    threads: int = option("CPU threads; other numbers give other last digits", 1)
    json: bool = option("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        for key in ("steps", "batch", "held_out_blocks", "rank", "alpha"):
            if getattr(self, key) < 1:
                raise ConfigError(f"--{key.replace('_', '-')} {getattr(self, key)}: must be at least 1")
        tiny_base.require_threads(self.threads)
        if self.block < 2 or self.warmup < 0:
            raise ConfigError("--block must be at least 2, --warmup at least 0")
        if len(set(self.seeds)) != len(self.seeds) or len(self.seeds) < 3:
            raise ConfigError("--seeds: name at least three different ones; one or two runs show no interval")
        for seed in self.seeds:
            tiny_base.require_seed(seed)
        if "lora" not in self.variants or len(set(self.variants)) != len(self.variants):
            raise ConfigError("--variants: name each once, and lora among them: the others are compared with it")
        if not all(math.isfinite(rate) and rate > 0 for rate in self.rates) or len(set(self.rates)) != len(self.rates):
            raise ConfigError("--rates: give different numbers above 0")
        dataset.require_domain(self.domain)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ConfigError(f"--name {self.name}: give a plain folder name")
        if not self.targets or not self.gate_targets:
            raise ConfigError("--targets and --gate-targets: name at least one Linear each")

    def grid(self) -> tuple[float, ...]:
        """The learning rates that each variant may choose from, rising."""
        default = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1) if self.base == bases.TINY else (1e-4, 4e-4, 2e-3)
        return tuple(sorted(self.rates or default))

    def settings(self) -> dict[str, Any]:
        """What decides every unit's result, as plain JSON values."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if key not in _NOT_IN_KEY
        }
