"""What a run says of itself: the steps that it took, and of a loss only what can be said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from corpus.base.workspace import Workspace
from train.loop import fit, outcome
from train.models.bases import Base
from train.qlora import training


def told(asked: int, **loss: Any) -> dict[str, Any]:
    """As much of a run's metadata as is read."""
    return {"config": {"steps": asked}, "loss": loss}


@pytest.mark.parametrize(
    ("metadata", "number", "words"),
    [
        (told(30), 30, "30 steps"),
        (told(30, steps_done=30, best_step=30), 30, "30 steps"),
        (told(30, steps_done=30, best_step=20), 30, "30 steps, with the weights of step 20,"),
        (told(30, steps_done=12, best_step=4), 12, "12 of 30 steps, stopped early, with the weights of step 4,"),
    ],
)
def test_steps_are_those_that_were_taken(metadata: dict[str, Any], number: int, words: str) -> None:
    """An early stop is said, and of which step the weights are."""
    assert outcome.taken(metadata) == number
    assert outcome.steps(metadata) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (2.0, 1.0, "2.0 before, 1.0 after (-50.0 %)"),
        (2.0, 3.0, "2.0 before, 3.0 after (+50.0 %; it did NOT fall)"),
        (2.0, math.nan, "2.0 before, no number after: whether it fell cannot be said"),
        (math.inf, 2.0, "no number before, 2.0 after: whether it fell cannot be said"),
        (0.0, 2.0, "0.0 before, 2.0 after: whether it fell cannot be said"),
    ],
)
def test_a_loss_that_is_no_number_is_called_that(before: float, after: float, words: str) -> None:
    """And stands as null in JSON, which has no NaN."""
    loss = outcome.held_out(before, after)
    assert outcome.fall(loss, 1) == words
    assert json.loads(json.dumps(loss, allow_nan=False)) == loss


def test_an_early_stop_stands_in_answer_and_card(
    make_workspace: Callable[[str], Workspace],
    small_base: Base,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps asked for are not steps taken; and a held-out loss that breaks at the end is not said to have fallen."""
    workspace = make_workspace("w")
    losses = iter([3.0, 2.0, 4.0, 4.0, math.nan])
    monkeypatch.setattr(fit, "mean_loss", lambda *_: next(losses))
    words = ["--data", str(workspace.root), "--base", str(small_base.folder), "--steps", "9", "--block", "24"]
    words += ["--batch", "1", "--held-out-blocks", "2", "--sample-tokens", "2", "--quantization", "none"]
    words += ["--validate-steps", "1", "--patience", "2"]
    assert training.main(words) == 0
    said = "3 of 9 steps, stopped early, with the weights of step 1, on 10 documents"
    answer = capsys.readouterr().out
    card = workspace.path("models", "qlora", "README.md").read_text("utf-8")
    assert said in answer
    assert said in card
    assert "3.000 before, no number after: whether it fell cannot be said" in answer
    assert "3.0000 before, no number after: whether it fell cannot be said" in card
    assert training.main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (result["steps"], result["steps_asked"], result["held_out_after"]) == (3, 9, None)
