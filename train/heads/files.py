"""Names of the heads' files beside an adapter or an export; without torch, so that a command can look for them."""

from __future__ import annotations

from typing import Final

__all__ = ["CONFIG_FILE", "FILES", "HEADS_FILE"]

HEADS_FILE: Final = "heads.safetensors"
CONFIG_FILE: Final = "heads_config.json"
FILES: Final = (HEADS_FILE, CONFIG_FILE)
