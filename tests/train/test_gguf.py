"""A GGUF holds the model, whole: its numbers within their types' bounds, its keys, its tokenizer, its rope."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf_samples import TEXTS, sentencepiece_tokenizer, tiny_model, tiny_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from corpus.base.errors import InputError, TrainingError
from train.export import gguf_model, gguf_tokenizer

IDS = torch.tensor([[1, 7, 300, 12, 45, 45, 9]])


def logits(model: Any) -> torch.Tensor:
    """Of one fixed text."""
    with torch.no_grad():
        return torch.as_tensor(model(input_ids=IDS).logits)


def written(folder: Path, kind: gguf_model.Kind, model: Any) -> tuple[Path, dict[str, Any]]:
    """A file of this model with the byte-level tokenizer, and its keys."""
    path = folder / gguf_model.FILE
    return path, gguf_model.write(path, kind, "tiny", model, tiny_tokenizer(), 5)


@pytest.mark.parametrize(("kind", "most"), [("q8_0", 0.007), ("bf16", 0.002)])
def test_the_file_is_the_model_as_another_reader_has_it(tmp_path: Path, kind: gguf_model.Kind, most: float) -> None:
    """Weights are off by their type's rounding and not by nothing; transformers' reader computes the model's logits."""
    model = tiny_model()
    before = logits(model)
    path, fields = written(tmp_path, kind, model)
    compared = gguf_model.take_over(path, model, fields)
    assert compared.types == {"F32": 5, kind.upper(): 10}
    vectors = {name for name in compared.relative_errors if "norm" in name}
    assert len(vectors) == 5
    for name, error in compared.relative_errors.items():
        assert error == 0.0 if name in vectors else most / 10 < error < most
    mine = logits(model)
    assert 1e-6 < (mine - before).abs().max() < 0.05
    other: Any = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32)
    assert (logits(other.eval()) - mine).abs().max() < 1e-5
    config = other.config
    assert (config.max_position_embeddings, config.num_key_value_heads, config.vocab_size) == (
        256,
        4,
        model.config.vocab_size,
    )


def test_keys_say_what_a_reader_of_phi3_needs(tmp_path: Path) -> None:
    """Against the numbers of the sample, typed here: a key left out or confused would not be seen otherwise."""
    path, _ = written(tmp_path, "q8_0", tiny_model(num_key_value_heads=2, sliding_window=200))
    fields = {key: field.contents() for key, field in gguf.GGUFReader(path).fields.items()}
    assert fields["GGUF.version"] == 3
    assert {key.removeprefix("phi3."): value for key, value in fields.items() if key.startswith("phi3.")} == {
        "context_length": 256,
        "embedding_length": 64,
        "feed_forward_length": 128,
        "block_count": 2,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.layer_norm_rms_epsilon": pytest.approx(1e-5),
        "attention.sliding_window": 200,
        "rope.dimension_count": 16,
        "rope.freq_base": 10000.0,
        "rope.scaling.original_context_length": 256,
    }
    assert fields["general.architecture"] == "phi3"
    assert fields["general.file_type"] == 7  # mostly Q8_0
    assert [fields[f"tokenizer.ggml.{name}_token_id"] for name in ("bos", "eos", "eot", "padding")] == [0, 1, 5, 1]
    assert (fields["tokenizer.ggml.add_bos_token"], fields["tokenizer.ggml.add_eos_token"]) == (False, False)


def test_longrope_factors_are_tensors_and_its_attention_factor_a_key(tmp_path: Path) -> None:
    """As in Phi-3.5: 8 pairs of a head of 16, four times the original context, sqrt(1 + ln 4 / ln 64)."""
    long, short = [1.0 + 0.5 * i for i in range(8)], [1.0 + 0.1 * i for i in range(8)]
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "long_factor": long, "short_factor": short}
    model = tiny_model(original_max_position_embeddings=64, rope_parameters=rope)
    path, fields = written(tmp_path, "bf16", model)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert np.array_equal(tensors["rope_factors_long.weight"].data, np.float32(long))
    assert np.array_equal(tensors["rope_factors_short.weight"].data, np.float32(short))
    assert fields["phi3.rope.scaling.attn_factor"] == pytest.approx(math.sqrt(1 + math.log(4) / math.log(64)))
    assert fields["phi3.rope.scaling.original_context_length"] == 64
    assert gguf_model.take_over(path, model, fields).types == {"F32": 7, "BF16": 10}


