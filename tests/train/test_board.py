"""TensorBoard shows each step of a resumed run once."""

from __future__ import annotations

from pathlib import Path

from train.loop.board import Board


def test_a_run_that_goes_on_tells_each_step_once(tmp_path: Path) -> None:
    """Steps after the checkpoint were told by the first process; what the second tells takes their place."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Board(tmp_path) as board:
        for step in (1, 2, 3):
            board.tell({"step": step, "loss": 4.0 - step, "held_out": 1.0})
    with Board(tmp_path) as board:
        for step in (3, 4):
            board.tell({"step": step, "loss": 14.0 - step})
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    assert set(read.Tags()["scalars"]) == {"loss", "held_out"}
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [(1, 3.0), (2, 2.0), (3, 11.0), (4, 10.0)]


def test_a_board_that_is_told_nothing_writes_nothing(tmp_path: Path) -> None:
    """No empty event file is left by a run that was up to date or failed early."""
    with Board(tmp_path / "b"):
        pass
    assert not (tmp_path / "b").exists()
