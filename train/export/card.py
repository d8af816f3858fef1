"""The card of an exported model: every number of it stands in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.base.errors import InputError
from corpus.base.workspace import Workspace
from train.heads import card as head_card
from train.loop import outcome

__all__ = ["ablation", "ablation_files", "render"]


def ablation_files(workspace: Workspace, name: str, base: str) -> tuple[Path, ...]:
    """Result and table of an ablation over the base with this fingerprint; none where no ablation is named.

    Raises InputError where it is missing or was measured over another base.
    """
    if not name:
        return ()
    files = tuple(workspace.path("ablation", name, file) for file in ("ablation.json", "table.md"))
    try:
        measured = json.loads(files[0].read_text(encoding="utf-8"))["base"]["sha256"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{files[0]}: no readable ablation ({error}); run python -m train.ablate first") from error
    if measured != base:
        raise InputError(f"{files[0]} was measured over another base than this run; name an ablation over the same")
    return files


def ablation(workspace: Workspace, name: str) -> dict[str, Any]:
    """What an export's metadata says of an ablation: its name, its result and its table."""
    result, table = (workspace.path("ablation", name, file) for file in ("ablation.json", "table.md"))
    return {"name": name, "result": json.loads(result.read_text("utf-8")), "table": table.read_text("utf-8")}


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
        f"The run itself: loss on {seen['held_out_documents']} held-out documents {outcome.fall(loss, 4)}. "
        "One run, one seed."
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
        *(["## Ablation", "", report["ablation"]["table"]] if "ablation" in report else []),
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
