"""The card of an exported model: every number of it stands in its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from train import head_card

__all__ = ["render"]


def render(report: Mapping[str, Any]) -> str:
    """The README.md of an export, in Markdown with the hub's front matter."""
    trained, logits = report["trained"], report["logits"]
    seen, loss = trained["data"], trained["loss"]
    licences = ", ".join(f"{licence} ({number} documents)" for licence, number in seen["licences"].items())
    layers = report["reasoning_layers"]
    what = (
        f"A {'' if layers else 'plain '}{report['architecture']} in {report['dtype']}: LoRA and SO(8) gates of the run "
        f"`{report['run']}` merged into {report['merged_linears']} Linears of `{report['base']['name']}`."
    )
    if layers:
        what += (
            f" Its last {layers} layers are reasoning layers, so it needs its own modelling code, `modeling_so8.py`: "
            "`AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)`. No GGUF runtime knows them."
        )
    result = (
        f"The run itself: loss on {seen['held_out_documents']} held-out documents {loss['held_out_before']:.4f} "
        f"before, {loss['held_out_after']:.4f} after ({loss['held_out_change_percent']:+.1f} %). One run, one seed."
    )
    loaded = (
        f"- loaded from this folder: by at most {logits['exported_max_difference']:.2g} (relative error "
        f"{logits['exported_relative_error']:.2g}); the same next token at {100 * logits['same_next_token']:.1f} % of "
        "the positions"
    )
    as_trained = (
        f"- the trained model as it ran in training ({trained['config']['quantization']}, "
        f"{trained['config']['dtype']}): by at most {logits['trained_max_difference']:.2g}"
    )
    base = report["base"]["name"]
    lines = [
        "---",
        *([f"base_model: {base}"] if _on_hub(base) else []),
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "---",
        f"# {report['name']}",
        "",
        what,
        "",
        result,
        "",
        "## This export against the trained model",
        "",
        f"Logits on {logits['tokens']} tokens, the largest {logits['largest']:.3g}. From the trained model in float32",
        "differ:",
        "",
        f"- folded, in float32: by at most {logits['folded_max_difference']:.2g}",
        loaded,
        as_trained,
        "",
        *_gguf(report["gguf"]),
        *head_card.lines(trained),
        "## Data",
        "",
        f"Licences: {licences}.",
        "",
        *(f"- {line}" for line in seen["attributions"]),
    ]
    return "\n".join(lines) + "\n"


def _gguf(gguf: Mapping[str, Any]) -> list[str]:
    """What the GGUF is and how far it is from the trained model; nothing where there is none."""
    if gguf["kind"] == "none":
        return []
    tensors = ", ".join(f"{number} in {kind}" for kind, number in gguf["tensors"].items())
    logits = (
        f"- logits with them differ from the trained model's by at most {gguf['logits_max_difference']:.2g} (relative "
        f"error {gguf['logits_relative_error']:.2g}); the same next token at {100 * gguf['same_next_token']:.1f} % of "
        "the positions"
    )
    return [
        "## GGUF",
        "",
        f"`model.gguf` is the same model for llama.cpp (tensors: {tensors}), `Modelfile` goes with it to Ollama.",
        "Read again and dequantised:",
        "",
        f"- weights differ from this folder's by a relative error of at most {gguf['largest_relative_error']:.2g}",
        logits,
        "",
    ]


def _on_hub(base: str) -> bool:
    """Whether a base's name is an id of the hub: anything else in the front matter is refused there."""
    return base.count("/") == 1 and not base.startswith(".")
