"""Stages: done once, redone when anything changed, healed when damaged, the same bytes always."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import base_stages
import pytest

from corpus.base.commit import is_temporary, sha256_file
from corpus.base.errors import CorruptFileError, EmptyInputError, LedgerError
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.units import code_version
from corpus.base.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Three shards of five rows, of which one each has no text."""
    return base_stages.corpus_of(tmp_path / "data")


def hashes(ws: Workspace) -> dict[str, str]:
    """Everything a stage made, but the state."""
    files = [p for p in ws.root.rglob("*") if p.is_file() and not p.name.startswith("state.sqlite")]
    return {ws.relative(p): sha256_file(p) for p in files if ws.relative(p).split("/")[0] != "quarantine"}


def test_a_stage_is_done_once(ws: Workspace) -> None:
    """First run: all units, rows accounted for; second run: none, and the same account."""
    tasks = base_stages.tasks_of(ws)
    first = run_tasks(ws, tasks)
    made, stamps = hashes(ws), {p: p.stat().st_mtime_ns for p in ws.shards("loud")}
    second = run_tasks(ws, tasks)
    assert (first.done, first.skipped, second.done, second.skipped) == (3, 0, 0, 3)
    for report in (first, second):
        assert (report.rows_in, report.kept, dict(report.dropped), report.healed) == (15, 12, {"empty": 3}, [])
    assert hashes(ws) == made
    assert {p: p.stat().st_mtime_ns for p in ws.shards("loud")} == stamps
    assert set(made) >= {f"{k}/s{n:02d}.parquet" for k in ("loud", "ledger/loud") for n in range(3)}
    assert first.line() == "loud: 3 of 3 units done; 12 of 15 rows kept (dropped: 3 empty)"
    assert second.line().startswith("loud: up to date; 12 of 15")


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    """1 and 2 workers, two workspaces: equal files."""
    made = []
    for workers in (1, 2):
        ws = base_stages.corpus_of(tmp_path / str(workers))
        assert run_tasks(ws, base_stages.tasks_of(ws), workers=workers).done == 3
        made.append(hashes(ws))
    assert made[0] == made[1]


