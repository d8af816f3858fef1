"""The adapters that an ablation compares, each fresh on a base: LoRA, LoRA with SO(8) gates, and peft's OFT and RoAd.

| variant | what is learned | where |
|---|---|---|
| base | nothing | |
| lora | W + sBA (Hu et al., arXiv 2106.09685) | the targets |
| lora+so8 | R (W + sBA), R in SO(8) by the exponential | LoRA on the targets, R behind the gate targets |
| oft | W R, blocks of 8, R by the exact Cayley transform (Qiu et al., arXiv 2306.07280; 2506.19847) | the targets |
| oft-neumann | the same by five terms of Neumann's series, peft's default: exact at small angles | the targets |
| road | R W, 2x2 rotations with a scale each, RoAd-1 (Liao and Monz, arXiv 2409.00119) | the targets |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from corpus.base.errors import TrainingError
from train import libraries
from train.gates.gating import GateConfig
from train.models import loading

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel

    from train.ablate.config import Config

__all__ = ["attach"]

_BLOCK = 8


def attach(model: PreTrainedModel, variant: str, config: Config) -> nn.Module:
    """A fresh adapter on a frozen base, which computes the same as before; "base" is left as it is.

    Raises TrainingError where a target matches no Linear of the base, or its sizes do not fit the adapter.
    """
    if variant == "base":
        return model
    if variant in ("lora", "lora+so8"):
        hung = GateConfig(config.gate_targets if variant == "lora+so8" else ())
        return loading.attach(model, loading.Adapter(config.rank, config.alpha, config.targets, hung))
    from peft import get_peft_model

    linears = loading.require_linears(model, config.targets)
    with libraries.peft_in_peace():
        try:
            return get_peft_model(model, _peft(variant, config.targets, linears))
        except ValueError as error:
            raise TrainingError(f"{variant} does not fit this base: {error}") from error


def _peft(variant: str, targets: Sequence[str], linears: Sequence[Any]) -> PeftConfig:
    from peft import OFTConfig, RoadConfig

    if variant == "road":
        group = math.gcd(64, *(linear.out_features for linear in linears))
        return RoadConfig(variant="road_1", group_size=group, target_modules=list(targets), task_type="CAUSAL_LM")
    return OFTConfig(
        oft_block_size=_BLOCK,
        use_cayley_neumann=variant == "oft-neumann",
        target_modules=list(targets),
        task_type="CAUSAL_LM",
    )
