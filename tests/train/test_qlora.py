"""A run from dataset shards to a saved adapter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from train_samples import fill, law_rows, row, write

from corpus.base.config import load
from corpus.base.workspace import Workspace
from train import tiny_base
from train.ablate import config as ablating
from train.export import config as exporting
from train.gates import gating
from train.loop import fit
from train.models import loading
from train.models.bases import Base, resolve
from train.packing import tokens
from train.qlora import config as qlora
from train.qlora import training

OPTIONS = ["--steps", "8", "--block", "64", "--batch", "2", "--held-out-blocks", "6", "--sample-tokens", "6"]


def run(workspace: Workspace, base: Base, *more: str) -> int:
    """The command on a workspace and the small base."""
    return training.main(["--data", str(workspace.root), "--base", str(base.folder), *OPTIONS, *more])


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder; checkpoints come when the clock says so, and are no result."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file()}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, small_base: Base) -> Workspace:
    """A workspace with one run, to be left as it is."""
    workspace = fill(tmp_path_factory.mktemp("qlora") / "one")
    assert run(workspace, small_base) == 0
    return workspace


def test_a_run_learns_saves_and_reads_back(
    first: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held-out loss falls; the adapter on a fresh base gives that loss again; metadata tells data, losses, licences."""
    workspace = first
    assert run(workspace, small_base, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    folder = workspace.path("models", "qlora")
    assert {p.name for p in folder.iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "gates.safetensors", "metadata.json",
        "checkpoints", "gates_config.json", "metrics.jsonl", "sample.txt",
    }  # fmt: skip
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    loss = metadata["loss"]
    assert result["held_out_after"] == loss["held_out_after"]
    assert loss["held_out_after"] < loss["held_out_before"]
    assert metadata["data"]["licences"] == {"PDL-1.0": 10}
    assert metadata["data"]["held_out_documents"] == 2
    shards = metadata["data"]["shards"]
    assert shards == {name: hashlib.sha256(workspace.path(name).read_bytes()).hexdigest() for name in shards}
    assert any(tensor.abs().max() > 0 for tensor in load_file(folder / gating.GATES_FILE).values())
    assert (folder / "sample.txt").read_text(encoding="utf-8").startswith("第一条")

    base = resolve(str(small_base.folder), workspace)
    model = loading.load_adapter(loading.load_model(base, "nf4", "bfloat16", "cpu"), folder)
    (of_tokens,) = workspace.path("tokens").iterdir()
    _, held_out = tokens.open_streams(of_tokens).blocks(64, 6)
    with fit.reproducible(1, 1):
        assert fit.mean_loss(model, held_out, 2) == loss["held_out_after"]
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_two_folders_get_the_same_bytes_and_a_second_run_does_nothing(
    first: Workspace, make_workspace: Callable[[str], Workspace], small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same dataset, base and configuration: identical files that name no path; a second run does nothing."""
    second = make_workspace("deeper/two")
    assert run(second, small_base) == 0
    folder = first.path("models", "qlora")
    assert hashes(folder) == hashes(second.path("models", "qlora"))
    for name in ("metadata.json", "adapter_config.json", "README.md"):
        assert str(first.root.parent) not in (folder / name).read_text(encoding="utf-8")
    capsys.readouterr()
    folder = second.path("models", "qlora")
    times = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert run(second, small_base) == 0
    assert "up to date, nothing to do" in capsys.readouterr().out
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == times
    (folder / "gates.safetensors").write_bytes(b"damaged")
    assert run(second, small_base) == 0
    assert hashes(folder) == hashes(first.path("models", "qlora"))


def test_no_licence_no_training(
    make_workspace: Callable[[str], Workspace], small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row without a licence ends the run with status 1 and one line; nothing is written."""
    workspace = make_workspace("w")
    bad = row("見本の文。", domain="law_policy", source="egov", licence=None)
    write(workspace, "data", "train", [*law_rows(10), bad])
    assert run(workspace, small_base) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no licence, no training" in error
    assert not workspace.path("models", "qlora").exists()


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["--stesp", "3"], 2, "did you mean steps?"),
        (["--domain", "law_polcy"], 2, "did you mean law_policy?"),
        (["--domain", "nsfw_adult"], 2, "no domain to train on"),
        (["--include", "everything"], 2, "restricted"),
        (["--run", "../elsewhere"], 2, "plain folder name"),
        (["--run", "classifier"], 2, "plain folder name"),
        (["--steps", "0"], 2, "at least 1"),
        (["--block", "100000"], 2, "positions"),
        (["--targets", "q_proj"], 1, "qkv_proj"),
        (["--gate-layers", "9"], 1, "gate-layers"),
        (["--gate-layers", "0,9"], 1, "no layer 9"),
        (["--prompt", ""], 2, "--prompt: give at least one character"),
        (["--prompt", "\udcff"], 2, "--prompt: give at least one character"),
        (["--seed", "-1"], 2, "--seed -1: must be at least 0"),
        (["--seed", "4294967296"], 2, "below 4294967296"),
        (["--lr", "nan"], 2, "--lr nan: must be a number above 0"),
        (["--lr", "inf"], 2, "--lr inf: must be a number above 0"),
        (["--lr", "0"], 2, "--lr 0.0: must be a number above 0"),
        (["--gate-lr", "nan"], 2, "--gate-lr nan: must be a number above 0"),
        (["--gate-alpha", "learned", "--gate-alpha-start", "1"], 2, "a learned start strictly between"),
        (["--gate-alpha", "golden", "--gate-alpha-end", "0.5"], 2, "--gate-alpha golden has no end to choose"),
        (["--pet", "0.1,0.2"], 2, "--pet: give three weights, one a phase"),
        (["--pet", "0.1,nan,0.2"], 2, "--pet: give three weights, one a phase"),
        (["--gate-alpha-lr", "0.1"], 2, "--gate-alpha fixed learns no strength"),
        (["--gate-alpha-steps", "5"], 2, "--gate-alpha fixed takes none"),
        (["--dropout", "1"], 2, "--dropout at least 0 and below 1"),
        (["--accumulate", "0"], 2, "--accumulate 0: must be at least 1"),
        (["--clip", "nan"], 2, "--clip nan: must be a number, at least 0"),
        (["--init-scale", "-1"], 2, "--init-scale -1.0: must be a number, at least 0"),
        (["--lr-end", "2"], 2, "--lr-end 2.0: must be from 0 to 1"),
        (["--lr", "1e39"], 2, "above 0, at most 1000"),
        (["--patience", "2"], 2, "give --validate-steps, too"),
        (["--schedule", "cosin"], 2, "did you mean cosine?"),
        (["--keep-checkpoints", "0"], 2, "--keep-checkpoints 0: must be at least 1"),
        (["--checkpoint-seconds", "nan"], 2, "--checkpoint-seconds above 0"),
        (["--base", "nobody/nothing"], 1, "hf download nobody/nothing"),
        (["--domain", "aerospace"], 1, "too few documents"),
        (["--device", "cuda"], 1, "no GPU"),
    ],
)
def test_wrong_words_end_with_one_clear_line(
    make_workspace: Callable[[str], Workspace],
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    line: str,
) -> None:
    """Whatever cannot work ends with its exit status and one line that says what would; no traceback, no folder."""
    if words[1] == "cuda" and torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    workspace = make_workspace("w")
    assert run(workspace, small_base, *words) == status
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not list(workspace.path("models").glob("*"))


