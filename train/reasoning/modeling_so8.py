"""Phi-3 with reasoning layers behind its own. Needs torch and transformers alone: an export carries this file.

    AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)

A reasoning layer is h + W_o attention(W_qkv RMSNorm(h)), and its attention is geometric. Each head has one rotation of
SO(8), given by a skew-symmetric A, and so has A's image in each half-spin representation, A+ and A- (triality). With
q_i and k_j cut into blocks of 8 and every block turned, i and j the positions in the text, the score of a head is

    s_ij = ( <e^(iA) q_i, e^(jA) k_j> + <e^(iA+) q_i, e^(jA+) k_j> + <e^(iA-) q_i, e^(jA-) k_j> ) / sqrt(3 n)

over j <= i, n the head's features: the usual 1 / sqrt(length), for the three views laid end to end have length 3 n.

The turning goes with the position, because turning query and key by the same R would leave <q, k> as it is, and turning
one of them by a constant is a matrix that W_qkv holds already. So each view sees e^((j - i) A) alone: it is relative,
indifferent to padding, and exact with a cache of turned keys. Rotary embeddings (Su et al., "RoFormer", arXiv
2104.09864) are the case of planes that are fixed and no half-spin views. They are not applied as well: two turns that
do not commute would not be relative any more. With +-a, +-b, +-c, +-d the angles of A, those of A+ and A- are
(+-a +-b +-c +-d) / 2 with an even and an odd number of minus signs, so the views differ from each other at i != j.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Phi3Config, Phi3ForCausalLM
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.phi3.modeling_phi3 import eager_attention_forward

__all__ = [
    "GeometricAttention",
    "GeometricLayer",
    "PlainReasoningLayer",
    "SO8ReasoningConfig",
    "SO8ReasoningForCausalLM",
    "powers",
]

BLOCK, VIEWS = 8, 3
_STEP = 64  # positions are split into p = 64 a + b, and only the powers that occur are computed


def powers(generators: Tensor, positions: Tensor) -> Tensor:
    """e^(p A) for each position p and each skew-symmetric A.

    generators: (heads, 3, 8, 8), any floating dtype. positions: (b, t) integers. Result: (b, t, heads, 3, 8, 8)
    float32; computed in float64, because the angles grow with the position.
    """
    with torch.autocast(generators.device.type, enabled=False):
        exact = generators.double()

        def power(numbers: Tensor) -> Tensor:
            turned: Tensor = torch.linalg.matrix_exp(numbers.double().view(-1, 1, 1, 1, 1) * exact)
            return turned.float()

        high, at_high = torch.unique(positions // _STEP, return_inverse=True)
        low, at_low = torch.unique(positions % _STEP, return_inverse=True)
        return power(_STEP * high)[at_high] @ power(low)[at_low]


class GeometricAttention(nn.Module):
    """The attention of this file's docstring: as many heads as the base has for queries, each with keys of its own."""

    is_causal = True  # what transformers' attention functions ask of a module
    num_key_value_groups = 1

    def __init__(self, config: Phi3Config, layer_idx: int) -> None:
        super().__init__()
        self.config, self.layer_idx = config, layer_idx
        self.heads = config.num_attention_heads
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size, bias=False)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(
        self,
        features: Tensor,
        generators: Tensor,
        position_ids: Tensor,
        attention_mask: Tensor | None,
        past_key_values: Any,
        **more: Any,
    ) -> Tensor:
        """features: (b, t, hidden). generators: (heads, 3, 8, 8). position_ids: (b or 1, t). Result as the features.

        `attention_mask` and `past_key_values` are what the base gives its own layers; keys are cached turned.
        """
        shape = (*features.shape[:-1], self.heads, -1)
        query, key, value = (part.view(shape) for part in _linear(self.query_key_value, features).chunk(3, dim=-1))
        turns = powers(generators, position_ids).to(features.dtype)
        query, key, value = (part.transpose(1, 2) for part in (_turned(turns, query), _turned(turns, key), value))
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        kind = self.config._attn_implementation  # noqa: SLF001  there is no public name for it
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(kind, eager_attention_forward)
        scale = query.shape[-1] ** -0.5
        window = getattr(self.config, "sliding_window", None)
        mixed, _ = attend(self, query, key, value, attention_mask, scaling=scale, sliding_window=window, **more)
        return _linear(self.output, mixed.reshape(features.shape))


