"""A run with reasoning layers: its options, its files, an interruption."""

from __future__ import annotations

import ast
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from kill_run import result
from test_reasoning import logits_of
from train_samples import fill
from transformers import AutoModelForCausalLM, AutoTokenizer

from corpus.base.commit import sha256_file
from corpus.base.errors import ConfigError
from corpus.base.workspace import Workspace
from train.checkpoint.store import load
from train.export import plain
from train.gates import merge
from train.models import loading
from train.models.bases import Base
from train.qlora import assembly, training
from train.reasoning import extra_layers, modeling_so8
from train.reasoning.files import CONFIG_FILE, TENSORS_FILE

SMALL = (
    "--block 24 --batch 1 --held-out-blocks 2 --sample-tokens 2 --rank 4 --targets qkv_proj --gate-targets down_proj"
)
LAYERS = ["--reasoning-layers", "2", "--reasoning-lr", "0.05", "--gate-lr", "0.1"]
WORDS = ["--steps", "6", "--lr", "0.05", *SMALL.split(), "--dropout", "0.1", "--checkpoint-steps", "2"]


def run(workspace: Workspace, base: Base, name: str, *words: str) -> int:
    """The command on a workspace and the small base."""
    return training.main(["--data", str(workspace.root), "--base", str(base.folder), "--run", name, *WORDS, *words])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, small_base: Base) -> Workspace:
    """A workspace with an uninterrupted run with two layers, `whole`, over NF4."""
    workspace = fill(tmp_path_factory.mktemp("reasoning") / "w")
    assert run(workspace, small_base, "whole", *LAYERS) == 0
    return workspace


