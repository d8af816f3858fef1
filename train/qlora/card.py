"""The card of a run: a model card whose every number stands in the run's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from train.heads import card as head_card
from train.loop import outcome

__all__ = ["render"]


def render(metadata: Mapping[str, Any]) -> str:
    """The README.md of a run, in Markdown with the hub's front matter."""
    seen, loss, config = metadata["data"], metadata["loss"], metadata["config"]
    licences = ", ".join(f"{licence} ({number} documents)" for licence, number in seen["licences"].items())
    what = (
        f"LoRA (rank {config['rank']}) on {', '.join(config['targets'])} and SO(8) gates on "
        f"{', '.join(config['gate_targets']) or 'no Linear'} over `{metadata['base']['name']}`, "
        f"{outcome.steps(metadata)} on {seen['documents']} documents of domain {config['domain']}."
    )
    if layers := metadata.get("reasoning"):
        what += (
            f" Behind the base's last layer stand {layers['layers']} reasoning layers with {layers['parameters']:,} "
            "parameters: `reasoning.safetensors` and `reasoning_config.json`."
        )
    result = (
        f"Loss on {seen['held_out_documents']} held-out documents ({seen['held_out_tokens']} tokens, from the "
        f"{seen['held_out_from']} split): {outcome.fall(loss, 4)}. One run, one seed: no claim beyond it."
    )
    asked = seen["restricted_included"]
    restricted = f"Restricted texts (rights reserved) were {'read on explicit request' if asked else 'not read'}."
    lines = [
        "---",
        f"base_model: {metadata['base']['name']}",
        "library_name: peft",
        "tags: [lora, so8-gates]",
        "---",
        f"# {metadata['run']}",
        "",
        what,
        "",
        result,
        "",
        *head_card.lines(metadata),
        "## Data",
        "",
        f"Licences: {licences}. {restricted} Text of the domains nsfw_adult and nsfw_block is never trained on.",
        "",
        *(f"- {line}" for line in seen["attributions"]),
        "",
        "## Files",
        "",
        "`adapter_model.safetensors`: LoRA, as peft reads it. `gates.safetensors`: theta of each gate, 28 numbers",
        "a block of 8 outputs, and alpha where it is learned; `gates_config.json`: how they turn the Linear's output.",
    ]
    return "\n".join(lines) + "\n"
