"""The local executor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import executor_calls
import pytest

from corpus.base.errors import WorkerError
from corpus.base.executor import run_local


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_results(workers: int) -> None:
    """Every item once, with its own index."""
    got = list(run_local(executor_calls.square, range(7), workers=workers))
    assert sorted(got) == [(n, n * n) for n in range(7)]


def test_a_killed_worker_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    """Kill -9 in the middle: every item still gives one result."""
    items = [(n, str(tmp_path)) for n in range(6)]
    got = list(run_local(executor_calls.die_once, items, workers=2))
    assert (tmp_path / "died").exists()
    assert sorted(got) == [(n, n) for n in range(6)]


def test_many_deaths_of_different_items_lose_nothing(tmp_path: Path) -> None:
    """More deaths than one item is allowed, each of another item: all of them are tried again, and none is blamed."""
    items = [(n, str(tmp_path)) for n in range(10)]
    got = list(run_local(executor_calls.each_dies_once, items, workers=2))
    assert len(list(tmp_path.iterdir())) == 4
    assert sorted(got) == [(n, n) for n in range(10)]


def test_a_poison_item_is_named() -> None:
    """The item that kills every worker, and no neighbour of it, is named; it ends within bounded time."""
    started = time.monotonic()
    with pytest.raises(WorkerError, match=r"^item <2>: its worker process died 5 times") as caught:
        list(run_local(executor_calls.poison, range(6), workers=2, name=lambda n: f"item <{n}>"))
    assert time.monotonic() - started < 30
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_the_function_comes_through(workers: int) -> None:
    """The function's own exception, not a wrapped one, and no hang."""
    with pytest.raises(ValueError, match="item one"):
        list(run_local(executor_calls.fail, range(20), workers=workers))


def test_no_items() -> None:
    """Nothing to do is done at once."""
    assert list(run_local(executor_calls.square, [], workers=2)) == []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_leave_when_the_driver_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the driver: no worker goes on, idle or busy."""
    code = (
        "import executor_calls, sys; from corpus.base.executor import run_local\n"
        "if __name__ == '__main__': list(run_local(executor_calls.hang, sys.argv[1:], workers=2))"
    )
    script = tmp_path / "driver.py"
    script.write_text(code)
    marks = [tmp_path / "one", tmp_path / "two"]
    path = os.pathsep.join([str(Path(executor_calls.__file__).parent), *filter(None, sys.path)])
    with subprocess.Popen(
        [sys.executable, str(script), *map(str, marks)], env={**os.environ, "PYTHONPATH": path}
    ) as child:
        until = time.monotonic() + 60
        while not all(mark.exists() and mark.read_text() for mark in marks) and time.monotonic() < until:
            time.sleep(0.05)
        pids = [int(mark.read_text()) for mark in marks]
        assert all(map(_alive, pids))
        child.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    left = [pid for pid in pids if _alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
