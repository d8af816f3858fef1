"""Checkpoints: verified, rotated, passed over where damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from corpus.base.errors import CorruptFileError, InputError, StorageError
from train.checkpoint.rule import Rule
from train.checkpoint.store import Snapshot, Store, Timer, load


def snapshot(step: int) -> Snapshot:
    """One with numbers that tell its step."""
    parts = {"lora": {"a": torch.full((3, 2), float(step))}, "optimizer": {"0.step": torch.tensor(float(step))}}
    return Snapshot(step, parts, {"tokens": 10 * step, "metrics": [{"loss": 0.1 + step}]})


def filled(folder: Path, steps: int = 2) -> Store:
    """A store with checkpoints of steps 1, 2, ..."""
    store = Store(folder / "checkpoints", "f" * 64, keep=10)
    for step in range(1, steps + 1):
        store.save(snapshot(step))
    return store


def test_what_was_saved_is_read_back_to_the_bit(tmp_path: Path) -> None:
    """Tensors with their dtypes and the state come back."""
    odd = {"x": torch.tensor([1.5, -0.0]).bfloat16(), "y": torch.arange(5, dtype=torch.uint8)}
    store = Store(tmp_path, "f")
    store.save(Snapshot(7, {"lora": odd, "random": {"z": torch.tensor(0.1, dtype=torch.float64)}}, {"n": 0.1 + 0.2}))
    found = store.newest()
    assert found is not None
    assert (found.step, found.state) == (7, {"n": 0.1 + 0.2})
    for name, tensor in odd.items():
        assert found.parts["lora"][name].dtype == tensor.dtype
        assert torch.equal(found.parts["lora"][name], tensor)
    assert found.parts["random"]["z"].item() == 0.1


def test_the_newest_ten_are_kept(tmp_path: Path) -> None:
    """The eleventh pushes out the first; a step that comes again, after a fall-back, counts as new."""
    store = filled(tmp_path, 12)
    assert [path.name[-2:] for path in store.all()] == [f"{step:02d}" for step in range(3, 13)]
    store.save(snapshot(5))
    found = store.newest()
    assert found is not None
    assert found.step == 5
    assert len(store.all()) == 10


@pytest.mark.parametrize("name", ["lora.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "gone"])
def test_any_damage_to_a_file_falls_back_to_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str
) -> None:
    """Truncated, emptied, one bit flipped, or removed: the newest is passed over, named, the one before taken."""
    store = filled(tmp_path)
    file = store.all()[-1] / name
    body = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    else:
        middle = len(body) // 2
        body[middle] ^= 1
        file.write_bytes({"cut": bytes(body[:-1]), "empty": b"", "flip": bytes(body)}[damage])
    found = store.newest()
    assert found is not None
    assert found.step == 1
    assert found.parts["lora"]["a"][0, 0] == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "step-00000002" in line


def test_a_file_that_the_run_did_not_write_is_damage(tmp_path: Path) -> None:
    """A foreign file in a checkpoint, and a folder without a manifest, are told apart from whole ones."""
    store = filled(tmp_path)
    (store.all()[-1] / "lora2.safetensors").write_bytes(b"x")
    with pytest.raises(CorruptFileError, match="lora2"):
        load(store.all()[-1])
    (store.folder / "000003-step-00000003").mkdir()
    with pytest.raises(InputError, match="no whole checkpoint"):
        load(store.all()[-1])
    found = store.newest()
    assert found is not None
    assert found.step == 1


def test_another_run_does_not_go_on_from_it(tmp_path: Path) -> None:
    """Checkpoints of another fingerprint are not taken and not removed; with none whole there is nothing."""
    store = filled(tmp_path)
    other = Store(store.folder, "e" * 64)
    assert other.newest() is None
    assert len(other.all()) == 2
    for path in store.all():
        (path / "manifest.json").unlink()
    assert store.newest() is None


def test_a_refused_write_leaves_the_former_ones(tmp_path: Path) -> None:
    """Where the folder cannot be written, StorageError says so and the checkpoints before stand."""
    store = filled(tmp_path)
    away = tmp_path / "away"
    shutil.move(store.folder, away)
    store.folder.write_bytes(b"a file stands here")
    with pytest.raises(StorageError):
        store.save(snapshot(3))
    found = Store(away, store.fingerprint).newest()
    assert found is not None
    assert found.step == 2


def test_the_timer_goes_by_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Due after the seconds of the rule since the last save, and every so many steps where asked."""
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    timer = Timer(Rule())
    now += 179.9
    assert not timer.due(50)
    now += 0.2
    assert timer.due(51)
    timer.saved()
    assert not timer.due(52)
    by_step = Timer(Rule(steps=2))
    assert [by_step.due(step) for step in (1, 2, 3, 4)] == [False, True, False, True]
