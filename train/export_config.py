"""Every choice of an export, checked before anything is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corpus.base.errors import ConfigError

__all__ = ["Config"]


def _help(text: str, default: Any) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Config:
    """Which run becomes a plain model, from which base, in which numbers."""

    data: Path = field(default=Path("data"), metadata={"help": "workspace that holds models/<run>"})
    run: str = _help("name of the run of python -m train.qlora", "qlora")
    base: str = _help("the base it was trained over: 'tiny', a model's folder, or a hub id in the local cache", "tiny")
    name: str = _help("folder below data/models that the plain model gets; none: <run>-export", "")
    dtype: Literal["bfloat16", "float16", "float32"] = _help("type of the exported numbers", "bfloat16")
    threads: int = _help("CPU threads", 1)
    json: bool = _help("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"--threads {self.threads}: must be at least 1")
        for key, name in (("run", self.run), ("name", self.folder)):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise ConfigError(f"--{key} {name}: give a plain folder name")
        if self.folder == self.run:
            raise ConfigError(f"--name {self.name}: the run itself lies there; give another name")

    @property
    def folder(self) -> str:
        """Name of the folder that the model gets."""
        return self.name or f"{self.run}-export"