@pytest.mark.parametrize("kind", ["q8_0", "bf16"])
def test_a_number_that_is_not_what_was_written_is_seen(tmp_path: Path, kind: gguf_model.Kind) -> None:
    """One bit of one weight, of a norm, of a key; a tensor too few: each is an error."""
    model = tiny_model()
    path, fields = written(tmp_path, kind, model)
    whole = path.read_bytes()
    reader = gguf.GGUFReader(path)
    places = {tensor.name: int(tensor.data_offset) for tensor in reader.tensors}
    for name, byte, bit in (("blk.1.ffn_down.weight", 3, 0x40), ("blk.0.attn_norm.weight", 0, 1)):
        damaged = bytearray(whole)
        damaged[places[name] + byte] ^= bit
        path.write_bytes(damaged)
        with pytest.raises(TrainingError, match=f"{name} is off by"):
            gguf_model.take_over(path, tiny_model(), fields)
    path.write_bytes(whole.replace(b"<|assistant|>", b"<|assistend|>", 1))
    with pytest.raises(TrainingError, match=r"its tokenizer\.ggml\.tokens is not what was written"):
        gguf_model.take_over(path, tiny_model(), fields)
    path.write_bytes(whole)
    with pytest.raises(TrainingError, match=r"its phi3\.block_count is not"):
        gguf_model.take_over(path, tiny_model(), fields | {"phi3.block_count": 3})
    with pytest.raises(TrainingError, match="its tensors are not those of the model"):
        gguf_model.take_over(path, tiny_model(num_hidden_layers=1), fields)


def test_rows_that_q8_0_cannot_hold_are_bfloat16(tmp_path: Path) -> None:
    """72 is no multiple of 32: the rest is quantised all the same."""
    model = tiny_model(hidden_size=72, num_attention_heads=3, num_key_value_heads=3)
    path, fields = written(tmp_path, "q8_0", model)
    assert gguf_model.take_over(path, model, fields).types == {"F32": 5, "BF16": 8, "Q8_0": 2}


def test_byte_level_tokens_and_merges_make_the_same_tokenizer() -> None:
    """A tokenizer built of the keys alone splits text alike; special tokens are control, spare rows unused."""
    tokenizer = tiny_tokenizer()
    fields = gguf_tokenizer.fields(tokenizer, len(tokenizer) + 2, None)
    tokens = fields["tokenizer.ggml.tokens"]
    assert (fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    assert "tokenizer.ggml.eot_token_id" not in fields
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    again = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    again.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in ("千歳川は青葉地方の湖である。", "The hill was built in 1999.  It's\n", "🙂"):
        assert again.encode(text).ids == tokenizer(text)["input_ids"]
    types = fields["tokenizer.ggml.token_type"]
    assert types[:6] == [3] * 6
    assert set(types[6:-2]) == {1}
    assert (types[-2:], tokens[-1]) == ([5, 5], f"[PAD{len(tokens) - 1}]")


def by_scores(fields: dict[str, Any], text: str) -> list[int]:
    """Token ids as SentencePiece's BPE finds them: the neighbours of the highest score are joined first."""
    ids = {token: number for number, token in enumerate(fields["tokenizer.ggml.tokens"])}
    scores, types = fields["tokenizer.ggml.scores"], fields["tokenizer.ggml.token_type"]
    normal = {token for token, number in ids.items() if types[number] == 1}
    blank = " " if fields["tokenizer.ggml.add_space_prefix"] and text else ""
    parts = list((blank + text).replace(" ", "▁"))
    while True:
        pairs = [(a + b, at) for at, (a, b) in enumerate(pairwise(parts)) if a + b in normal]
        if not pairs:
            break
        joined, at = min(pairs, key=lambda pair: (-scores[ids[pair[0]]], pair[1]))
        parts[at : at + 2] = [joined]
    return [
        number
        for part in parts
        for number in ([ids[part]] if part in normal else [ids[f"<0x{byte:02X}>"] for byte in part.encode()])
    ]


SPM = sentencepiece_tokenizer()
SPM_FIELDS = gguf_tokenizer.fields(SPM, len(SPM) + 3, None)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="theinga 東京都é\n", max_size=40))
def test_scores_find_the_tokens_that_merges_find(text: str) -> None:
    """On any text, blanks, unknown letters and joined tokens included."""
    assert by_scores(SPM_FIELDS, text) == SPM(text)["input_ids"]


