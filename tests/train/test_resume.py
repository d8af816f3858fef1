"""An interrupted run goes on to the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from kill_run import result
from train_samples import fill

from corpus.base.workspace import Workspace
from train.checkpoint.snapshot import Standing
from train.checkpoint.store import load
from train.loop.step import Stepper
from train.models.bases import Base
from train.qlora import training

OPTIONS = "--block 24 --batch 1 --held-out-blocks 2 --sample-tokens 2 --dropout 0.1 --rank 4 --checkpoint-steps 2"
WORDS = OPTIONS.split()
EIGHT = ["--steps", "8", *WORDS]
SMALL_STEPS = ["--targets", "qkv_proj,down_proj", "--gate-targets", "down_proj"]  # cheap; LoRA and gates all the same


def run(workspace: Workspace, base: Base, name: str, *words: str) -> int:
    """The command on a workspace and the small base."""
    return training.main(["--data", str(workspace.root), "--base", str(base.folder), "--run", name, *words])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, small_base: Base) -> Workspace:
    """A workspace with an uninterrupted run of eight steps, `whole`; more runs may be added, nothing changed."""
    workspace = fill(tmp_path_factory.mktemp("resume") / "w")
    assert run(workspace, small_base, "whole", *EIGHT) == 0
    return workspace


@pytest.mark.slow
def test_ten_kills_at_random_moments_change_no_byte(
    make_workspace: Callable[[str], Workspace], small_base: Base
) -> None:
    """Kill -9 ten times, anywhere in 60 steps or a commit, over bf16 and NF4: all files are those of no kill."""
    workspace = make_workspace("w")
    driver = Path(__file__).with_name("kill_run.py")
    options = ["--steps", "60", *SMALL_STEPS, *WORDS]
    words = [sys.executable, str(driver), str(workspace.root), str(small_base.folder), "1", *options]
    environment = os.environ | {"PYTHONPATH": str(driver.parent.parent.parent)}
    answer = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert answer.returncode == 0, answer.stderr
    kinds = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [told["kind"] for told in kinds] == ["none", "nf4"]
    assert kinds[0]["whole"] != kinds[1]["whole"]
    for told in kinds:
        assert len(told["moments"]) == 10
        assert len(set(told["moments"])) > 4, "the kills came at the same moment"
        assert told["finished"]
        assert all(made == told["whole"] for made in told["finished"])
        assert len(list(workspace.path("models", f"{told['kind']}-0", "checkpoints").glob("[0-9]*"))) == 10


def test_a_project_that_moves_goes_on(
    whole: Workspace, small_base: Base, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workspace and base under other paths: the same bytes from the checkpoint; no path stands in one.

    Another content under the same name starts at zero.
    """
    moved = Workspace(tmp_path / "w")
    shutil.copytree(whole.root, moved.root)
    base = Base("moved", tmp_path / "elsewhere" / small_base.folder.name)
    shutil.copytree(small_base.folder, base.folder)
    folder = moved.path("models", "whole")
    shutil.rmtree(sorted((folder / "checkpoints").iterdir())[-1])
    (folder / "metadata.json").unlink()
    assert run(moved, base, "whole", *EIGHT) == 0
    assert "going on from the checkpoint at step 6 of 8" in capsys.readouterr().err
    assert result(folder) == result(whole.path("models", "whole"))
    states = [path.read_text("utf-8") for path in (folder / "checkpoints").glob("*/state.json")]
    assert states
    assert not any(str(small_base.folder) in state for state in states)
    (folder / "metadata.json").unlink()
    with (base.folder / "config.json").open("a") as file:
        file.write(" ")
    assert run(moved, base, "whole", *EIGHT) == 0
    assert "going on" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_command_goes_on(
    whole: Workspace,
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """After the step under way a checkpoint is saved, the status is 128 + the signal's, and the rest is the same."""
    words, name = EIGHT[:-2], f"cut-{number}"
    true_step = Stepper.take

    def step(stepper: Stepper, at: Standing) -> float:
        loss = true_step(stepper, at)
        if at.step == 4 and not whole.path("models", name).exists():
            signal.raise_signal(number)
        return loss

    monkeypatch.setattr(Stepper, "take", step)
    handler = signal.getsignal(number)
    assert run(whole, small_base, name, *words) == 128 + number
    assert signal.getsignal(number) is handler
    assert f"stopped by {number.name} after step 4 of 8; a checkpoint is saved" in capsys.readouterr().err
    assert run(whole, small_base, name, *words) == 0
    assert "going on from the checkpoint at step 4 of 8" in capsys.readouterr().err
    assert result(whole.path("models", name)) == result(whole.path("models", "whole"))


def test_a_damaged_newest_checkpoint_and_another_configuration(
    whole: Workspace, tmp_path: Path, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run goes on from the one before a truncated one; other options, or --resume no, start at zero; all say so."""
    workspace = Workspace(shutil.copytree(whole.root, tmp_path / "w"))
    folder = workspace.path("models", "whole")
    wanted = result(folder)
    newest = sorted((folder / "checkpoints").iterdir())[-1]
    weights = newest / "lora.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (folder / "gates.safetensors").unlink()  # what the run made is damaged, so it is to be made again
    capsys.readouterr()
    assert run(workspace, small_base, "whole", *EIGHT) == 0
    told = capsys.readouterr().err
    assert f"checkpoint passed over: {weights}" in told
    assert "going on from the checkpoint at step 6 of 8" in told
    assert result(folder) == wanted
    (folder / "gates.safetensors").unlink()
    assert run(workspace, small_base, "whole", *EIGHT, "--resume", "no") == 0
    assert "going on" not in capsys.readouterr().err
    assert result(folder) == wanted
    assert run(workspace, small_base, "whole", *EIGHT, "--lr", "0.5") == 0
    assert "going on" not in capsys.readouterr().err
    assert result(folder) != wanted


def test_a_checkpoint_holds_all_that_decides_how_to_go_on(whole: Workspace) -> None:
    """Parts, optimiser, learning rates, random numbers, cursor, configuration and metrics stand in it."""
    path = sorted(whole.path("models", "whole", "checkpoints").iterdir())[-1]
    _, snapshot = load(path)
    assert snapshot.step == 8
    assert set(snapshot.parts) == {"lora", "gates", "optimizer", "random"}
    trained = len(snapshot.parts["lora"]) + len(snapshot.parts["gates"])
    assert len(snapshot.parts["optimizer"]) == 3 * trained
    assert snapshot.parts["random"]["torch"].dtype == torch.uint8
    assert snapshot.state["cursor"] | {"step": 8, "batch": 1, "seed": 1, "epoch": 0} == snapshot.state["cursor"]
    assert snapshot.state["config"]["steps"] == 8
    assert [line["step"] for line in snapshot.state["metrics"]] == list(range(1, 9))
    assert len(snapshot.state["learning_rates"]) == 2


def test_a_gradient_that_is_no_number_stops_before_any_weight_is_touched(
    make_workspace: Callable[[str], Workspace],
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line that names the step; the last good checkpoint stands and is whole."""
    workspace = make_workspace("w")
    true = torch.nn.utils.clip_grad_norm_
    calls = []

    def poisoned(parameters: list[torch.nn.Parameter], limit: float) -> torch.Tensor:
        calls.append(1)
        return true(parameters, limit) * (float("nan") if len(calls) == 4 else 1)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
    assert run(workspace, small_base, "a", "--steps", "6", *WORDS) == 1
    assert "the norm of the gradient is nan at step 4" in capsys.readouterr().err
    path = sorted(workspace.path("models", "a", "checkpoints").iterdir())[-1]
    assert load(path)[1].step == 2


def test_a_run_with_every_option_of_the_loop_goes_on_to_the_same_bytes(
    whole: Workspace, small_base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts, recomputed activations, float16, another curve, scattered gates, validation, samples, patience, board."""
    words = [*EIGHT, "--accumulate", "2", "--activation-checkpointing", "yes", "--schedule", "linear", "--lr-end", "0"]
    words += [
        "--init-scale",
        "0.05",
        "--clip",
        "0.5",
        "--validate-steps",
        "2",
        "--patience",
        "5",
        "--sample-steps",
        "3",
    ]
    words += ["--tensorboard", "yes", "--dtype", "float16", "--quantization", "none", *SMALL_STEPS]
    assert run(whole, small_base, "full", *words) == 0
    true_step = Stepper.take

    def step(stepper: Stepper, at: Standing) -> float:
        if at.step == 5 and not whole.path("models", "full-cut", "metadata.json").exists():
            monkeypatch.undo()
            raise KeyboardInterrupt
        return true_step(stepper, at)

    monkeypatch.setattr(Stepper, "take", step)
    assert run(whole, small_base, "full-cut", *words) == 130
    assert run(whole, small_base, "full-cut", *words) == 0
    one, other = (whole.path("models", name) for name in ("full", "full-cut"))
    assert result(one) == result(other)
    assert (one / "samples.jsonl").read_bytes() == (other / "samples.jsonl").read_bytes()
    samples = [json.loads(line) for line in (one / "samples.jsonl").read_text("utf-8").splitlines()]
    assert [sample["step"] for sample in samples] == [3, 6]
    metrics = [json.loads(line) for line in (one / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in metrics if "held_out" in line] == [2, 4, 6, 8]
    assert metrics[0]["tokens"] == 2 * 24
    assert metrics[7]["lr_factor"] == pytest.approx(1 / 5)
    assert metrics[0]["loss_scale"] == 65536
    assert len(list((other / "tensorboard").iterdir())) == 2
    loss = json.loads((one / "metadata.json").read_text("utf-8"))["loss"]
    assert loss["steps_done"] == 8
    best = min((line for line in metrics if "held_out" in line), key=lambda line: line["held_out"])
    assert loss["best_step"] == best["step"]
    assert loss["held_out_after"] == best["held_out"]
    of_step = f", with the weights of step {loss['best_step']}," if loss["best_step"] != 8 else ""
    assert f" 8 steps{of_step} on " in (one / "README.md").read_text("utf-8")
