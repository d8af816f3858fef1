"""A tokenizer in the terms of GGUF: what llama.cpp and what is built on it read instead of tokenizer.json.

Two kinds, by what tokenizer.json holds (keys and meaning: the GGUF specification, and llama.cpp's reader of it):

- byte-level BPE as GPT-2 has it: tokens, merges and the name of the rule that splits text into words;
- SentencePiece's BPE as Llama and Phi-3 have it: tokens with scores. A reader joins whichever neighbours make the token
  of the highest score, so a token's score is minus the rank of the first merge that makes it, and every pair of tokens
  that makes one must be a merge.

Anything else is refused: tokens that a reader would make otherwise than transformers does are a wrong model in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corpus.base.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["adds_start", "fields", "strips_after_special"]

_NORMAL, _UNKNOWN, _CONTROL, _USER, _UNUSED, _BYTE = range(1, 7)  # token types of GGUF
_NEVER_JOINED = -1e6  # below the score of every merge
_OF_PHI3 = {"<unk>", "<s>", "</s>", "<|endoftext|>"}
_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")


def fields(tokenizer: PreTrainedTokenizerBase, rows: int, end_of_turn: int | None) -> dict[str, Any]:
    """Everything under tokenizer.* for a model whose vocabulary has `rows` rows; `end_of_turn` closes a chat's turn.

    Raises TrainingError for a tokenizer that is of neither kind.
    """
    whole = _whole(tokenizer)
    model = whole["model"]
    if model["type"] != "BPE" or model.get("ignore_merges"):
        raise _refused(f"its model is {model['type']}")
    added = {token["id"]: token for token in whole["added_tokens"]}
    pieces = {index: piece for piece, index in model["vocab"].items()} | {k: v["content"] for k, v in added.items()}
    if max(pieces) >= rows:
        raise TrainingError(f"the tokenizer has {max(pieces) + 1} tokens, the model rows for {rows}; mend the base")
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    tokens = [pieces.get(index, f"[PAD{index}]") for index in range(rows)]
    types = [_type(index, tokens[index], pieces, added, model) for index in range(rows)]
    kind = _byte_level(whole, merges) if _has(whole, "ByteLevel") else _sentencepiece(whole, tokens, types, merges)
    return {
        **kind,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        **_ids(tokenizer, end_of_turn),
        **({"tokenizer.chat_template": tokenizer.chat_template} if tokenizer.chat_template else {}),
    }


def adds_start(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts its token of the beginning before a text by itself."""
    return tokenizer.bos_token_id in _around(tokenizer)[0]


def strips_after_special(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether white space after a special token is dropped, as Phi-3's tokenizer does.

    GGUF has no field for it: llama.cpp does it for models whose general.name holds "phi-3" or "phi3", and no other, and
    does not load such a model where one of four tokens is missing. Raises TrainingError for a tokenizer without them.
    """
    if not any(token["special"] and token["rstrip"] for token in _whole(tokenizer)["added_tokens"]):
        return False
    if not tokenizer.get_vocab().keys() >= _OF_PHI3:
        raise _refused("it drops white space after special tokens, and is not Phi-3's")
    return True


def _whole(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What tokenizer.json holds."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _refused("it has no tokenizer.json")
    whole: dict[str, Any] = json.loads(backend.to_str())
    return whole


def _byte_level(whole: Mapping[str, Any], merges: Sequence[Sequence[str]]) -> dict[str, Any]:
    """GPT-2's kind: one ByteLevel step that splits by GPT-2's own rule, and nothing before it."""
    step = whole["pre_tokenizer"]
    gpt2 = step["type"] == "ByteLevel" and step["use_regex"] and not step["add_prefix_space"]
    if not gpt2 or whole["normalizer"] is not None:
        raise _refused("its text is not split by GPT-2's rule alone")
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.merges": [" ".join(pair) for pair in merges],
    }


def _sentencepiece(
    whole: Mapping[str, Any], tokens: Sequence[str], types: Sequence[int], merges: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Llama's kind: blanks are ▁, bytes stand for what has no token."""
    if not whole["model"].get("byte_fallback"):
        raise _refused("it has neither bytes nor tokens for bytes")
    rank: dict[str, int] = {}
    for number, pair in enumerate(merges):
        rank.setdefault("".join(pair), number)
    known, normal = set(map(tuple, merges)), {t for t, kind in zip(tokens, types, strict=True) if kind == _NORMAL}
    for token in sorted(normal):
        pairs = {(token[:at], token[at:]) for at in range(1, len(token))}
        if missing := next((p for p in sorted(pairs - known) if normal.issuperset(p)), None):
            raise _refused(f"its merges never make {token!r} of {missing[0]!r} and {missing[1]!r}, where GGUF's do")
    scores = [
        float(-rank[token]) if token in rank else 0.0 if kind == _BYTE else _NEVER_JOINED
        for token, kind in zip(tokens, types, strict=True)
    ]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.add_space_prefix": _prefixed(whole),
    }


def _prefixed(whole: Mapping[str, Any]) -> bool:
    """Whether a blank is put before a text: by the normaliser (tokenizers of old), or by the pre-tokeniser."""
    normalizer, step = whole["normalizer"], whole["pre_tokenizer"]
    if normalizer is None and step is not None and step["type"] == "Metaspace" and not step.get("split"):
        return bool(step["prepend_scheme"] != "never")
    steps = [] if normalizer is None else normalizer.get("normalizers", [normalizer])
    kinds = [one["type"] for one in steps]
    if step is None and kinds in (["Prepend", "Replace"], ["Replace"]):
        return bool(kinds[0] == "Prepend")
    raise _refused("its text is prepared otherwise than by putting ▁ for blanks")


def _type(
    index: int, token: str, pieces: Mapping[int, str], added: Mapping[int, Mapping[str, Any]], model: Mapping[str, Any]
) -> int:
    if index not in pieces:
        return _UNUSED
    if token == model.get("unk_token"):
        return _UNKNOWN
    if index in added:
        return _CONTROL if added[index]["special"] else _USER
    return _BYTE if model.get("byte_fallback") and _BYTE_TOKEN.fullmatch(token) else _NORMAL


def _ids(tokenizer: PreTrainedTokenizerBase, end_of_turn: int | None) -> dict[str, Any]:
    known = {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "eot": end_of_turn,
        "padding": tokenizer.pad_token_id,
        "unknown": tokenizer.unk_token_id,
    }
    return {
        **{f"tokenizer.ggml.{name}_token_id": value for name, value in known.items() if value is not None},
        "tokenizer.ggml.add_bos_token": adds_start(tokenizer),
        "tokenizer.ggml.add_eos_token": tokenizer.eos_token_id in _around(tokenizer)[1],
    }


def _around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Ids that the tokenizer puts before and after a text by itself."""
    plain: Any = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole: Any = tokenizer("a")["input_ids"]
    at = next(i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)
    return whole[:at], whole[at + len(plain) :]


def _has(whole: Mapping[str, Any], kind: str) -> bool:
    step = whole["pre_tokenizer"]
    return step is not None and any(one["type"] == kind for one in step.get("pretokenizers", [step]))


def _refused(why: str) -> TrainingError:
    return TrainingError(
        f"no GGUF for this tokenizer: {why}; export without --gguf and convert the folder with llama.cpp's own script"
    )