class GeometricLayer(GradientCheckpointingLayer):  # type: ignore[no-untyped-call]
    """h + leaving(attention(entering(h))): what a layer in training and one in an export have in common."""

    norm: nn.RMSNorm
    attention: GeometricAttention
    turns: Any  # a method: A, A+ and A- of each head, (heads, 3, 8, 8), skew-symmetric

    def entering(self, hidden_states: Tensor) -> Tensor:
        """What the attention sees."""
        return normalize(self.norm, hidden_states)

    def leaving(self, mixed: Tensor) -> Tensor:
        """What is added of what the attention gives."""
        return mixed

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool | None = False,
        position_embeddings: Any = None,
        **more: Any,
    ) -> Tensor:
        """As a decoder layer of Phi-3; `position_embeddings`, its rotary ones, are not used."""
        del use_cache, position_embeddings
        assert position_ids is not None
        features, turns = self.entering(hidden_states), self.turns()
        mixed = self.attention(features, turns, position_ids, attention_mask, past_key_values, **more)
        return hidden_states + self.leaving(mixed)


class PlainReasoningLayer(GeometricLayer):  # type: ignore[no-untyped-call]
    """A trained layer with its rotation folded into W_qkv and its gate into W_o; what exports hold."""

    def __init__(self, config: Phi3Config, layer_idx: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.attention = GeometricAttention(config, layer_idx)
        self.generators = nn.Parameter(torch.zeros(config.num_attention_heads, VIEWS, BLOCK, BLOCK))

    def turns(self) -> Tensor:
        """As they were trained."""
        return self.generators


class SO8ReasoningConfig(Phi3Config):  # type: ignore[no-untyped-call]
    """Phi-3's configuration; of `num_hidden_layers`, which counts them all, the last `reasoning_layers` reason."""

    model_type = "phi3_so8_reasoning"

    reasoning_layers: int = 0


class SO8ReasoningForCausalLM(Phi3ForCausalLM):  # type: ignore[no-untyped-call]
    """Phi-3 whose last layers are reasoning layers; generates, caches and pads as Phi-3 does."""

    config_class = SO8ReasoningConfig
    _supports_flash_attn = False  # its keys are three times as long as its values
    _keep_in_fp32_modules_strict = ["generators"]  # noqa: RUF012  transformers' name; half of the digits, no positions

    def __init__(self, config: SO8ReasoningConfig) -> None:
        super().__init__(config)
        total = config.num_hidden_layers
        for index in range(total - config.reasoning_layers, total):
            self.model.layers[index] = PlainReasoningLayer(config, index)
        self.post_init()  # type: ignore[no-untyped-call]


def normalize(norm: nn.RMSNorm, hidden: Tensor) -> Tensor:
    """RMSNorm in float32; the result has the dtype of `hidden`, whatever that of the norm's weight."""
    exact = functional.rms_norm(hidden.float(), norm.normalized_shape, norm.weight.float(), norm.eps)
    return exact.to(hidden.dtype)


def _linear(linear: nn.Module, features: Tensor) -> Tensor:
    weight: Any = linear.weight
    return functional.linear(features, weight.to(features.dtype))


def _turned(turns: Tensor, features: Tensor) -> Tensor:
    """turns: (b or 1, t, heads, 3, 8, 8); features: (b, t, heads, n) -> (b, t, heads, 3 n), the three views."""
    blocks = features.reshape(*features.shape[:-1], -1, BLOCK)
    return torch.einsum("bthvij,bthkj->bthvki", turns, blocks).flatten(-3)
