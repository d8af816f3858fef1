"""Samples for GGUF: a tiny Phi-3 with fresh weights, and its tokenizer in both kinds, made in memory."""

from __future__ import annotations

import random
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from train_samples import SMALL, encyclopaedia_text
from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

from train import tiny_base

# The form of Phi-3.5's own template: a system turn only where it says something, end of text where no answer follows.
PHI35_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and message['content'] %}"
    "{{ '<|system|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% elif message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"
)
PIECES = [
    "th", "he", "the", "in", "ing", "▁the", "▁in", "▁th", "at", "▁a",
    "ate", "▁ate", "東京", "京都", "東京都", "▁東", "▁東京", "▁▁", "▁▁▁▁",
]  # fmt: skip
TEXTS = ["the thing in  東京都", "ate at 京都\nthe", "", " x", "é🙂 the", "    indented", "a<|end|> the\n\nb"]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as the tiny base has it."""
    return tiny_base.train_tokenizer([encyclopaedia_text(random.Random(3))], SMALL)


def tiny_model(**config: Any) -> Phi3ForCausalLM:
    """A tiny Phi-3 in float32 with fresh weights."""
    torch.manual_seed(5)
    model = tiny_base.new_model(tiny_tokenizer(), SMALL)
    if config:
        model = Phi3ForCausalLM(Phi3Config(**(model.config.to_dict() | config)))
    return model.eval()


def sentencepiece_tokenizer(
    *, prefix: bool = True, strips: bool = False, drop: int = 0, end_of_text: bool = True
) -> PreTrainedTokenizerFast:
    """SentencePiece's BPE as tokenizer.json holds it for Llama and Phi-3: bytes, ▁ for blanks, all merges of a token.

    `drop` leaves out that many merges at the end, which SentencePiece could not.
    """
    single = sorted({char for piece in PIECES for char in piece} | set("abcdefghijklmnopqrstuvwxyz\n"))
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *PIECES, *single]
    merges = [
        (piece[:at], piece[at:])
        for piece in PIECES
        for at in range(1, len(piece))
        if piece[:at] in tokens and piece[at:] in tokens
    ]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    merges = merges[: len(merges) - drop]
    whole = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = [normalizers.Prepend("▁")] if prefix else []
    whole.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    whole.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    whole.add_special_tokens([AddedToken(word, normalized=False) for word in ("<unk>", "<s>", "</s>")])
    whole.add_special_tokens([AddedToken(word, rstrip=strips, normalized=False) for word in ("<|user|>", "<|end|>")])
    if end_of_text:
        whole.add_special_tokens([AddedToken("<|endoftext|>", normalized=False)])
    whole.add_tokens([AddedToken("<note>", normalized=False)])
    return PreTrainedTokenizerFast(
        tokenizer_object=whole, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
