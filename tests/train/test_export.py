"""A run as a plain model: the same logits, in transformers alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_gates import logits
from train_samples import fill
from transformers import AutoModelForCausalLM, AutoTokenizer, Phi3ForCausalLM

from corpus.base.workspace import Workspace
from train.export import plain
from train.gates import gating, merge
from train.models import loading
from train.models.bases import Base, fingerprint, resolve
from train.qlora import training

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
FORMS: tuple[Callable[[float], str], ...] = (
    "{:.0f}".format, "{:.2g}".format, "{:.3g}".format, "{:.4f}".format, "{:+.1f}".format,
    lambda value: f"{100 * value:.1f}",
)  # fmt: skip
STEPS = "--steps 3 --warmup 0 --lr 0.05 --gate-lr 0.2 --block 32 --batch 1 --held-out-blocks 1 --sample-tokens 4"
WORDS = [*STEPS.split(), "--rank", "4", "--gate-alpha", "learned"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_base: Base) -> Workspace:
    """A workspace with a run over NF4 whose LoRA and gates are far from their start: its rates are high."""
    workspace = fill(tmp_path_factory.mktemp("export") / "w")
    assert training.main(["--data", str(workspace.root), "--base", str(small_base.folder), *WORDS]) == 0
    return workspace


def reread(workspace: Workspace, base: Base) -> Any:
    """The run as training left it: NF4, bfloat16, LoRA, gates."""
    model = loading.load_model(resolve(str(base.folder), workspace), "nf4", "bfloat16", "cpu")
    return loading.load_adapter(model, workspace.path("models", "qlora"))


def run(workspace: Workspace, base: Base, *words: str) -> int:
    """The command."""
    return plain.main(["--data", str(workspace.root), "--base", str(base.folder), *words])


def test_a_float32_export_is_the_trained_model(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain Phi-3, no key of ours; its logits are those of the unmerged model in float32, and not those of the base."""
    words = "--dtype float32 --name plain --gguf q8_0 --push org/law --dry-run --json"
    assert run(trained, small_base, *words.split()) == 0
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
    with gating.disabled(apart):
        without_gates = logits(apart)
        with apart.disable_adapter():
            base = logits(apart)
    assert (logits(model) - without_gates).abs().max() > 0.05
    assert (without_gates - base).abs().max() > 0.05
    require_gguf(folder, wanted)
    assert told["push"]["repository"] == "org/law"
    assert told["push"]["url"] == ""
    assert told["push"]["files"] == {file.name: file.stat().st_size for file in folder.iterdir()}


def require_gguf(folder: Path, wanted: torch.Tensor) -> None:
    """The GGUF of an export computes the trained model too, as another reader has it; the metadata has its errors."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32)
    found = logits(model.eval())
    report = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["gguf"]
    assert 0.004 < report["largest_relative_error"] < 0.007
    assert report["tensors"] == {"F32": 5, "Q8_0": 10}
    assert 0.5 * report["logits_relative_error"] < float((found - wanted).norm() / wanted.norm()) < 0.05
    assert "FROM ./model.gguf" in (folder / "Modelfile").read_text(encoding="utf-8")


def numbers(value: Any) -> Iterator[float | str]:
    """Every number in a JSON value, names and texts among them taken apart."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(key)
            yield from numbers(one)
    elif isinstance(value, list):
        yield from (number for one in value for number in numbers(one))
    elif isinstance(value, str):
        yield from re.findall(NUMBER, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_every_number_of_the_card_stands_in_the_metadata(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is there, rounded, or a percentage of it; the base of another folder is no hub model to link to."""
    measured = {"base": {"sha256": fingerprint(small_base)}, "summary": [{"test_loss_mean": 5.4321}]}
    at = trained.path("ablation", "small")
    at.mkdir(parents=True)
    (at / "ablation.json").write_text(json.dumps(measured), encoding="utf-8")
    (at / "table.md").write_text("| variant | test loss |\n|---|---|\n| base | 5.4321 |\n", encoding="utf-8")
    words = "--dtype float32 --name plain --gguf q8_0 --ablation small"
    assert run(trained, small_base, *words.split()) == 0
    folder = trained.path("models", "plain")
    card = (folder / "README.md").read_text(encoding="utf-8")
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    known = list(numbers(metadata))
    forms = {f"{form(value)}" for value in known if isinstance(value, float) for form in FORMS}
    forms |= {value for value in known if isinstance(value, str)}
    told = re.findall(NUMBER, card.replace("SO(8)", "SO()"))
    assert len(told) > 12
    assert [number for number in told if number not in forms] == []
    assert "base_model" not in card
    assert "## Ablation\n\n| variant | test loss |\n|---|---|\n| base | 5.4321 |\n" in card
    assert metadata["ablation"]["result"] == measured
    (at / "ablation.json").write_text(json.dumps(measured | {"base": {"sha256": "0"}}), encoding="utf-8")
    assert run(trained, small_base, *words.split()) == 1
    assert "measured over another base" in capsys.readouterr().err


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
    monkeypatch.setattr("train.gates.so8.fold", lambda _rotations, weight, bias=None: (weight, bias))
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
        (2, "give a repository as ORG/NAME", ["--push", "law"]),
        (1, "run python -m train.ablate first", ["--ablation", "absent"]),
        (2, "--dry-run is about an upload", ["--dry-run"]),
        (2, "--private is about an upload", ["--private"]),
        (2, "the run itself lies there", ["--name", "qlora"]),
        (2, "did you mean dtype?", ["--dtpye", "float32"]),
    ):
        trained.path("models", "taken").mkdir(exist_ok=True)
        assert run(trained, small_base, *words) == status, words
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1
