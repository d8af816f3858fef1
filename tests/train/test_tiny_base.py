"""The tiny base: the same bytes anywhere, made once, right in its ids."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from train_samples import SMALL, encyclopaedia_rows, encyclopaedia_text, law_rows, write
from transformers import AutoModelForCausalLM, AutoTokenizer, Phi3ForCausalLM

from corpus.base.errors import EmptyInputError
from corpus.base.workspace import Workspace
from train import tiny_base
from train.models import bases
from train.models.bases import Base


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_it_learns_its_text_and_loads_in_plain_transformers(small_base: Base) -> None:
    """A Phi-3 with right special ids comes out, which knows its text far better than chance does."""
    metadata = json.loads((small_base.folder / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["loss_last"] < 0.8 * metadata["loss_first"]
    assert metadata["licences"] == {"CC-BY-SA-4.0": 12}
    model = AutoModelForCausalLM.from_pretrained(small_base.folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(small_base.folder, local_files_only=True)
    assert isinstance(model, Phi3ForCausalLM)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1, 1)
    assert (model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id) == (0, 1, 1)
    assert [len(tokenizer(tag)["input_ids"]) for tag in tiny_base.CHAT] == [1, 1, 1, 1]
    assert model.config.vocab_size % 64 == 0
    assert model.config.vocab_size >= len(tokenizer)
    ids = torch.tensor([tokenizer(encyclopaedia_text(random.Random(99)))["input_ids"][:100]])
    with torch.no_grad():
        loss = model(input_ids=ids, labels=ids).loss
    assert loss < 0.8 * torch.log(torch.tensor(float(len(tokenizer))))


def test_two_folders_get_the_same_bytes_and_a_second_call_does_nothing(
    make_workspace: Callable[[str], Workspace], small_base: Base
) -> None:
    """The same dataset gives the same files elsewhere; then nothing is to do; law may change, encyclopaedia may not."""
    workspace = make_workspace("elsewhere")
    folder = workspace.path(bases.TINY_FOLDER)
    assert tiny_base.ensure(workspace, SMALL)
    assert hashes(folder) == hashes(small_base.folder)
    times = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    write(workspace, "data", "train", law_rows(5))
    assert not tiny_base.ensure(workspace, SMALL)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == times
    write(workspace, "cc_by_sa", "train", encyclopaedia_rows(11))
    assert tiny_base.ensure(workspace, SMALL)
    assert hashes(folder) != hashes(small_base.folder)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_the_tokenizer_gives_back_any_text(small_base: Base, text: str) -> None:
    """Byte-level: whatever goes in comes out unchanged, also characters the training text did not hold."""
    tokenizer = AutoTokenizer.from_pretrained(small_base.folder, local_files_only=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_no_encyclopaedia_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without encyclopaedic text the call ends with status 1 and says what to do; without a dataset too."""
    workspace = Workspace(tmp_path)
    assert tiny_base.main(["--data", str(tmp_path)]) == 1
    write(workspace, "data", "train", law_rows(3))
    with pytest.raises(EmptyInputError):
        tiny_base.ensure(workspace, SMALL)
    assert tiny_base.main(["--data", str(tmp_path)]) == 1
    assert tiny_base.main(["--stpes", "3"]) == 2
    assert tiny_base.main(["--seed", "-1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "hakusho dataset build" in lines[0]
    assert "harvest wikipedia first" in lines[1]
    assert "did you mean steps?" in lines[2]
    assert "--seed -1: must be at least 0" in lines[3]
