"""A plain Phi-3 as GGUF version 3 for llama.cpp and Ollama: written, read again and compared.

Matrices are stored in the type asked for, vectors in float32; Phi-3's fused Linears stay fused. The keys are those of
the GGUF specification for architecture "phi3"; LongRoPE's two sets of factors are tensors of their own, and the factor
of its attention stands among the keys, which is how llama.cpp's reader of phi3 wants them.

The file is then read by gguf's own reader: every key must say what was meant, and every number lie within what its type
can be off by. The model takes over those numbers, so that its logits are those of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpus.base.errors import InputError, TrainingError
from corpus.base.progress import Progress
from train.export import gguf_tokenizer

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, TensorNameMap
    from transformers import Phi3ForCausalLM, PreTrainedTokenizerBase

__all__ = ["FILE", "Kind", "require_phi3", "take_over", "write"]

FILE = "model.gguf"
Kind = Literal["q8_0", "bf16"]
_ARCHITECTURE = "Phi3ForCausalLM"
_BLOCK = 32  # numbers that share one scale in Q8_0
_HALF_BF16 = 2.0**-8  # bfloat16 stores 7 bits after the point: rounding is off by half the last, of the number at most
_HALF_F16 = 2.0**-11  # the same of the scale of Q8_0, a float16 ...
_TINY_F16, _TINY_BF16 = 2.0**-25, 2.0**-126  # ... or half its smallest step; bfloat16s below its own may become 0
_SLACK = 1 + 1e-4  # the quantiser itself computes in float32

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """What the types cost: number of tensors by type, relative error ||read - meant|| / ||meant|| of each."""

    types: Mapping[str, int]
    relative_errors: Mapping[str, float]


def require_phi3(folder: Path) -> None:
    """Raise TrainingError unless the model in a folder is a plain Phi-3, InputError without a configuration."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{folder}: no readable config.json ({error}); fetch or make the base again") from error
    if found != [_ARCHITECTURE]:
        raise TrainingError(f"GGUF is written of {_ARCHITECTURE} alone, {folder} is {found}; export without --gguf")


