"""Names of the files that hold reasoning layers beside an adapter."""

from __future__ import annotations

from typing import Final

__all__ = ["CONFIG_FILE", "FILES", "TENSORS_FILE"]

TENSORS_FILE: Final = "reasoning.safetensors"
CONFIG_FILE: Final = "reasoning_config.json"
FILES: Final = (TENSORS_FILE, CONFIG_FILE)
