"""The ablation: its rows, its choice of rates, its intervals, and what a killed one leaves to do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from train_samples import fill

from corpus.base.errors import EmptyInputError
from corpus.base.workspace import Workspace
from train.ablate import ablation, table
from train.ablate.config import VARIANTS
from train.models.bases import Base

SHORT = "--steps 2 --warmup 0 --block 32 --batch 1 --held-out-blocks 2 --export-dtype float32"


def words(workspace: Workspace, base: Base, *more: str) -> list[str]:
    """The command, short and over the small base."""
    return ["--data", str(workspace.root), "--base", str(base.folder), *SHORT.split(), *more]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that holds out two laws."""
    return fill(tmp_path_factory.mktemp("ablate"))


def test_every_variant_has_a_row_a_seed(
    workspace: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same tokens, a loss that moved, as many numbers as the adapter has, and an export that computes the same."""
    assert ablation.main(words(workspace, small_base, "--rates", "0.02", "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    folder = workspace.path("ablation", "default")
    assert told.pop("folder") == str(folder)
    result = json.loads((folder / "ablation.json").read_text(encoding="utf-8"))
    assert told == result
    assert [(row["variant"], row["seed"]) for row in result["rows"]] == [(v, s) for v in VARIANTS for s in (1, 2, 3)]
    trainable = {row["variant"]: row["trainable"] for row in result["rows"]}
    sizes = [(64, 192), (64, 64), (64, 256), (128, 64)]  # (inputs, outputs) of a layer's Linears; there are two layers
    lora = 2 * sum(16 * (inputs + outputs) for inputs, outputs in sizes)
    oft = 2 * sum(28 * inputs // 8 for inputs, _ in sizes)
    road = 2 * sum(outputs for _, outputs in sizes)  # an angle and a scale a pair
    gates = 2 * 2 * 28 * 64 // 8
    wanted = (0, lora, lora + gates, oft, oft, road)
    assert trainable == dict(zip(VARIANTS, wanted, strict=True))
    for row in result["rows"]:
        assert row["tokens"] == (0 if row["variant"] == "base" else 2 * 32)
        assert (row["test_loss"] == row["base_test_loss"]) == (row["variant"] == "base")
        assert row["exported_test_loss"] == pytest.approx(row["test_loss"], abs=1e-4)
    written = (folder / "table.md").read_text(encoding="utf-8")
    assert [line.split("|")[1].strip() for line in written.splitlines() if line.startswith("|")][2:] == list(VARIANTS)
    assert "64 tokens" in written
    assert "held_out_documents" in result["data"]


def test_a_killed_ablation_goes_on_and_chooses_by_validation(
    workspace: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """After kill -9 finished runs are not done again; the rate with the lowest validation loss is taken."""
    more = ["--name", "killed", "--variants", "lora,base", "--rates", "0.05,0.0001"]
    process = subprocess.Popen(
        [sys.executable, "-m", "train.ablate", *words(workspace, small_base, *more)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = workspace.path("ablation", "killed")
    end = time.monotonic() + 240
    while len(done := list(folder.glob("runs/*.json"))) < 2 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert done
    first = min(done, key=lambda path: path.stat().st_mtime_ns)  # the last one may not be booked yet
    before = first.stat().st_mtime_ns
    assert ablation.main(words(workspace, small_base, *more)) == 0
    assert first.stat().st_mtime_ns == before
    result = json.loads((folder / "ablation.json").read_text(encoding="utf-8"))
    losses = {row["rate"]: row["validation_loss"] for row in result["tuning"]}
    assert losses.keys() == {0.05, 0.0001}
    best = min(losses, key=lambda rate: losses[rate])
    assert {row["rate"] for row in result["rows"] if row["variant"] == "lora"} == {best}
    assert len(result["rows"]) == 6
    assert capsys.readouterr().out.startswith("| variant ")
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    assert ablation.main(words(workspace, small_base, *more)) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == times


def test_intervals_are_those_of_student() -> None:
    """Quantiles of the published table; an interval worked out by hand."""
    published = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 9: 2.2622, 30: 2.0423, 100: 1.9840}
    assert {n: round(table.t_quantile(n), 4) for n in published} == published
    reach = 4.302653 * 0.1 / 3**0.5  # the standard deviation of -0.2, -0.1 and 0 is 0.1
    assert table.interval([-0.2, -0.1, 0.0]) == pytest.approx((-0.1, -0.1 - reach, -0.1 + reach))


def row(variant: str, seed: int, loss: float, rate: float | None = 0.01) -> dict[str, Any]:
    """A run's result, as the stage writes it."""
    numbers = {"test_loss": loss, "exported_test_loss": loss + 0.25, "base_test_loss": 8.0, "cpu_seconds": 1.0}
    return {"variant": variant, "seed": seed, "rate": rate, "trainable": 5, **numbers}


def test_differences_are_paired_by_seed() -> None:
    """A variant that is 0.5 worse at each seed has a difference without spread, however much the seeds spread."""
    losses = {1: 4.0, 2: 6.0, 3: 5.0}
    rows = [row("lora", seed, loss) for seed, loss in losses.items()]
    rows += [row("oft", seed, losses[seed] + 0.5, 0.1) for seed in (3, 1, 2)]
    tuning = [row("oft", 1, 1.0, rate) for rate in (0.01, 0.03, 0.1)] + [
        row("lora", 1, 1.0, r) for r in (0.001, 0.01, 1.0)
    ]
    lora, oft = table.summary(rows, tuning)
    assert oft["minus_lora"] == pytest.approx({"mean": 0.5, "low": 0.5, "high": 0.5})
    assert oft["exported_minus_trained"] == pytest.approx({"mean": 0.25, "low": 0.25, "high": 0.25})
    assert lora["minus_lora"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert (oft["test_loss_mean"], oft["test_loss_sd"], oft["n"]) == (5.5, 1.0, 3)
    assert oft["change_percent"] == pytest.approx(-31.25)
    assert (lora["rate_at_edge"], oft["rate_at_edge"]) == (False, True)


def test_no_document_is_in_both_halves() -> None:
    """The cut is the document's end nearest to the middle; one document cannot be cut."""
    stream = np.array([5, 5, 1, 6, 6, 6, 1, 7, 1], dtype=np.uint16)
    first, second = ablation.halves(stream, 1)
    assert (first.tolist(), second.tolist()) == ([5, 5, 1], [6, 6, 6, 1, 7, 1])
    with pytest.raises(EmptyInputError, match="one held-out document"):
        ablation.halves(np.array([5, 5, 1]), 1)


@pytest.mark.parametrize(
    ("more", "status", "line"),
    [
        (["--seeds", "1,2"], 2, "at least three different"),
        (["--seeds", "1,1,2"], 2, "at least three different"),
        (["--variants", "oft,road"], 2, "lora among them"),
        (["--variants", "lora,orthogonal"], 2, "variants"),
        (["--rates", "0,0.1"], 2, "numbers above 0"),
        (["--name", "../x"], 2, "plain folder name"),
        (["--steps", "0"], 2, "at least 1"),
        (["--targets", "q_proj"], 1, "qkv_proj"),
        (["--rates", "1e30"], 1, "leave it out of --rates"),
        (["--domain", "aerospace"], 1, "too few documents"),
    ],
)
def test_wrong_words_end_with_one_clear_line(
    workspace: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str], more: list[str], status: int, line: str
) -> None:
    """What cannot work says what would; no traceback."""
    assert ablation.main(words(workspace, small_base, "--name", "wrong", *more)) == status
    error = [said for said in capsys.readouterr().err.splitlines() if said.startswith("error: ")]
    assert len(error) == 1
    assert line in error[0]