def write(
    path: Path,
    kind: Kind,
    name: str,
    model: Phi3ForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    end_of_turn: int | None,
) -> dict[str, Any]:
    """Write a model, in float32, and its tokenizer as GGUF; the keys that were written.

    Raises TrainingError where the tokenizer has no form in GGUF.
    """
    import gguf

    fields = {
        "general.name": _name(name, tokenizer),
        "general.file_type": int(gguf.LlamaFileType.MOSTLY_Q8_0 if kind == "q8_0" else gguf.LlamaFileType.MOSTLY_BF16),
        "general.quantization_version": gguf.GGML_QUANT_VERSION,
        **_hyperparameters(model),
        **gguf_tokenizer.fields(tokenizer, model.config.vocab_size, end_of_turn),
    }
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.PHI3])
    for key, value in fields.items():
        _add(writer, key, value)
    tensors = {stored: (source, _type(kind, shape)) for stored, source, shape in _tensors(model)}
    for stored, (source, number) in tensors.items():
        array = _numbers(model, source)
        size = array.size // gguf.GGML_QUANT_SIZES[number][0] * gguf.GGML_QUANT_SIZES[number][1]
        writer.add_tensor_info(stored, array.shape, array.dtype, size, raw_dtype=number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    with Progress("gguf", total=len(tensors), unit="tensors") as progress:
        for stored, (source, number) in tensors.items():  # one tensor at a time: a second copy would not fit
            writer.write_tensor_data(gguf.quants.quantize(_numbers(model, source), number))
            progress.advance(note=stored)
    writer.close()
    return {"general.architecture": "phi3", **fields}


def take_over(path: Path, model: Phi3ForCausalLM, fields: Mapping[str, Any]) -> Comparison:
    """Read a file again, hold it against what was meant, and put its numbers in the place of the model's.

    Raises TrainingError where a key or a tensor is missing, too many or says something else than its type allows.
    """
    import gguf
    import torch

    reader = gguf.GGUFReader(path)
    found = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    for key in sorted(found.keys() | fields.keys()):
        if key not in found or key not in fields or not _same(found[key], fields[key]):
            raise TrainingError(f"the GGUF was read again and its {key} is not what was written; nothing was exported")
    meant = {stored: source for stored, source, _ in _tensors(model)}
    if [tensor.name for tensor in reader.tensors] != list(meant):
        raise TrainingError("the GGUF was read again and its tensors are not those of the model; nothing was exported")
    types: dict[str, int] = {}
    errors = {}
    for tensor in reader.tensors:
        source = meant[tensor.name]
        wanted = _numbers(model, source)
        read = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(wanted.shape)
        _require_close(tensor.name, read, wanted, tensor.tensor_type)
        types[tensor.tensor_type.name] = types.get(tensor.tensor_type.name, 0) + 1
        errors[tensor.name] = float(np.linalg.norm(read - wanted) / max(float(np.linalg.norm(wanted)), 1e-30))
        if isinstance(source, str):
            with torch.no_grad():
                model.get_parameter(source).copy_(torch.from_numpy(read.copy()))
    return Comparison(types, errors)


def _hyperparameters(model: Phi3ForCausalLM) -> dict[str, Any]:
    config: Any = model.config
    rope: dict[str, Any] = config.rope_parameters
    size = config.hidden_size // config.num_attention_heads
    return {
        "phi3.context_length": config.max_position_embeddings,
        "phi3.rope.scaling.original_context_length": config.original_max_position_embeddings,
        "phi3.embedding_length": config.hidden_size,
        "phi3.feed_forward_length": config.intermediate_size,
        "phi3.block_count": config.num_hidden_layers,
        "phi3.attention.head_count": config.num_attention_heads,
        "phi3.attention.head_count_kv": config.num_key_value_heads,
        "phi3.attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "phi3.attention.sliding_window": config.sliding_window or 0,
        "phi3.rope.dimension_count": int(size * rope.get("partial_rotary_factor", 1.0)),
        "phi3.rope.freq_base": float(rope["rope_theta"]),
        **({"phi3.rope.scaling.attn_factor": _attention_factor(config)} if _is_long(model) else {}),
    }


def _attention_factor(config: Any) -> float:
    """What LongRoPE multiplies sine and cosine with, as transformers computes it."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    return float(ROPE_INIT_FUNCTIONS["longrope"](config)[1])


def _is_long(model: Phi3ForCausalLM) -> bool:
    rope: Any = model.config.rope_parameters
    return bool(rope["rope_type"] == "longrope")


def _tensors(model: Phi3ForCausalLM) -> Iterator[tuple[str, str | Floats, tuple[int, ...]]]:
    """(name in the file, name of the parameter or the numbers themselves, shape) of every tensor, in their order."""
    import gguf

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.PHI3, model.config.num_hidden_layers)
    if _is_long(model):
        rope: Any = model.config.rope_parameters
        for which in ("long", "short"):
            factors = np.array(rope[f"{which}_factor"], dtype=np.float32)
            yield f"rope_factors_{which}.weight", factors, factors.shape
    for source, parameter in model.named_parameters():
        yield _stored(names, source), source, tuple(parameter.shape)


def _stored(names: TensorNameMap, source: str) -> str:
    stored = names.get_name(source, try_suffixes=(".weight", ".bias"))
    if stored is None:
        raise TrainingError(f"GGUF's phi3 has no place for {source}; export without --gguf")
    return stored


def _numbers(model: Phi3ForCausalLM, source: str | Floats) -> Floats:
    if isinstance(source, str):
        array: Floats = model.get_parameter(source).detach().float().numpy()
        return array
    return source


def _type(kind: Kind, shape: tuple[int, ...]) -> GGMLQuantizationType:
    """Vectors stay whole; rows that are no multiple of Q8_0's blocks are kept in bfloat16."""
    from gguf import GGMLQuantizationType

    if len(shape) < 2:
        return GGMLQuantizationType.F32
    return GGMLQuantizationType.Q8_0 if kind == "q8_0" and shape[-1] % _BLOCK == 0 else GGMLQuantizationType.BF16


def _require_close(name: str, read: Floats, wanted: Floats, number: GGMLQuantizationType) -> None:
    """Raise TrainingError where a number is further off than its type can be: nothing in F32, half a step elsewhere."""
    size = np.abs(wanted)
    if number.name == "Q8_0":  # 127 steps to the largest of a block, whose scale is rounded too
        largest = size.reshape(-1, _BLOCK).max(axis=1, keepdims=True)
        off = np.abs(read - wanted).reshape(-1, _BLOCK)
        bound = largest * (1 / 254 + _HALF_F16) + 127 * _TINY_F16
    else:
        off = np.abs(read - wanted)
        bound = size * _HALF_BF16 + _TINY_BF16 if number.name == "BF16" else np.zeros_like(size)
    if not (off <= bound * _SLACK).all():
        raise TrainingError(
            f"the GGUF was read again and {name} is off by {float(off.max()):.3g}, more than {number.name} can be; "
            "nothing was exported. Try again; if it happens twice, test the drive and the memory"
        )


def _name(name: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The model's name, which is also how llama.cpp knows a tokenizer that drops blanks after special tokens."""
    if gguf_tokenizer.strips_after_special(tokenizer):
        return f"{name} (phi-3)"
    return name.replace("phi-3", "phi 3").replace("phi3", "phi 3").replace("Phi-3", "Phi 3").replace("Phi3", "Phi 3")


def _add(writer: Any, key: str, value: Any) -> None:
    from gguf import GGUFValueType

    if isinstance(value, list):
        writer.add_array(key, value)
    else:
        kinds = {bool: GGUFValueType.BOOL, int: GGUFValueType.UINT32, float: GGUFValueType.FLOAT32}
        writer.add_key_value(key, value, kinds.get(type(value), GGUFValueType.STRING))


def _same(found: Any, meant: Any) -> bool:
    """Whether a value was read as it was written; numbers with a point are float32 in the file."""
    if isinstance(meant, float):
        return bool(np.float32(found) == np.float32(meant))
    if isinstance(meant, list) and meant and isinstance(meant[0], float):
        return bool(np.array_equal(np.array(found, np.float32), np.array(meant, np.float32)))
    return bool(found == meant)
