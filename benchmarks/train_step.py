"""One training step, and what is compared in it: plain LoRA, LoRA with SO(8) gates, peft's OFT of block 8.

The base has Phi-3's form and random weights, made on the device. The variants of one base share its frozen weights, so
that they can be timed in turns without loading anything between two of them.
"""

from __future__ import annotations

import copy
import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from train import libraries
from train.gates.gating import GateConfig
from train.models.loading import Adapter, attach, keep_4bit_weights_unpacked

__all__ = [
    "PHI",
    "SMALL",
    "TINY",
    "VARIANTS",
    "Shape",
    "Step",
    "forget",
    "in_turns",
    "make_base",
    "make_variant",
    "quantized",
    "summary",
]

VARIANTS = ("lora", "lora + gates", "oft-8")
_LINEARS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
_BACKEND = os.environ.get("HAKUSHO_BENCHMARK_BACKEND", "inductor")  # aot_eager tries torch.compile out in seconds
_GATED = ("o_proj", "down_proj")


@dataclass(frozen=True)
class Shape:
    """A Phi-3 and the blocks it is trained on: `batch` blocks of `tokens` a step."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    tokens: int
    batch: int = 1


PHI = Shape(3072, 32, 32, 8192, 32064, 2048)  # Phi-3.5-mini-instruct
SMALL = Shape(256, 4, 8, 688, 4096, 128)  # a CPU's fare, also where bf16 is slow for want of instructions
TINY = Shape(64, 2, 4, 128, 512, 64)  # to try a benchmark out


def make_base(shape: Shape, device: str, dtype: torch.dtype = torch.bfloat16, seed: int = 1) -> Any:
    """A frozen Phi-3 of that shape with random weights, on the device."""
    from transformers import AutoModelForCausalLM, Phi3Config

    libraries.quiet()
    torch.manual_seed(seed)
    config = Phi3Config(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.inner,
        vocab_size=shape.vocabulary,
        max_position_embeddings=4096,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return model.requires_grad_(False)


def quantized(base: Any) -> Any:
    """A second base with the Linears of the first, but its head, in NF4 with double quantisation."""
    import bitsandbytes as bnb

    model = _sharing(base)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in _LINEARS:
            kind = module.weight.dtype
            whole = bnb.nn.Linear4bit(
                module.in_features, module.out_features, bias=False, compute_dtype=kind, quant_type="nf4", device="meta"
            )
            whole.weight = bnb.nn.Params4bit(
                module.weight.detach(), requires_grad=False, quant_type="nf4", compress_statistics=True
            )
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, whole.to(module.weight.device))
    keep_4bit_weights_unpacked(model)
    model.is_loaded_in_4bit = True  # what peft asks for before it takes its own wrappers of 4-bit layers
    return model


def make_variant(base: Any, name: str, *, checkpointing: bool = False, compiled: bool = False) -> Any:
    """A variant over the shared weights of a base, ready to train; compiled layer by layer."""
    model = _sharing(base)
    if name == "oft-8":
        from peft import OFTConfig, get_peft_model

        config = OFTConfig(r=0, oft_block_size=8, target_modules=list(_LINEARS), task_type="CAUSAL_LM")
        with libraries.peft_in_peace():
            wrapped: Any = get_peft_model(model, config)
    else:
        gated = _GATED if name == "lora + gates" else ()
        wrapped = attach(model, Adapter(16, 32, _LINEARS, GateConfig(gated)))
    if checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    if compiled:
        dynamo: Any = torch._dynamo.config  # noqa: SLF001  torch's own name for it
        dynamo.skip_nnmodule_hook_guards = False  # else a model with gates runs the program of one without
        dynamo.recompile_limit, dynamo.fail_on_recompile_limit_hit = 64, True  # never back to eager in silence
        for layer in model.model.layers:
            layer.compile(backend=_BACKEND)
    return wrapped.train()


class Step:
    """One optimiser step, as the training loop does it, on random tokens."""

    def __init__(self, model: Any, shape: Shape) -> None:
        self.model = model
        device = next(model.parameters()).device
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-4, weight_decay=0.0)
        maker = torch.Generator().manual_seed(2)
        ids = torch.randint(3, shape.vocabulary, (shape.batch, shape.tokens), generator=maker)
        self.ids = ids.to(device)

    def __call__(self) -> float:
        """Forward, backward, clip, update; the loss."""
        loss = self.model(input_ids=self.ids, labels=self.ids, use_cache=False).loss
        value = float(loss.detach())
        loss.backward()
        float(nn.utils.clip_grad_norm_(self.parameters, 1.0))
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return value

    def trainable(self) -> int:
        """Numbers that are trained."""
        return sum(parameter.numel() for parameter in self.parameters)


def in_turns(
    steps: Mapping[str, Callable[[], object]],
    repeats: int,
    each: int = 1,
    clock: Callable[[], float] = time.perf_counter,
    wait: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds a step of every contestant, `repeats` of each, one after another in every round; `each` steps at once."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats):
        names = list(steps)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wait()
            start = clock()
            for _ in range(each):
                steps[name]()
            wait()
            seconds[name].append((clock() - start) / each)
    return seconds


def summary(seconds: Mapping[str, Sequence[float]], tokens: int) -> dict[str, dict[str, Any]]:
    """Median seconds a step, tokens a second, and the ratio to the first contestant's, of what `in_turns` measured.

    The ratio is the median over the rounds of the two times of that round: what slows the machine for a while slows
    both.
    """
    first = next(iter(seconds.values()))
    return {
        name: {
            "seconds": round(statistics.median(values), 5),
            "tokens_per_s": round(tokens / statistics.median(values), 1),
            "ratio": round(statistics.median(one / other for one, other in zip(values, first, strict=True)), 4),
            "all_seconds": [round(value, 5) for value in values],
        }
        for name, values in seconds.items()
    }


def forget() -> None:
    """Let go of models that nobody holds any more, and of what was compiled for them."""
    torch._dynamo.reset()  # noqa: SLF001  torch's own name for it
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _sharing(model: Any) -> Any:
    """A copy whose parameters, buffers and 4-bit statistics are those of the original, not copies of them."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    shared |= {id(m.quant_state): m.quant_state for m in model.modules() if hasattr(m, "quant_state")}
    return copy.deepcopy(model, shared)
