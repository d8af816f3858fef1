"""What a harvest must reach to be called good: `[harvest]` of hakusho.toml, or `--set harvest.KEY=VALUE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corpus.base.config import load
from corpus.base.errors import ConfigError

__all__ = ["HarvestSettings", "read"]


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True)
class HarvestSettings:
    """Shares are 0 to 1. Raises ConfigError for one that is not."""

    min_documents: int = field(default=1, metadata=_help("fewest documents, new or unchanged; of changes none need be"))
    max_failed: float = field(default=0.05, metadata=_help("largest share of requests that failed, pages gone aside"))
    max_empty: float = field(default=0.2, metadata=_help("largest share of records read that held no text"))
    max_garbled: float = field(default=0.1, metadata=_help("largest share of records read that held no language"))

    def __post_init__(self) -> None:
        if self.min_documents < 0:
            raise ConfigError(f"harvest.min_documents = {self.min_documents}: need 0 or more")
        for name in ("max_failed", "max_empty", "max_garbled"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"harvest.{name} = {getattr(self, name)}: need a share, 0 to 1")


def read(words: str = "", file: Path = Path("hakusho.toml")) -> HarvestSettings:
    """Thresholds from the file, then from `key=value,key=value`. Raises ConfigError."""
    overrides: Mapping[str, str] = dict(word.partition("=")[::2] for word in words.split(",") if word)
    present = file if file.exists() else None
    return load(
        HarvestSettings, file=present, section="harvest", overrides=overrides, flag="--set harvest.", equals="="
    )
