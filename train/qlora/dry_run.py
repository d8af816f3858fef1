"""`python -m train.qlora --dry-run`: what a run would take, as a table or as JSON; nothing is loaded or written."""

from __future__ import annotations

import json
from dataclasses import asdict

from corpus.base.workspace import Workspace
from train.models import bases
from train.qlora.config import Config

__all__ = ["answer"]


def answer(config: Config) -> str:
    """The estimate for a person, or with --json for a machine. Raises as train.qlora.memory.estimate does."""
    from train.qlora import memory

    device = memory.on(config)
    found = memory.estimate(bases.resolve(config.base, Workspace(config.data)).folder, config)
    has = memory.available(device)
    if config.json:
        return json.dumps(asdict(found) | {"memory": found.memory, "device": device, "available": has}) + "\n"
    lines = [f"{config.run}: {found.base_parameters:,} parameters, {found.trained_parameters:,} trained beside them"]
    lines += [f"  {what:<24}{size / 2**20:>12,.1f} MiB" for what, size in found.rows() if size]
    if not has:
        return "\n".join([*lines, f"  {device + ' has':<24}{'none here':>12}"]) + "\n"
    fits = "enough" if found.memory <= has else "TOO LITTLE: less --batch or --block, or --activation-checkpointing"
    return "\n".join([*lines, f"  {device + ' has':<24}{has / 2**20:>12,.1f} MiB, {fits}"]) + "\n"