def test_a_configuration_file_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys of table [qlora] count, words win over them, --help names every key with an example."""
    file = tmp_path / "c.toml"
    file.write_text(f'[qlora]\ndata = "{tmp_path}"\nsteps = 5\nblcok = 3\n', encoding="utf-8")
    assert training.main(["--config", str(file)]) == 2
    assert "did you mean block?" in capsys.readouterr().err
    file.write_text(f'[qlora]\ndata = "{tmp_path}"\nsteps = 5\n', encoding="utf-8")
    assert training.main(["--config", str(file), "--steps", "6"]) == 1
    assert f"no dataset in {tmp_path}/dataset" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        training.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--gate-lr X" in text
    assert "python -m train.qlora --data" in text


def test_a_real_base_is_trained_more_gently_than_the_tiny_one() -> None:
    """Rates that are not named depend on the base; a named one stands."""
    tiny, real = training.Config().rates(), training.Config(base="org/model").rates()
    assert max(real) < min(tiny)
    assert training.Config(base="org/model", lr=0.5).rates() == (0.5, *real[1:])
    assert training.Config(gate_lr=0.25).rates() == (tiny[0], 0.25, 0.25)


@pytest.mark.parametrize("config", [ablating.Config, exporting.Config, qlora.Config, tiny_base.Config])
def test_every_command_of_train_finds_the_workspace_that_the_environment_names(
    config: type[ablating.Config | exporting.Config | qlora.Config | tiny_base.Config],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As hakusho and a crawl do: HAKUSHO_DATA, else ./data, where no --data stands."""
    monkeypatch.setenv("HAKUSHO_DATA", "elsewhere")
    assert (load(config).data, load(config, overrides={"data": "here"}).data) == (Path("elsewhere"), Path("here"))
    monkeypatch.delenv("HAKUSHO_DATA")
    assert load(config).data == Path("data")
