"""Every choice of a QLoRA run, checked before anything is loaded."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from corpus.base.config import option
from corpus.base.errors import ConfigError
from corpus.base.workspace import default_root
from labeling.taxonomy import Domain
from train import tiny_base
from train.checkpoint.rule import Rule
from train.data import dataset
from train.gates.alpha import GOLDEN, SCHEDULES, Kind
from train.loop.schedule import Curve
from train.models import bases

__all__ = ["PRESETS", "Config"]

PRESETS = Path(__file__).parents[1] / "presets"

_RESERVED = ("classifier", "tiny-base")  # folders of data/models that other commands write
_HEAD_LOSSES = 5  # train.heads.losses.NAMES, which needs torch
_SURROGATE = re.compile("[\ud800-\udfff]")  # what bytes of the command line become that are no UTF-8
_FASTEST = 1000.0  # no model learns at such a rate, and AdamW's arithmetic still bears it
_NOT_IN_KEY = (  # where, and how to go on and to answer: no part of what is made
    "data",
    "json",
    "checkpoint_seconds",
    "checkpoint_steps",
    "keep_checkpoints",
    "resume",
    "tensorboard",
    "cache",
    "scratch",
    "dry_run",
)


@dataclass(frozen=True)
class Config:
    """Every choice of a run; the defaults train the tiny base for a moment on any CPU."""

    data: Path = field(
        default_factory=default_root, metadata={"help": "workspace: dataset/ to read, models/<run> to write"}
    )
    run: str = option("name of the run, a folder below data/models", "qlora")
    base: str = option("'tiny', a model's folder, or a hub id in the local cache", "tiny")
    domain: str = option("domain to train on, or 'all'", str(Domain.LAW_POLICY))
    include: tuple[Literal["restricted"], ...] = option("configs beyond the open and share-alike ones", ())
    steps: int = option("optimiser steps", 30)
    batch: int = option("blocks at once", 4)
    accumulate: int = option("times that so many blocks make a step: 1 x 8 takes the memory of 1", 1)
    block: int = option("tokens a block", 256)
    held_out_blocks: int = option("most blocks of held-out text to measure the loss on", 32)
    lr: float | None = option("learning rate of LoRA; none: 0.01 on the tiny base, 0.0002 on any other", None)
    gate_lr: float | None = option("that of the gates' angles, in radians; none: 0.01 and 0.001", None)
    warmup: int = option("steps of warm-up", 3)
    schedule: Curve = option("how the learning rate falls after it", "cosine")  # noqa: RUF009  a Literal
    lr_end: float = option("share of the learning rate that it falls to, 0 to 1", 0.1)
    clip: float = option("largest norm of the gradient, beyond which it is scaled down; 0: any", 1.0)
    dropout: float = option("dropout before LoRA, 0 to below 1", 0.0)
    rank: int = option("rank of LoRA", 16)
    alpha: int = option("alpha of LoRA: its output is scaled by alpha / rank", 32)
    targets: tuple[str, ...] = option("Linears with LoRA", ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"))
    gate_targets: tuple[str, ...] = option("Linears with an SO(8) gate behind them", ("o_proj", "down_proj"))
    gate_layers: tuple[int, ...] = option("layers with gates; none named: all", ())
    gate_method: Literal["exp", "cayley"] = option("how angles become a rotation", "exp")
    gate_form: Literal["geodesic", "linear"] = option("half open: exp(gA), or the blend (1-g)I + gR", "geodesic")
    init_scale: float = option("standard deviation of the gates' angles at the start, radians; 0: closed", 0.0)
    gate_alpha: Kind = option("how far gates are open: fixed, learned, or a schedule", "fixed")  # noqa: RUF009  a Literal
    gate_alpha_start: float | None = option("strength at the start; none: 1 fixed, 0.5 learned, 0 on a schedule", None)
    gate_alpha_end: float | None = option("strength at the end of a schedule; none: 1, golden: 0.381966", None)
    gate_alpha_lr: float | None = option("learning rate of learned strengths; none: that of the angles", None)
    gate_alpha_steps: int = option("steps that a schedule takes; 0: all of the run", 0)
    reasoning_layers: int = option("reasoning layers behind the base's last one; 0: none, the original had 4", 0)
    reasoning_lr: float | None = option(
        "learning rate of their matrices; none: 0.003 on the tiny base, else 0.0002", None
    )
    reasoning_alpha: Kind = option("how far they are open: fixed, learned, or a schedule", "learned")  # noqa: RUF009
    reasoning_alpha_start: float | None = option("strength at the start; none: as --gate-alpha-start", None)
    reasoning_alpha_lr: float | None = option("learning rate of learned strengths; none: that of the angles", None)
    pet: tuple[float, ...] = option("weights of PET in the first 20, next 40 and last 40 % of the steps; none: off", ())
    chats: tuple[Path, ...] = option("JSONL files of chats to train on as well, a row a chat: messages", ())
    heads: bool = option("train safety, domain and verifier heads on the last hidden state, too", False)
    prompts: Path | None = option(  # noqa: RUF009  a field
        "labelled prompts for heads, Parquet or JSONL: id, text, verdict, domain", None
    )
    heads_lr: float = option("learning rate of heads", 0.003)
    heads_batch: int = option("labelled texts of each source a step", 4)
    heads_tokens: int = option("last tokens of a labelled text that count", 256)
    heads_documents: int = option("most labelled documents a domain", 200)
    heads_weights: tuple[float, ...] = option(
        "weights of safety, domain, plausibility, confidence and decorrelation", (1.0, 1.0, 1.0, 1.0, 0.1)
    )
    quantization: Literal["nf4", "none"] = option("how the base is held", "nf4")
    dtype: Literal["bfloat16", "float16", "float32"] = option(
        "type of the base's numbers in computation; float16 with a scaled loss", "bfloat16"
    )
    activation_checkpointing: bool = option("compute activations twice instead of keeping them", False)
    validate_steps: int = option("take the held-out loss every so many steps, and at the end; 0: not on the way", 0)
    patience: int = option("stop after so many validations without a new least loss, and keep its weights; 0: never", 0)
    sample_steps: int = option("continue the prompt every so many steps, into samples.jsonl; 0: never", 0)
    fsdp: bool = option("of several processes, each keeps its part of a base that is not in 4 bits", False)
    device: Literal["auto", "cpu", "cuda"] = option("where to compute; auto takes a GPU where there is one", "auto")
    threads: int = option("CPU threads; other numbers give other last digits", 1)
    seed: int = option("seed of LoRA's start, of the order of the blocks and of the sample", 1)
    prompt: str = option("beginning of the text that the trained model continues", "第一条　この法律は、")
    sample_tokens: int = option("tokens to generate", 64)
    checkpoint_seconds: float = option("seconds between checkpoints", Rule.seconds)
    checkpoint_steps: int = option("a checkpoint every so many steps, too; 0: by time alone", Rule.steps)
    keep_checkpoints: int = option("newest checkpoints that are kept", Rule.keep)
    resume: bool = option("go on from the newest whole checkpoint of this very run", Rule.resume)
    tensorboard: bool = option("write metrics for TensorBoard, too, into models/<run>/tensorboard", False)
    cache: Path | None = option(  # noqa: RUF009  a field
        "folder for what libraries download and compile (HF_HOME and its kin); none: where they are told or used to",
        None,
    )
    scratch: Path | None = option("folder for temporary files; none: the system's", None)  # noqa: RUF009  a field
    dry_run: bool = option("say what the run would take of memory and disk, and load and write nothing", False)
    json: bool = option("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch",
            "accumulate",
            "held_out_blocks",
            "rank",
            "alpha",
            "sample_tokens",
            "keep_checkpoints",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least 1")
        if self.block < 2 or self.warmup < 0 or not 0 <= self.dropout < 1:
            raise ConfigError("--block must be at least 2, --warmup at least 0, --dropout at least 0 and below 1")
        if self.checkpoint_steps < 0 or not self.checkpoint_seconds > 0:
            raise ConfigError("--checkpoint-steps must be at least 0, --checkpoint-seconds above 0")
        for name, rate in zip(("--lr", "--gate-lr", "--gate-alpha-lr"), self.rates(), strict=True):
            if not 0 < rate <= _FASTEST:
                raise ConfigError(f"{name} {rate}: must be a number above 0, at most {_FASTEST:g}")
        if self.pet and not (len(self.pet) == 3 and any(self.pet) and all(0 <= w < math.inf for w in self.pet)):
            raise ConfigError("--pet: give three weights, one a phase, such as 0.01,0.05,0.1; or none, and it is off")
        self._require_alpha()
        self._require_heads()
        self._require_reasoning()
        self._require_loop()
        self._require_fsdp()
        tiny_base.require_threads(self.threads)
        tiny_base.require_seed(self.seed)
        if not self.prompt or _SURROGATE.search(self.prompt):
            raise ConfigError("--prompt: give at least one character, in UTF-8, for the model to continue")
        dataset.require_domain(self.domain)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.run) or self.run in _RESERVED:
            raise ConfigError(f"--run {self.run}: give a plain folder name other than {' and '.join(_RESERVED)}")
        if not self.targets:
            raise ConfigError("--targets: name at least one Linear for LoRA")

    def _require_loop(self) -> None:
        for name in ("clip", "init_scale", "validate_steps", "patience", "sample_steps"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be a number, at least 0")
        if not 0 <= self.lr_end <= 1:
            raise ConfigError(f"--lr-end {self.lr_end}: must be from 0 to 1")
        if self.patience and not self.validate_steps:
            raise ConfigError("--patience counts validations: give --validate-steps, too")

    def _require_fsdp(self) -> None:
        if self.fsdp and self.quantization != "none":
            raise ConfigError("--fsdp cuts weights of 16 or 32 bits, and 4-bit ones are small: add --quantization none")
        if self.fsdp and self.heads:
            raise ConfigError("--fsdp has all processes run the base at once, and with --heads each has its own texts")

    def _require_alpha(self) -> None:
        start, end = self.alpha_ends()
        if not (0 <= start <= 1 and 0 <= end <= 1) or (self.gate_alpha == "learned" and start in (0, 1)):
            raise ConfigError("--gate-alpha-start and -end must be from 0 to 1; a learned start strictly between")
        if self.gate_alpha_steps < 0 or (self.gate_alpha not in SCHEDULES and self.gate_alpha_steps):
            raise ConfigError(f"--gate-alpha-steps must be at least 0, and --gate-alpha {self.gate_alpha} takes none")
        if self.gate_alpha_lr is not None and self.gate_alpha != "learned":
            raise ConfigError(f"--gate-alpha-lr: --gate-alpha {self.gate_alpha} learns no strength")
        if self.gate_alpha_end is not None and self.gate_alpha not in ("linear", "cosine", "sigmoid"):
            raise ConfigError(f"--gate-alpha-end: --gate-alpha {self.gate_alpha} has no end to choose")

    def _require_heads(self) -> None:
        of_heads = [f for f in fields(self) if f.name == "prompts" or f.name.startswith("heads_")]
        if not self.heads and (given := [f.name for f in of_heads if getattr(self, f.name) != f.default]):
            raise ConfigError(f"--{given[0].replace('_', '-')} needs heads to train; add --heads yes")
        if not math.isfinite(self.heads_lr) or self.heads_lr <= 0:
            raise ConfigError(f"--heads-lr {self.heads_lr}: must be a number above 0")
        if min(self.heads_batch, self.heads_tokens, self.heads_documents) < 1:
            raise ConfigError("--heads-batch, --heads-tokens and --heads-documents must be at least 1")
        weights = self.heads_weights
        if len(weights) != _HEAD_LOSSES or not any(weights) or not all(0 <= w < math.inf for w in weights):
            raise ConfigError("--heads-weights: give five weights of at least 0, such as 1,1,1,1,0.1")

    def _require_reasoning(self) -> None:
        chosen = (self.reasoning_lr, self.reasoning_alpha_start, self.reasoning_alpha_lr)
        if self.reasoning_layers < 0:
            raise ConfigError(f"--reasoning-layers {self.reasoning_layers}: must be at least 0")
        if not self.reasoning_layers and (
            any(value is not None for value in chosen) or self.reasoning_alpha != "learned"
        ):
            raise ConfigError(
                "--reasoning-lr, --reasoning-alpha and its kin need layers to act on; add --reasoning-layers 4"
            )
        for rate in self.reasoning_rates():
            if not math.isfinite(rate) or rate <= 0:
                raise ConfigError(f"--reasoning-lr and --reasoning-alpha-lr: {rate} must be a number above 0")
        start, _ = self.reasoning_ends()
        if not 0 <= start <= 1 or (self.reasoning_alpha == "learned" and start in (0, 1)):
            raise ConfigError("--reasoning-alpha-start must be from 0 to 1; a learned start strictly between")
        if self.reasoning_alpha_lr is not None and self.reasoning_alpha != "learned":
            raise ConfigError(f"--reasoning-alpha-lr: --reasoning-alpha {self.reasoning_alpha} learns no strength")

    def alpha_ends(self) -> tuple[float, float]:
        """How far gates are open at the start and, on a schedule, at the end."""
        start, end = _ends(self.gate_alpha, self.gate_alpha_start)
        return start, end if self.gate_alpha_end is None else self.gate_alpha_end

    def reasoning_ends(self) -> tuple[float, float]:
        """How far reasoning layers are open at the start and, on a schedule, at the end."""
        return _ends(self.reasoning_alpha, self.reasoning_alpha_start)

    def reasoning_rates(self) -> tuple[float, float, float]:
        """Learning rates of the reasoning layers' matrices, angles and strengths."""
        lr = 3e-3 if self.base == bases.TINY else 2e-4
        _, angles, _ = self.rates()
        lr = lr if self.reasoning_lr is None else self.reasoning_lr
        return lr, angles, angles if self.reasoning_alpha_lr is None else self.reasoning_alpha_lr

    def rates(self) -> tuple[float, float, float]:
        """Learning rates of LoRA, angles and strengths: a tiny base forgives, and needs, far more than a real one."""
        lr, gate_lr = (1e-2, 1e-2) if self.base == bases.TINY else (2e-4, 1e-3)
        lr, gate_lr = lr if self.lr is None else self.lr, gate_lr if self.gate_lr is None else self.gate_lr
        return lr, gate_lr, gate_lr if self.gate_alpha_lr is None else self.gate_alpha_lr

    def rule(self) -> Rule:
        """When to save a checkpoint, how many to keep, whether to go on from one."""
        return Rule(
            self.checkpoint_seconds, self.checkpoint_steps, self.keep_checkpoints, self.resume, self.tensorboard
        )

    def settings(self) -> dict[str, Any]:
        """What decides the result, as plain JSON values; of files that are an input the names."""
        return {
            name: [_plain(one) for one in value] if isinstance(value, tuple) else _plain(value)
            for name, value in asdict(self).items()
            if name not in _NOT_IN_KEY
        }


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, Path) else value


def _ends(kind: Kind, start: float | None) -> tuple[float, float]:
    """How far something is open at the start and, on a schedule, at the end, unless the end is chosen."""
    usual = {"fixed": 1.0, "learned": 0.5}.get(kind, 0.0)
    return usual if start is None else start, GOLDEN if kind == "golden" else 1.0
