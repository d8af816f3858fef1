"""Chats: read, written out, packed; only what the assistant says is learnt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.commit import sha256_file
from corpus.base.errors import InputError
from corpus.base.workspace import Workspace
from train.loop.objective import take
from train.models import loading
from train.models.bases import Base
from train.packing import chats
from train.qlora import training
from train.qlora.config import Config

CHAT = [
    {"role": "user", "content": "第一条とは何か"},
    {"role": "assistant", "content": "目的を定める。"},
    {"role": "user", "content": "第二条は"},
    {"role": "assistant", "content": "定義である。"},
]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "no JSON"),
        ('{"text": "a"}', "no list 'messages'"),
        ('{"messages": [{"role": "user"}]}', "message 1 has no text"),
        ('{"messages": [{"role": "robot", "content": "a"}]}', "message 1: role 'robot' is none of"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "the assistant says nothing"),
        ('{"messages": [{"role": "assistant", "content": "a\\ud800"}]}', "message 1: half of a surrogate pair"),
        ("[" * 100_000, "no chat: JSON nested too deeply"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path: Path, row: str, reason: str) -> None:
    """File, line and reason are said."""
    path = tmp_path / "chats.jsonl"
    path.write_text(json.dumps({"messages": CHAT}) + "\n\n" + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"chats.jsonl:3: {reason}"):
        chats.read([path])


def test_only_line_feeds_end_a_row(tmp_path: Path) -> None:
    """Other line ends that Unicode knows may stand in JSON text; a byte order mark and CR LF are no part of it."""
    path = tmp_path / "chats.jsonl"
    content = "a\u2028b\u2029c\u0085d"
    rows = [{"messages": [{"role": "assistant", "content": text}]} for text in (content, "e")]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    assert [chat[0]["content"] for chat in chats.read([path])] == [content, "e"]
    path.write_bytes(("\ufeff" + "\n".join([*lines, "{"])).encode())
    with pytest.raises(InputError, match=r"chats.jsonl:3: no JSON"):
        chats.read([path])
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"chats.jsonl: no readable text in UTF-8"):
        chats.read([path])


@pytest.mark.parametrize("mark", ["{% generation %}", "{%- generation -%}", "{%generation-%}", "{%+ generation %}"])
def test_a_template_with_marks_of_any_form_is_the_bases_own(small_base: Base, mark: str) -> None:
    """Jinja's ways of white space; one whose mark stands in a comment has none, and Phi-3's form is taken."""
    tokenizer = loading.load_tokenizer(small_base)
    tokenizer.chat_template = "{% for m in messages %}A:" + mark + "{{ m['content'] }}{% endgeneration %};{% endfor %}"
    (found,) = chats.encode([[{"role": "assistant", "content": "z"}]], tokenizer)
    assert tokenizer.decode(found.ids.tolist()) == "A:z;<|endoftext|>"
    assert tokenizer.decode(found.ids[found.said].tolist()).rstrip(";") == "z"
    tokenizer.chat_template = "{# " + mark + " #}{% for m in messages %}A:{{ m['content'] }}{% endfor %}"
    (found,) = chats.encode([[{"role": "assistant", "content": "z"}]], tokenizer)
    assert tokenizer.decode(found.ids[found.said].tolist()) == "z<|end|>"


def test_only_answers_are_learnt(small_base: Base) -> None:
    """What has a label decodes to the assistant's words and their end marks, nothing else."""
    tokenizer = loading.load_tokenizer(small_base)
    encoded = chats.encode([CHAT], tokenizer)[0]
    said = tokenizer.decode(encoded.ids[encoded.said].tolist())
    assert said == "目的を定める。<|end|>定義である。<|end|>"
    assert encoded.ids[-1] == tokenizer.eos_token_id
    assert not encoded.said[-1]


