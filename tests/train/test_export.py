"""A run as a plain model: the same logits, in transformers alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_gates import logits
from train_samples import fill
from transformers import AutoModelForCausalLM, AutoTokenizer, Phi3ForCausalLM

from corpus.base.workspace import Workspace
from train import export, gates, merge, models, qlora
from train.bases import Base, resolve

STEPS = "--steps 3 --warmup 0 --lr 0.05 --gate-lr 0.2 --block 32 --batch 1 --held-out-blocks 1 --sample-tokens 4"
WORDS = [*STEPS.split(), "--rank", "4", "--gate-alpha", "learned"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_base: Base) -> Workspace:
    """A workspace with a run over NF4 whose LoRA and gates are far from their start: its rates are high."""
    workspace = fill(tmp_path_factory.mktemp("export") / "w")
    assert qlora.main(["--data", str(workspace.root), "--base", str(small_base.folder), *WORDS]) == 0
    return workspace


def reread(workspace: Workspace, base: Base) -> Any:
    """The run as training left it: NF4, bfloat16, LoRA, gates."""
    model = models.load_model(resolve(str(base.folder), workspace), "nf4", "bfloat16", "cpu")
    return models.load_adapter(model, workspace.path("models", "qlora"))


def run(workspace: Workspace, base: Base, *words: str) -> int:
    """The command."""
    return export.main(["--data", str(workspace.root), "--base", str(base.folder), *words])


def test_a_float32_export_is_the_trained_model(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain Phi-3, no key of ours; its logits are those of the unmerged model in float32, and not those of the base."""
    assert run(trained, small_base, "--dtype", "float32", "--name", "plain", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    folder = trained.path("models", "plain")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    assert type(model) is Phi3ForCausalLM
    assert model.dtype == torch.float32
    assert "quantization_config" not in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    apart = merge.dequantize(reread(trained, small_base))
    wanted = logits(apart)
    assert (logits(model) - wanted).abs().max() < 1e-4
    assert told["folded_max_difference"] < 1e-4
    assert told["exported_max_difference"] < 1e-4
    assert told["same_next_token"] == 1.0
    assert 1e-4 < told["trained_max_difference"] < 0.1 * told["largest"]  # bfloat16 in training, nothing more
    with gates.disabled(apart):
        without_gates = logits(apart)
        with apart.disable_adapter():
            base = logits(apart)
    assert (logits(model) - without_gates).abs().max() > 0.05
    assert (without_gates - base).abs().max() > 0.05


def test_a_bfloat16_export_says_what_rounding_costs_and_is_made_once(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file's numbers are bfloat16, the difference is measured; a second call does nothing; the card has it all."""
    assert run(trained, small_base) == 0
    assert "exported; a plain Phi3ForCausalLM in bfloat16" in capsys.readouterr().out
    folder = trained.path("models", "qlora-export")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    assert model.dtype == torch.bfloat16
    report = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["logits"]
    assert report["folded_max_difference"] < 1e-4 < report["exported_max_difference"]
    assert 1e-4 < report["exported_relative_error"] < 0.02
    wanted = logits(merge.dequantize(reread(trained, small_base)))
    assert float((logits(model.float()) - wanted).norm() / wanted.norm()) < 0.02
    assert f"at most {report['exported_max_difference']:.2g}" in (folder / "README.md").read_text(encoding="utf-8")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run(trained, small_base) == 0
    assert "up to date, nothing to do" in capsys.readouterr().out
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    chat = [{"role": "user", "content": "条例とは"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|user|>\n条例とは<|end|>\n<|assistant|>\n"


def test_a_fold_that_computes_something_else_is_no_export(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, status 1, and no folder."""
    monkeypatch.setattr("train.so8.fold", lambda _rotations, weight, bias=None: (weight, bias))
    assert run(trained, small_base, "--name", "wrong") == 1
    error = capsys.readouterr().err
    assert "the folded model is not the trained one" in error
    assert error.count("\n") == 1
    assert not trained.path("models", "wrong").exists()


def test_what_cannot_be_exported_is_one_clear_line(
    trained: Workspace,
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """No run, another base, a name that is taken, a word that is none."""
    other = tmp_path / "other"
    other.mkdir()
    for file in small_base.folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes() + (b"\n" if file.name == "config.json" else b""))
    for status, line, words in (
        (1, "no run in", ["--run", "absent"]),
        (1, "was trained over another base", ["--base", str(other)]),
        (2, "holds something else", ["--name", "taken"]),
        (2, "the run itself lies there", ["--name", "qlora"]),
        (2, "did you mean dtype?", ["--dtpye", "float32"]),
    ):
        trained.path("models", "taken").mkdir(exist_ok=True)
        assert run(trained, small_base, *words) == status, words
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1