def test_a_change_redoes_what_it_touches(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input redoes its unit, the configuration and the code redo all; a mere touch redoes none."""
    tasks = base_stages.tasks_of(ws)
    run_tasks(ws, tasks)
    os.utime(tasks[1].inputs[0])
    assert run_tasks(ws, tasks).done == 0
    table = read_shard(tasks[1].inputs[0])
    write_shard(tasks[1].inputs[0], table.slice(0, 3))
    report = run_tasks(ws, tasks)
    assert (report.done, report.rows_in) == (1, 13)
    assert run_tasks(ws, base_stages.tasks_of(ws, shorter_than=3)).done == 3
    monkeypatch.setattr("corpus.base.stages.code_version", lambda module: code_version(module) + "x")
    assert run_tasks(ws, base_stages.tasks_of(ws, shorter_than=3)).done == 3


def test_units_that_nobody_names_any_more_are_pruned(ws: Workspace) -> None:
    """A unit that left the list loses its files and its ledger, unless prune is off; the others stay."""
    tasks = base_stages.tasks_of(ws)
    run_tasks(ws, tasks)
    before = hashes(ws)
    run_tasks(ws, tasks[:2], prune=False)
    assert hashes(ws) == before
    run_tasks(ws, tasks[:2])
    assert set(before) - set(hashes(ws)) == {"loud/s02.parquet", "ledger/loud/s02.parquet"}
    with sqlite3.connect(ws.state) as db:
        assert db.execute("SELECT count(*) FROM files WHERE path LIKE '%s02%'").fetchone() == (0,)
    run_tasks(ws, [Task("other", "x", "base_stages:shout", tasks[0].inputs)])
    assert len(ws.shards("loud")) == 2  # another stage's tasks prune nothing here


def test_an_output_that_is_no_longer_made_goes(ws: Workspace) -> None:
    """A unit that made two files and now makes one leaves no stale file for the next stage to read."""
    run_tasks(ws, base_stages.tasks_of(ws, "base_stages:shout_and_note", note=True))
    assert len(list(ws.path("loud").glob("*.txt"))) == 3
    run_tasks(ws, base_stages.tasks_of(ws, "base_stages:shout_and_note", note=False))
    assert list(ws.path("loud").glob("*.txt")) == []
    assert run_tasks(ws, base_stages.tasks_of(ws, "base_stages:shout_and_note", note=False)).done == 0


@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone", "emptied", "ledger"])
def test_damaged_outputs_are_found_put_aside_and_rebuilt(ws: Workspace, damage: str) -> None:
    """However a committed file was damaged: the damaged one is kept in quarantine, the same bytes come back."""
    tasks = base_stages.tasks_of(ws)
    run_tasks(ws, tasks)
    before = hashes(ws)
    name = "ledger/loud/s01.parquet" if damage == "ledger" else "loud/s01.parquet"
    path = ws.path(name)
    whole = path.read_bytes()
    hurt = {"truncated": whole[:-100], "emptied": b"", "gone": None}.get(damage, whole[:50] + b"\xff" + whole[51:])
    path.unlink() if hurt is None else path.write_bytes(hurt)
    report = run_tasks(ws, tasks)
    assert (report.done, report.skipped) == (1, 2)
    assert hashes(ws) == before
    aside = list(ws.path("quarantine").glob("*")) if ws.path("quarantine").exists() else []
    assert [p.read_bytes() for p in aside] == ([] if hurt is None else [hurt])
    assert report.healed == ([] if hurt is None else [name])
    assert run_tasks(ws, tasks).done == 0


def test_a_damaged_input_that_another_stage_made_is_named(ws: Workspace) -> None:
    """The next stage does not read a damaged shard: one line names it; the stage that made it heals it."""
    tasks = base_stages.tasks_of(ws)
    run_tasks(ws, tasks)
    second = [Task("again", p.stem, "base_stages:shout", (p,)) for p in ws.shards("loud")]
    run_tasks(ws, second)
    before = hashes(ws)
    ws.path("loud", "s01.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(CorruptFileError, match=r"s01\.parquet: its content is not what was committed"):
        run_tasks(ws, second)
    run_tasks(ws, tasks)
    assert run_tasks(ws, second).done == 0
    assert hashes(ws) == before


def test_dropping_everything_is_an_error(ws: Workspace) -> None:
    """A filter that keeps no row says so, each time it is asked, and counts the reasons."""
    tasks = base_stages.tasks_of(ws, shorter_than=10_000)
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"stage loud dropped all 15 rows \(15 empty\)"):
            run_tasks(ws, tasks)


def test_a_stage_that_loses_a_row_is_stopped(ws: Workspace) -> None:
    """The conservation check stops it and nothing is recorded as finished."""
    with pytest.raises(LedgerError, match="5 rows went in, 4 are booked"):
        run_tasks(ws, base_stages.tasks_of(ws, "base_stages:forget_a_row"))
    with sqlite3.connect(ws.state) as db:
        assert db.execute("SELECT count(*) FROM units").fetchone() == (0,)


def test_no_tasks(tmp_path: Path) -> None:
    """Nothing harvested is an error that says what to run."""
    with pytest.raises(EmptyInputError, match="harvest first"):
        run_tasks(Workspace(tmp_path), [])


def test_a_redo_that_was_killed_is_no_damage(ws: Workspace) -> None:
    """New content committed, its row not yet: the next run redoes the unit, and puts no healthy file aside."""
    run_tasks(ws, base_stages.tasks_of(ws))
    Job(ws.root, Task("loud", "s00", "", ())).commit("loud/s00.parquet", lambda path: path.write_bytes(b"new") and None)
    report = run_tasks(ws, base_stages.tasks_of(ws, shorter_than=17))
    assert (report.done, report.healed) == (3, [])
    assert not ws.path("quarantine").exists()


def test_what_a_killed_worker_was_writing_is_gone_when_the_run_ends(tmp_path: Path) -> None:
    """Its half-written file does not wait for the next run to be swept away."""
    ws = base_stages.corpus_of(tmp_path)
    assert run_tasks(ws, base_stages.tasks_of(ws, "base_stages:killed_writing"), workers=2).done == 3
    assert (ws.root / "killed").exists()
    assert not [p for p in ws.root.rglob("*") if is_temporary(p)]


DRIVER = """
import sys
import base_stages
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
if __name__ == "__main__":
    ws = Workspace(sys.argv[1])
    run_tasks(ws, base_stages.tasks_of(ws, "base_stages:slow"), workers=2)
"""


def _wait_for_group(leader: int) -> None:
    """Until the workers have seen that their driver is gone: one may be in the middle of an fsync."""
    until = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(leader, 0)
            time.sleep(0.01)


def test_the_driver_killed_in_the_middle(tmp_path: Path) -> None:
    """Kill -9 of the driver while units run: the same call goes on, loses and repeats nothing finished, same bytes."""
    whole = base_stages.corpus_of(tmp_path / "whole", shards=6)
    run_tasks(whole, base_stages.tasks_of(whole, "base_stages:slow"))
    ws = base_stages.corpus_of(tmp_path / "killed", shards=6)
    (tmp_path / "driver.py").write_text(DRIVER)
    path = os.pathsep.join([str(Path(base_stages.__file__).parent), *filter(None, sys.path)])
    command = [sys.executable, str(tmp_path / "driver.py"), str(ws.root)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, start_new_session=True) as child:
        until = time.monotonic() + 60
        while len(ws.shards("loud")) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    _wait_for_group(child.pid)
    with sqlite3.connect(ws.state) as db:
        (finished,) = db.execute("SELECT count(*) FROM units").fetchone()
    assert finished < 6
    report = run_tasks(ws, base_stages.tasks_of(ws, "base_stages:slow"))
    assert report.skipped == finished
    assert hashes(ws) == hashes(whole)
    assert not [p for p in ws.root.rglob("*") if is_temporary(p)]