@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(8, 32))
def test_packing_keeps_chats_whole(sizes: list[int], length: int) -> None:
    """Every chat that fits stands in one block, once, with positions from 0 and labels on its answers alone."""
    made = [
        chats.Encoded(np.arange(1000 * n, 1000 * n + size, dtype=np.int32), np.arange(size) % 2 == 1)
        for n, size in enumerate(sizes, 1)
    ]
    blocks = chats.pack(made, length, 0)
    for n, chat in enumerate(made, 1):
        rows, columns = np.nonzero(blocks.ids // 1000 == n)
        if len(chat.ids) <= length:
            assert len(set(rows)) == 1
            assert blocks.ids[rows, columns].tolist() == chat.ids.tolist()
            assert blocks.positions[rows, columns].tolist() == list(range(len(chat.ids)))
            assert (blocks.labels[rows, columns] != -100).tolist() == chat.said.tolist()
    assert (blocks.labels[blocks.ids == 0] == -100).all()
    assert blocks.tokens == (blocks.ids != 0).sum()
    assert ((blocks.ids != 0).sum(axis=1) > length // 2).sum() >= len(blocks) - 1


def test_chats_of_a_block_do_not_see_each_other(small_base: Base) -> None:
    """A packed chat has the logits that it has alone; document blocks beside it keep theirs."""
    tokenizer = loading.load_tokenizer(small_base)
    model = loading.load_model(small_base, "none", "float32", "cpu").eval()
    first, second = chats.encode([CHAT, CHAT[:2]], tokenizer)
    length = len(first.ids) + len(second.ids) + 3
    packed = chats.pack([first, second], length, int(tokenizer.eos_token_id))
    assert len(packed) == 1
    documents = np.arange(10, 10 + 2 * length, dtype="<u2")
    blocks = chats.WithChats(documents, length, int(tokenizer.eos_token_id), chats=packed)
    assert len(blocks) == 3
    batch = take(model, blocks, [1, 2])
    with torch.no_grad():
        together = model(input_ids=batch.ids, position_ids=batch.positions, use_cache=False).logits
        alone = model(input_ids=torch.from_numpy(second.ids).long()[None]).logits[0]
        document = model(input_ids=batch.ids[:1]).logits[0]
    at = len(first.ids)
    torch.testing.assert_close(together[1, at : at + len(second.ids)], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[0], document, atol=1e-5, rtol=1e-5)


def test_a_run_with_chats_learns_them_and_goes_on_to_the_bit(
    make_workspace: Callable[[str], Workspace], small_base: Base, tmp_path: Path
) -> None:
    """Chats stand in the metadata; a run that stopped half way and goes on makes the adapter of one that did not."""
    files = []
    for folder, number in (("a", 4), ("b", 5)):
        files.append(tmp_path / folder / "chats.jsonl")
        files[-1].parent.mkdir()
        files[-1].write_text("".join(json.dumps({"messages": CHAT}) + "\n" for _ in range(number)), encoding="utf-8")
    adapters = []
    for name in ("whole", "stopped"):
        workspace = make_workspace(name)
        config = Config(
            data=workspace.root, base=str(small_base.folder), steps=4, batch=2, block=64, chats=tuple(files),
            quantization="none", checkpoint_steps=2, sample_tokens=1, held_out_blocks=2,
        )  # fmt: skip
        metadata, _ = training.train(config)
        folder = workspace.path("models", config.run)
        if name == "stopped":
            shutil.rmtree(sorted((folder / "checkpoints").iterdir())[-1])
            (folder / "metadata.json").unlink()
            metadata, done = training.train(config)
            assert done
        adapters.append((folder / "adapter_model.safetensors").read_bytes())
    assert adapters[0] == adapters[1]
    assert metadata["data"]["chats"]["chats"] == 9
    assert metadata["data"]["chats"]["files"] == {
        name: sha256_file(file) for name, file in zip(("chats.jsonl", "chats.jsonl (2)"), files, strict=True)
    }
