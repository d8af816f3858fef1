"""The part of a card that is about heads: every number stands in the run's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["lines"]


def lines(metadata: Mapping[str, Any]) -> list[str]:
    """A section in Markdown, closed by an empty line; nothing for a run without heads."""
    heads = metadata.get("heads")
    if heads is None:
        return []
    told = [_head(name, figures) for name, figures in heads["figures"].items()]
    silent = [f"- {name}: no held-out labels, so nothing is known of it" for name in heads["without_figures"]]
    return [
        "## Heads",
        "",
        "`heads.safetensors` and `heads_config.json` read the last hidden state: safety, domain, plausibility of an",
        "answer, confidence in the verdict.",
        f"{heads['parameters']} parameters, trained on {_texts(heads['trained_on'])}.",
        "Figures are of held-out texts that neither heads nor temperatures were fitted to, intervals 95 %. They are",
        "agreement with the labels that were given. ECE: expected calibration error over bins of equal mass.",
        "",
        *told,
        *silent,
        "",
    ]


def _texts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {source}" for source, number in numbers.items())


def _head(name: str, figures: Mapping[str, Any]) -> str:
    low, high = figures["macro_f1_interval"]
    recall = ", ".join(f"{label} {one['value']:.2f} (n = {one['n']})" for label, one in figures["recall"].items())
    return (
        f"- {name} (n = {figures['n']}): macro-F1 {figures['macro_f1']:.3f} [{low:.3f}, {high:.3f}]; recall {recall}; "
        f"ECE {figures['ece_before']:.3f} before and {figures['ece_after']:.3f} after temperature "
        f"{figures['temperature']:.3g}, Brier score {figures['brier_before']:.3f} and {figures['brier_after']:.3f}"
    )
