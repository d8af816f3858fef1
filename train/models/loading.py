"""Models: loaded whole or in 4 bits, given LoRA and SO(8) gates, saved and read back with them. No network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from corpus.base.errors import CorruptFileError, InputError, TrainingError
from train import libraries
from train.gates import gating
from train.models.bases import Base
from train.reasoning import extra_layers
from train.reasoning.extra_layers import ReasoningConfig

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = [
    "DAMAGE",
    "Adapter",
    "attach",
    "device",
    "keep_4bit_weights_unpacked",
    "load_adapter",
    "load_model",
    "load_tokenizer",
    "require_linears",
    "save_adapter",
    "trainable",
]

_WEIGHTS = "adapter_model.safetensors"
DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)  # whereto damaged JSON leads
_JSON = ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json")

Dtype = Literal["bfloat16", "float16", "float32"]
Quantization = Literal["nf4", "none"]


@dataclass(frozen=True)
class Adapter:
    """What is added to a base: LoRA (rank, alpha, names of Linears, dropout before it), gates, reasoning layers."""

    rank: int
    alpha: int
    targets: tuple[str, ...]
    gates: gating.GateConfig
    dropout: float = 0.0
    reasoning: ReasoningConfig = ReasoningConfig()  # noqa: RUF009  a frozen dataclass


def device(wanted: str) -> str:
    """Where to compute, cpu or cuda, if auto, cpu or cuda is wanted. Raises TrainingError for cuda without a GPU."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError("--device cuda: torch sees no GPU here; mend the driver, or use --device cpu")
    return "cuda" if there and wanted != "cpu" else "cpu"


def load_tokenizer(base: Base) -> PreTrainedTokenizerBase:
    """The base's tokenizer. Raises TrainingError where it has no end-of-text token, CorruptFileError."""
    from transformers import AutoTokenizer

    libraries.quiet()
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
    except Exception as error:  # `tokenizers` raises no other, and transformers whatever a damaged file leads to
        raise CorruptFileError(
            f"{_damaged(base.folder)}: no readable tokenizer ({_first(error)}); fetch or make it again"
        ) from error
    if tokenizer.eos_token_id is None:
        raise TrainingError(f"{base.name}: its tokenizer has no end-of-text token; documents could not be told apart")
    return tokenizer


def load_model(base: Base, quantization: Quantization, dtype: Dtype, device: str) -> PreTrainedModel:
    """The base, frozen, in 4-bit NF4 with double quantisation or whole, on a device. Raises CorruptFileError."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    libraries.quiet()
    kind = getattr(torch, dtype)
    four_bit = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=kind
    )
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            base.folder,
            dtype=kind,
            device_map={"": device},
            local_files_only=True,
            quantization_config=four_bit if quantization == "nf4" else None,
        )
    except (*DAMAGE, RuntimeError, SafetensorError) as error:
        raise CorruptFileError(
            f"{_damaged(base.folder)}: the model does not load ({_first(error)}); fetch or make it again"
        ) from error
    model.requires_grad_(False)
    keep_4bit_weights_unpacked(model)
    return model


def keep_4bit_weights_unpacked(model: nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit weights at the first evaluation on a CPU with AVX512-BF16.

    The repacked weights have no backward pass: after one evaluation the loss is still right and every gradient below
    the last layer is wrong, without an error; merging them gives garbage. Unpacked weights compute the same.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]  # any attribute passes for a tensor


def attach(model: PreTrainedModel, adapter: Adapter) -> PeftModel:
    """Add fresh LoRA, gates and reasoning layers to a base; only they are trainable, and no output changes by a bit.

    Raises TrainingError where a target matches no Linear of the base, or reasoning layers do not fit it.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    require_linears(model, (*adapter.targets, *adapter.gates.targets))
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(adapter.targets),
        task_type="CAUSAL_LM",
    )
    with libraries.peft_in_peace():
        wrapped = get_peft_model(model, config)
    assert isinstance(wrapped, PeftModel)
    gating.add_gates(wrapped, adapter.gates)
    extra_layers.add_layers(wrapped, adapter.reasoning)
    return wrapped


def require_linears(model: nn.Module, targets: Sequence[str]) -> list[nn.Linear]:
    """The Linears whose names end in one of the targets. Raises TrainingError for a target that matches none."""
    named = [(name.rpartition(".")[2], module) for name, module in model.named_modules()]
    linears = [(name, module) for name, module in named if isinstance(module, nn.Linear)]
    names = {name for name, _ in linears}
    for target in targets:
        if target not in names:
            raise TrainingError(f"the base has no Linear named {target!r}; it has {', '.join(sorted(names))}")
    return [module for name, module in linears if name in targets]


def load_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """Put a saved adapter, LoRA, gates and reasoning layers if it has any, onto its base, frozen, for use.

    Raises InputError where the folder holds none, CorruptFileError or TrainingError where it does not fit.
    """
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError

    for name in ("adapter_config.json", _WEIGHTS, gating.GATES_FILE, gating.CONFIG_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name}; give a folder that python -m train.qlora has written")
    try:
        with libraries.peft_in_peace():
            wrapped = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
        wanted = get_peft_model_state_dict(wrapped, save_embedding_layers=False).keys()
        odd = sorted(_names(folder / _WEIGHTS) ^ wanted)
    except (*DAMAGE, SafetensorError) as error:
        where = _damaged(folder, ("adapter_config.json",))
        raise CorruptFileError(f"{where}: the adapter does not load ({_first(error)}); train it again") from error
    except RuntimeError as error:
        raise TrainingError(f"{folder}: the adapter does not fit this base ({_first(error)})") from error
    if odd:
        raise CorruptFileError(f"{folder / _WEIGHTS}: {odd[0]} is missing or is no part of the adapter; train it again")
    gating.load_gates(wrapped, folder / gating.GATES_FILE)
    extra_layers.load_layers(wrapped, folder)
    wrapped.requires_grad_(False)
    return wrapped.eval()


def save_adapter(model: PeftModel, base: Base, folder: Path) -> None:
    """Write LoRA as peft does, gates and reasoning layers beside it, the same bytes for the same adapter; in a commit.

    peft lists its targets in the order of a set, which changes from process to process, and leaves a card that is
    a form to fill in: the one is sorted, the other left out.
    """
    model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base.name
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    gating.save_gates(model, folder / gating.GATES_FILE)
    extra_layers.save_layers(model, folder)


def trainable(model: nn.Module) -> dict[str, Sequence[int]]:
    """Exact names and shapes of what is trained."""
    return {
        gating.plain_name(name): list(parameter.shape)
        for name, parameter in sorted(model.named_parameters())
        if parameter.requires_grad
    }


def _names(path: Path) -> set[str]:
    """The tensors of an adapter but for gates, which peft writes there, too; they are read from their own file."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {name for name in file.keys() if gating.CHILD not in name.split(".")}  # noqa: SIM118  no mapping


def _damaged(folder: Path, names: Sequence[str] = _JSON) -> Path:
    """The file of these that is there and holds no object, else the folder: what to look at first."""
    for path in (folder / name for name in names):
        try:
            if path.is_file() and not isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
                return path
        except (OSError, ValueError, RecursionError):
            return path
    return folder


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
