"""What became of a run: how many steps it took, what the held-out loss did; as numbers and in words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["answer", "fall", "held_out", "steps", "taken"]


def held_out(before: float, after: float) -> dict[str, float | None]:
    """The held-out loss for the metadata: None, as JSON has it, for what is no number."""
    there = math.isfinite(before) and math.isfinite(after) and before != 0
    return {
        "held_out_before": before if math.isfinite(before) else None,
        "held_out_after": after if math.isfinite(after) else None,
        "held_out_change_percent": 100 * (after - before) / before if there else None,
    }


def taken(metadata: Mapping[str, Any]) -> int:
    """Steps that a run took: fewer than it was asked for where it stopped early."""
    return int(metadata["loss"].get("steps_done", metadata["config"]["steps"]))


def steps(metadata: Mapping[str, Any]) -> str:
    """The steps in words, and of which one the weights are."""
    asked, done, best = metadata["config"]["steps"], taken(metadata), metadata["loss"].get("best_step")
    told = f"{done} steps" if done == asked else f"{done} of {asked} steps, stopped early,"
    return told if best in (None, done) else f"{told.removesuffix(',')}, with the weights of step {best},"


def fall(loss: Mapping[str, Any], digits: int) -> str:
    """The held-out loss in words, as many digits behind the point."""
    before, after, change = (loss[f"held_out_{name}"] for name in ("before", "after", "change_percent"))
    told = [f"{'no number' if value is None else f'{value:.{digits}f}'}" for value in (before, after)]
    if change is None:
        return f"{told[0]} before, {told[1]} after: whether it fell cannot be said"
    return f"{told[0]} before, {told[1]} after ({change:+.1f} %{'' if change < 0 else '; it did NOT fall'})"


def answer(folder: Path, metadata: Mapping[str, Any], *, done: bool, as_json: bool) -> str:
    """The result of a command for a person, or for a machine."""
    loss, seen = metadata["loss"], metadata["data"]
    if as_json:
        told = {"steps": taken(metadata), "steps_asked": metadata["config"]["steps"]}
        result = {"folder": str(folder), "done": done, **told, **loss, "documents": seen["documents"]}
        return json.dumps(result) + "\n"
    return (
        f"{metadata['run']}: {'trained' if done else 'up to date, nothing to do'}; {steps(metadata)} on "
        f"{seen['documents']} documents\n"
        f"  loss on {seen['held_out_documents']} held-out documents of {metadata['config']['domain']}: "
        f"{fall(loss, 3)}\n"
        f"  adapter, gates, sample and card: {folder}\n"
    )