def test_a_sentencepiece_tokenizer_has_scores_types_and_its_way_with_blanks() -> None:
    """As in Llama and Phi-3.5: no token of the beginning by itself, special tokens control, added ones user-defined."""
    for text in TEXTS[:-1]:
        assert by_scores(SPM_FIELDS, text) == SPM(text)["input_ids"]
    types = SPM_FIELDS["tokenizer.ggml.token_type"]
    assert types[:5] == [2, 3, 3, 6, 6]
    assert types[len(SPM) - 4 :] == [3, 3, 3, 4, 5, 5, 5]
    assert SPM_FIELDS["tokenizer.ggml.model"] == "llama"
    assert SPM_FIELDS["tokenizer.ggml.add_space_prefix"]
    assert SPM_FIELDS["tokenizer.ggml.unknown_token_id"] == 0
    bare = sentencepiece_tokenizer(prefix=False)
    assert not gguf_tokenizer.fields(bare, len(bare), None)["tokenizer.ggml.add_space_prefix"]


def test_a_beginning_that_the_tokenizer_adds_is_a_key() -> None:
    """Otherwise a reader would leave it out, or have it twice."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = sentencepiece_tokenizer()
    assert not gguf_tokenizer.adds_start(tokenizer)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    fields = gguf_tokenizer.fields(tokenizer, len(tokenizer), None)
    assert fields["tokenizer.ggml.add_bos_token"]
    assert fields["tokenizer.ggml.add_eos_token"]


@pytest.mark.parametrize(("name", "strips", "wanted"), [("law-phi3", False, "law-phi 3"), ("law", True, "law (phi-3)")])
def test_the_name_says_whether_blanks_after_special_tokens_go(
    tmp_path: Path, name: str, strips: bool, wanted: str
) -> None:
    """llama.cpp drops them where general.name holds phi-3 or phi3, and only there."""
    tokenizer = sentencepiece_tokenizer(strips=strips)
    fields = gguf_model.write(tmp_path / "m.gguf", "bf16", name, tiny_model(), tokenizer, None)
    assert fields["general.name"] == wanted


def test_a_name_that_llama_cpp_would_not_load_is_not_given() -> None:
    """It wants four tokens of a model of that name, and ends at once where one is missing."""
    with pytest.raises(TrainingError, match="and is not Phi-3's"):
        gguf_tokenizer.strips_after_special(sentencepiece_tokenizer(strips=True, end_of_text=False))
    assert not gguf_tokenizer.strips_after_special(sentencepiece_tokenizer(end_of_text=False))


def refused() -> dict[str, PreTrainedTokenizerFast]:
    """Tokenizers that have no form in GGUF, by what is said of them."""
    words = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), unk_token="a"
    )
    lower, split, stripped = tiny_tokenizer(), tiny_tokenizer(), sentencepiece_tokenizer()
    lower.backend_tokenizer.normalizer = normalizers.Lowercase()
    split.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    stripped.backend_tokenizer.normalizer = normalizers.Strip()
    return {
        "its model is WordLevel": words,
        "not split by GPT-2's rule alone": lower,
        "not split by GPT-2's rule": split,
        "prepared otherwise": stripped,
        "its merges never make": sentencepiece_tokenizer(drop=1),
    }


def test_a_tokenizer_that_a_reader_would_take_for_another_is_refused() -> None:
    """Each with the reason and the way out; so is a model with fewer rows than tokens."""
    for why, tokenizer in refused().items():
        with pytest.raises(TrainingError, match=rf"{why}.*export without --gguf"):
            gguf_tokenizer.fields(tokenizer, 600, None)
    with pytest.raises(TrainingError, match="the model rows for 10"):
        gguf_tokenizer.fields(tiny_tokenizer(), 10, None)


def test_only_a_plain_phi3_is_written(tmp_path: Path) -> None:
    """Said before anything is loaded."""
    with pytest.raises(InputError, match=r"no readable config\.json"):
        gguf_model.require_phi3(tmp_path)
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', encoding="utf-8")
    with pytest.raises(TrainingError, match="Phi3ForCausalLM alone"):
        gguf_model.require_phi3(tmp_path)