def test_layers_are_trained_counted_and_saved(
    whole: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each parameter has moved; number and strengths stand in the metadata and the card; a start says them."""
    folder = whole.path("models", "whole")
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    told = metadata["reasoning"]
    assert (told["layers"], told["parameters"]) == (2, extra_layers.count(64, 4, 2))
    assert all(strength != 0.5 for strength in told["strengths"])
    assert f"2 reasoning layers with {told['parameters']:,} parameters" in (folder / "README.md").read_text("utf-8")
    base = loading.load_model(small_base, "nf4", "bfloat16", "cpu")
    trained = loading.load_adapter(base, folder)
    for name, parameter in trained.named_parameters():
        assert not parameter.requires_grad, name
    fresh = extra_layers.ReasoningLayer(base.config, 2, extra_layers.ReasoningConfig(2))
    for layer in extra_layers.layers_of(trained):
        starts = dict(fresh.named_parameters())
        moved = {name for name, parameter in layer.named_parameters() if not torch.equal(parameter, starts[name])}
        assert moved == set(starts)
    ids = torch.arange(12)[None] + 10
    assert logits_of(trained, input_ids=ids).isfinite().all()
    capsys.readouterr()
    assert run(whole, small_base, "again", *LAYERS) == 0
    said = capsys.readouterr().err
    assert f"2 reasoning layers with {told['parameters']:,} parameters; " in said
    names = (TENSORS_FILE, CONFIG_FILE, "adapter_model.safetensors")
    assert all(sha256_file(folder / name) == sha256_file(whole.path("models", "again", name)) for name in names)


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    whole: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after step 4, the same command makes the same layers, adapter, metrics and sample."""
    true = torch.nn.utils.clip_grad_norm_
    calls: list[int] = []

    def counted(*arguments: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGTERM)
        return true(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", counted)
    assert run(whole, small_base, "cut", *LAYERS) == 128 + signal.SIGTERM
    assert run(whole, small_base, "cut", *LAYERS) == 0
    assert "going on from the checkpoint at step 4 of 6" in capsys.readouterr().err
    cut, wanted = whole.path("models", "cut"), whole.path("models", "whole")
    assert result(cut) == result(wanted)
    assert sha256_file(cut / TENSORS_FILE) == sha256_file(wanted / TENSORS_FILE)
    _, snapshot = load(sorted((cut / "checkpoints").iterdir())[-1])
    parts = ("reasoning", "reasoning_angles", "reasoning_alphas")
    assert [len(snapshot.parts[part]) for part in parts] == [6, 4, 2]
    for part in parts:
        assert not any(tensor.dtype != torch.float32 for tensor in snapshot.parts[part].values())


def test_a_run_without_layers_takes_away_those_of_the_run_before(whole: Workspace, small_base: Base) -> None:
    """Made anew without layers, a run has none of the former files, and its metadata no word of them."""
    folder = whole.path("models", "once")
    assert run(whole, small_base, "once", "--reasoning-layers", "1", "--reasoning-alpha", "golden") == 0
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    assert metadata["config"]["reasoning_lr"] == 2e-4
    strengths = metadata["reasoning"]["strengths"]
    assert strengths == pytest.approx([0.381966], abs=1e-6)
    assert json.loads((folder / CONFIG_FILE).read_text("utf-8"))["strength"] == strengths[0]
    assert run(whole, small_base, "once") == 0
    assert not (folder / TENSORS_FILE).exists()
    assert not (folder / CONFIG_FILE).exists()
    assert "reasoning" not in json.loads((folder / "metadata.json").read_text("utf-8"))


def exported(workspace: Workspace, base: Base, *words: str) -> int:
    """The command that exports the run `whole`."""
    return plain.main(["--data", str(workspace.root), "--base", str(base.folder), "--run", "whole", *words])


def test_an_export_keeps_the_layers_with_code_of_their_own(
    whole: Workspace,
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Transformers alone loads it, only if told to trust the code; the logits are those of the trained model."""
    words = ("--reasoning", "keep", "--dtype", "float32", "--name", "kept")
    assert exported(whole, small_base, *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folded_max_difference"] < 1e-4
    assert told["exported_max_difference"] < 1e-4
    folder = whole.path("models", "kept")
    code = (folder / "modeling_so8.py").read_text("utf-8")
    assert code == Path(modeling_so8.__file__).read_text("utf-8")
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes}
    assert {(name or "").partition(".")[0] for name in names} == {"__future__", "typing", "torch", "transformers"}
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ValueError, match="trust_remote_code"):
        AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, trust_remote_code=True)
    assert type(model).__module__.startswith("transformers_modules.")
    assert "quantization_config" not in json.loads((folder / "config.json").read_text("utf-8"))
    base = loading.load_model(small_base, "nf4", "bfloat16", "cpu")
    apart = merge.dequantize(loading.load_adapter(base, whole.path("models", "whole")))
    ids = torch.arange(24).reshape(2, 12) + 10
    assert (logits_of(model, input_ids=ids) - logits_of(apart, input_ids=ids)).abs().max() < 1e-4
    given: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "max_new_tokens": 6}
    given |= {"do_sample": False, "pad_token_id": 1}
    assert torch.equal(model.generate(**given), model.generate(**given, use_cache=False))
    with torch.no_grad():
        for layer in model.model.layers[2:]:
            layer.attention.output.weight.zero_()
    assert (logits_of(model, input_ids=ids) - logits_of(apart, input_ids=ids)).abs().max() > 0.05
    half: Any = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype=torch.bfloat16)
    assert half.model.layers[2].generators.dtype == torch.float32
    assert half.model.layers[2].attention.output.weight.dtype == torch.bfloat16
    assert AutoTokenizer.from_pretrained(folder, local_files_only=True)("条例")["input_ids"]
    assert "modeling_so8.py" in (folder / "README.md").read_text("utf-8")
    assert exported(whole, small_base, *words) == 0
    assert "2 reasoning layers with modelling code of their own" in capsys.readouterr().out


def test_a_run_checkpoints_added_layers_too(small_base: Base, tmp_path: Path) -> None:
    """Every layer recomputes itself; gradients are the same to the bit, and what is generated with a cache, too."""
    ids = torch.arange(48).reshape(2, 24) + 10
    found, written = [], []
    for twice in (False, True):
        config = training.Config(
            data=tmp_path, quantization="none", dtype="float32", reasoning_layers=2, activation_checkpointing=twice
        )
        torch.manual_seed(1)
        model: Any = assembly.prepared(loading.load_model(small_base, "none", "float32", "cpu"), config).train()
        with torch.no_grad():
            for layer in extra_layers.layers_of(model):
                layer.attention.output.weight.normal_(std=0.05)
        assert all(layer.gradient_checkpointing == twice for layer in model.get_base_model().model.layers)
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        found.append({name: p.grad for name, p in model.named_parameters() if p.requires_grad})
        model.eval()
        given: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "max_new_tokens": 6}
        given |= {"do_sample": False, "pad_token_id": 1}
        written += [model.generate(**given), model.generate(**given, use_cache=False)]
    assert all(torch.equal(found[1][name], gradient) for name, gradient in found[0].items())
    assert all(torch.equal(written[0], other) for other in written[1:])


def test_what_no_plain_model_and_no_gguf_holds_is_refused(
    whole: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the way out, and nothing is written."""
    assert run(whole, small_base, "bare") == 0
    capsys.readouterr()
    for words, line in (
        (["--name", "none"], "2 reasoning layers, which cannot be folded into a plain model; add --reasoning keep"),
        (["--name", "none", "--reasoning", "keep", "--gguf", "bf16"], "which no GGUF runtime knows; leave out --gguf"),
        (["--name", "none", "--reasoning", "keep", "--run", "bare"], "has no reasoning layers; leave out"),
    ):
        assert exported(whole, small_base, *words) == 2
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1
    assert not whole.path("models", "none").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"reasoning_layers": -1}, "must be at least 0"),
        ({"reasoning_lr": 0.1}, "need layers to act on"),
        ({"reasoning_alpha": "fixed"}, "need layers to act on"),
        ({"reasoning_layers": 1, "reasoning_lr": 0.0}, "0.0 must be a number above 0"),
        ({"reasoning_layers": 1, "reasoning_alpha_start": 1.0}, "strictly between"),
        ({"reasoning_layers": 1, "reasoning_alpha": "fixed", "reasoning_alpha_lr": 0.1}, "learns no strength"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words: dict[str, object], line: str, tmp_path: Path) -> None:
    """One line each, before anything is loaded."""
    with pytest.raises(ConfigError, match=line):
        training.Config(data=tmp_path, **words)  # type: ignore[arg-type]
