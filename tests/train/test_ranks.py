"""Two processes over gloo make what one makes with as large a batch, and go on from their checkpoints."""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from kill_run import result
from safetensors.torch import load_file
from test_gates import ADAPTER, turn_gates
from torch.distributed.tensor import DTensor
from train_samples import fill

from corpus.base.errors import StorageError
from corpus.base.workspace import Workspace
from train.checkpoint.snapshot import Standing
from train.checkpoint.store import Store
from train.distributed import fsdp, ranks
from train.loop.step import Stepper
from train.models import loading
from train.models.bases import Base
from train.qlora import training

WORDS = ["--steps", "4", "--block", "24", "--batch", "1", "--held-out-blocks", "1", "--sample-tokens", "2"]
WORDS += ["--rank", "4", "--checkpoint-steps", "2", "--device", "cpu"]
WORDS += ["--quantization", "none", "--dtype", "float32", "--targets", "qkv_proj", "--gate-targets", "down_proj"]
HEADS = ["--heads", "yes", "--heads-batch", "1", "--heads-tokens", "24", "--heads-documents", "4"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose runs have different names."""
    return fill(tmp_path_factory.mktemp("ranks") / "w")


@pytest.fixture(scope="module")
def one(workspace: Workspace, small_base: Base) -> Path:
    """A run of one process with twice the batch; also loads, before any fork, what a run needs."""
    import accelerate  # noqa: F401

    assert training.main(words(workspace, small_base, "one", "--batch", "2")) == 0
    return workspace.path("models", "one")


def words(workspace: Workspace, base: Base, name: str, *more: str) -> list[str]:
    """The command line of a run."""
    return ["--data", str(workspace.root), "--base", str(base.folder), "--run", name, *WORDS, *more]


def together(line: list[str]) -> list[int]:
    """Run the command in two processes; their exit statuses."""
    return in_two(lambda: training.main(line))


def in_two(work: Callable[[], int]) -> list[int]:
    """Work in two processes with the environment that torchrun gives them; their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "OMP_NUM_THREADS": "1"}
    pids = []
    for rank in (0, 1):
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
                os.environ |= address
                code = work()
            except BaseException:  # noqa: BLE001  a fork must end here, and say why
                traceback.print_exc()
            finally:
                os._exit(code)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def require_same(two: Path, one: Path, files: tuple[str, ...]) -> None:
    """The same losses, norms and counts at every step, and the same weights, but for rounding."""
    lines = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
        for folder in (two, one)
    ]
    for line, wanted in zip(*lines, strict=True):
        assert line == pytest.approx(wanted, rel=1e-4)
        assert line["tokens"] == wanted["tokens"]
    for name in files:
        found, wanted_weights = (load_file(folder / name) for folder in (two, one))
        for key, tensor in wanted_weights.items():
            size = float(tensor.abs().max())
            torch.testing.assert_close(found[key], tensor, rtol=0.02, atol=0.02 * size)


