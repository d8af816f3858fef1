"""Every choice of an export, checked before anything is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from corpus.base.config import option
from corpus.base.errors import ConfigError
from corpus.base.workspace import default_root
from train import tiny_base

__all__ = ["Config"]


@dataclass(frozen=True)
class Config:
    """Which run becomes a plain model, from which base, in which numbers."""

    data: Path = field(default_factory=default_root, metadata={"help": "workspace that holds models/<run>"})
    run: str = option("name of the run of python -m train.qlora", "qlora")
    base: str = option("the base it was trained over: 'tiny', a model's folder, or a hub id in the local cache", "tiny")
    name: str = option("folder below data/models that the plain model gets; none: <run>-export", "")
    dtype: Literal["bfloat16", "float16", "float32"] = option("type of the exported numbers", "bfloat16")
    reasoning: Literal["fold", "keep"] = option(
        "a run with reasoning layers, which no plain model holds: keep them, with modelling code of their own", "fold"
    )
    gguf: Literal["none", "q8_0", "bf16"] = option("GGUF beside it, with a Modelfile for Ollama: its type", "none")
    ablation: str = option("name of an ablation over the same base whose table the card shows; none: no table", "")
    push: str = option("upload it to this model repository of the Hugging Face hub, ORG/NAME; none: no upload", "")
    private: bool = option("with --push: make the repository a private one", False)
    dry_run: bool = option("with --push: look for secrets and list what would be uploaded, without the network", False)
    threads: int = option("CPU threads", 1)
    json: bool = option("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        tiny_base.require_threads(self.threads)
        for key, name in (("run", self.run), ("name", self.folder), ("ablation", self.ablation or "none")):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise ConfigError(f"--{key} {name}: give a plain folder name")
        if self.push and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.push, re.ASCII):
            raise ConfigError(f"--push {self.push}: give a repository as ORG/NAME")
        for key, asked in (("private", self.private), ("dry-run", self.dry_run)):
            if asked and not self.push:
                raise ConfigError(f"--{key} is about an upload; give --push ORG/NAME too")
        if self.folder == self.run:
            raise ConfigError(f"--name {self.name}: the run itself lies there; give another name")

    @property
    def folder(self) -> str:
        """Name of the folder that the model gets."""
        return self.name or f"{self.run}-export"