def test_two_processes_do_what_one_does_with_twice_the_batch(
    workspace: Workspace, small_base: Base, one: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Losses, norms and weights; written and said once; the result of one process is not that of two."""
    line = words(workspace, small_base, "two")
    assert together(line) == [0, 0]
    said = capfd.readouterr()
    assert (said.out.count("trained"), said.err) == (1, "")
    two = workspace.path("models", "two")
    require_same(two, one, ("gates.safetensors", "adapter_model.safetensors"))
    assert float(load_file(one / "gates.safetensors").popitem()[1].abs().max()) > 0
    assert len(list((two / "checkpoints").iterdir())) == 2
    assert together(line) == [0, 0]
    assert "up to date" in capfd.readouterr().out
    assert json.loads((two / "metadata.json").read_text("utf-8"))["config"]["processes"] == 2


def test_a_cut_base_gives_the_same_bytes(
    workspace: Workspace, small_base: Base, one: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """FSDP or whole in each process: losses, samples and what is trained are one, reasoning layers too."""
    assert one.exists()
    more = ["--validate-steps", "2", "--sample-steps", "2", "--reasoning-layers", "1", "--dropout", "0.2"]
    more += ["--activation-checkpointing", "yes"]
    assert together(words(workspace, small_base, "uncut", *more)) == [0, 0]
    assert together(words(workspace, small_base, "cut-base", *more, "--fsdp", "yes")) == [0, 0]
    assert "base: 73,888 of 147,776 frozen numbers in each process" in capfd.readouterr().err
    whole, cut = (workspace.path("models", name) for name in ("uncut", "cut-base"))
    files = [path.name for path in whole.iterdir() if path.suffix in (".safetensors", ".jsonl", ".txt")]
    assert len(files) == 6
    for name in files:
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_each_process_holds_half_of_what_is_frozen(small_base: Base) -> None:
    """Every frozen weight is cut, nothing that is trained is, and the logits are those of the whole model."""

    def work() -> int:
        with ranks.joined("cpu"):
            model = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER)
            turn_gates(model)
            inner = model.get_base_model()
            ids = torch.arange(2, 34).view(1, -1)
            frozen = [p for p in model.parameters() if not p.requires_grad]
            numbers, wanted = sum(p.numel() for p in frozen), model(input_ids=ids).logits
            held = fsdp.shard(inner, inner.model.layers, "cpu")
            assert 0.5 * numbers <= held < 0.51 * numbers
            trained = [p for p in model.parameters() if p.requires_grad]
            assert trained
            assert not any(isinstance(p, DTensor) for p in trained)
            assert torch.equal(model(input_ids=ids).logits, wanted)
        return 0

    assert in_two(work) == [0, 0]


def test_what_cannot_be_cut_is_said(workspace: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]) -> None:
    """One process, 4-bit weights, heads: one line, before anything is loaded."""
    for what, *more in (
        ("several processes", "--fsdp", "yes"),
        ("4-bit", "--fsdp", "yes", "--quantization", "nf4"),
        ("--heads", "--fsdp", "yes", *HEADS),
    ):
        assert training.main(words(workspace, small_base, "never", *more)) == 2
        said = capsys.readouterr().err
        assert what in said
        assert said.count("\n") == 1


def test_heads_learn_from_the_labels_of_both(workspace: Workspace, small_base: Base, one: Path) -> None:
    """The two processes have labels of different kinds, so different losses; the heads lie outside the model."""
    assert one.exists()
    assert together(words(workspace, small_base, "two-heads", *HEADS)) == [0, 0]
    assert training.main(words(workspace, small_base, "one-heads", *HEADS, "--accumulate", "2")) == 0
    folders = (workspace.path("models", name) for name in ("two-heads", "one-heads"))
    require_same(*folders, ("gates.safetensors", "adapter_model.safetensors", "heads.safetensors"))


def test_a_cut_run_of_two_goes_on_to_the_same_bytes(
    workspace: Workspace, small_base: Base, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout: each process has its own random numbers, and all of them are in the checkpoint."""
    assert one.exists()
    assert together(words(workspace, small_base, "whole", "--dropout", "0.2")) == [0, 0]
    true_step = Stepper.take

    def step(stepper: Stepper, at: Standing) -> float:
        if at.step == 3:
            raise KeyboardInterrupt
        return true_step(stepper, at)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "take", step)
        assert together(words(workspace, small_base, "cut", "--dropout", "0.2")) == [130, 130]
    (checkpoint,) = workspace.path("models", "cut", "checkpoints").iterdir()
    random = [load_file(checkpoint / f"random{number}.safetensors")["torch"] for number in ("", "_1")]
    assert not torch.equal(*random)
    assert together(words(workspace, small_base, "cut", "--dropout", "0.2")) == [0, 0]
    whole, cut = (workspace.path("models", name) for name in ("whole", "cut"))
    assert result(whole) == result(cut)


def test_an_error_ends_both_and_is_said_once(
    workspace: Workspace,
    small_base: Base,
    one: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the second process has work, in both at once, in the call itself, and where only the first one writes."""
    assert one.exists()
    for status, what, *more in (
        ([1, 0], "too few documents", "--domain", "aerospace"),
        ([2, 2], "positions", "--block", "100000"),
        ([2, 2], "--steps", "--steps", "many"),
    ):
        assert together(words(workspace, small_base, "bad", *more)) == status
        assert capfd.readouterr().err.count(what) == 1

    def full(*_: object) -> Path:
        raise StorageError("no room")

    monkeypatch.setattr(Store, "save", full)
    assert together(words(workspace, small_base, "bad")) == [1, 1]
    assert capfd.readouterr().err.count("error: no room") == 1
