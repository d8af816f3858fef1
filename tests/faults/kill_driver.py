"""Runs a scenario again and again, killed one write-like system call later each time.

Run by the test under `strace -f --inject=CALLS:signal=KILL:when=BUDGET`. strace counts each kind of call of each
process for itself, so a forked child that first spends BUDGET - N calls of one kind where they do nothing is killed at
its N-th own call of that kind; with one start of Python for all kinds and all N. Everything that must not be killed
runs in other children, which stay below BUDGET.

Usage: kill_driver.py SCENARIO FOLDER BUDGET KINDS; writes FOLDER/results.jsonl, a line a kill.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import base_stages
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from corpus.base.commit import commit_bytes, commit_folder, is_temporary, sha256_file, sweep
from corpus.base.shards import read_shard
from corpus.base.stages import run_tasks
from corpus.base.units import code_version
from corpus.base.workspace import Workspace

DAMAGE = b"damaged"


def _prepare_commit(root: Path) -> None:
    commit_bytes(root / "a.bin", b"old" * 1000)


def _commit(root: Path) -> None:
    sweep(root)
    commit_bytes(root / "a.bin", b"new" * 5000)
    commit_bytes(root / "sub" / "deep" / "b.bin", b"second")


def _prepare_folder(root: Path) -> None:
    commit_folder(root / "model", lambda folder: _fill(folder, "old", 3))


def _folder(root: Path) -> None:
    sweep(root)
    commit_folder(root / "model", lambda folder: _fill(folder, "new", 2))


def _fill(folder: Path, text: str, files: int) -> None:
    (folder / "sub").mkdir()
    for number in range(files):
        (folder / "sub" / f"{number}.txt").write_text(text)


def _prepare_stage(root: Path) -> None:
    """Two finished units with a note each."""
    ws = base_stages.corpus_of(root, shards=2)
    run_tasks(ws, base_stages.tasks_of(ws, "base_stages:shout_and_note", note=True))


def _stage(root: Path) -> None:
    """One unit leaves (prune), the other is redone with other rows and one file less."""
    tasks = base_stages.tasks_of(Workspace(root), "base_stages:shout_and_note", note=False, shorter_than=17)
    run_tasks(Workspace(root), [task for task in tasks if task.name == "s00"])


def _prepare_heal(root: Path) -> None:
    """A finished unit whose shard is damaged."""
    ws = base_stages.corpus_of(root, shards=1)
    run_tasks(ws, base_stages.tasks_of(ws))
    ws.path("loud", "s00.parquet").write_bytes(DAMAGE)


def _heal(root: Path) -> None:
    """The damaged shard is put aside and made again."""
    run_tasks(Workspace(root), base_stages.tasks_of(Workspace(root)))


SCENARIOS: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
    "commit": (_prepare_commit, _commit),
    "folder": (_prepare_folder, _folder),
    "stage": (_prepare_stage, _stage),
    "heal": (_prepare_heal, _heal),
}


GONE = "/dev/null/gone"
SPEND: dict[str, Callable[[int], object]] = {  # a call of each kind that changes nothing; it may fail, it is counted
    "write": lambda null: os.write(null, b"x"),
    "pwrite64": lambda null: os.pwrite(null, b"x", 0),
    "fsync": os.fsync,
    "fdatasync": os.fdatasync,
    "ftruncate": lambda null: os.ftruncate(null, 0),
    "rename": lambda _: os.rename(GONE, GONE),  # noqa: PTH104  the bare call
    "unlink": lambda _: os.unlink(GONE),  # noqa: PTH108
    "unlinkat": lambda null: os.unlink("gone", dir_fd=null),
    "mkdir": lambda _: os.mkdir(GONE),  # noqa: PTH102
    "rmdir": lambda _: os.rmdir(GONE),  # noqa: PTH106
}


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked child; its wait status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  the child must not return into the parent's code
            traceback.print_exc()
            os._exit(9)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def look(root: Path) -> dict[str, object]:
    """What a user finds in the folder: content hashes, temporaries, ids that occur twice in a folder."""
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and not p.name.startswith("state.sqlite")]
    shards = [p for p in root.glob("loud/*.parquet") if not is_temporary(p) and p.read_bytes() != DAMAGE]
    rows = Counter(str(one) for path in shards for one in read_shard(path)["id"].to_pylist())
    return {
        "hashes": {p.relative_to(root).as_posix(): sha256_file(p) for p in files if not is_temporary(p)},
        "temporaries": [p.name for p in root.rglob("*") if is_temporary(p)],
        "twice": [key for key, number in rows.items() if number > 1],
    }


def main(scenario: str, folder: Path, budget: int, kinds: Sequence[str]) -> None:
    """Drive all N of one scenario."""
    prepare, work = SCENARIOS[scenario]
    template = folder / "template"

    def killed(root: Path, call: str, number: int) -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for _ in range(budget - number):
            with contextlib.suppress(OSError):
                SPEND[call](null)
        work(root)

    def report(root: Path, call: str, number: int, status: int) -> None:
        after = look(root)  # every shard that has its name must read, before anything is healed
        work(root)
        line = {"call": call, "n": number, "killed": os.WIFSIGNALED(status), "after": after, **look(root)}
        with (folder / "results.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        shutil.rmtree(root)

    def copied(root: Path) -> None:
        shutil.copytree(template, root)

    def whole(root: Path) -> None:
        copied(root)
        report(root, "", 0, 0)

    code_version("base_stages")  # remembered by all children, as what duckdb and pyarrow load at first use
    duckdb.connect(config={"threads": 1}).close()
    pc.greater(pc.utf8_length(pa.array(["x"])), 0)
    assert in_child(lambda: prepare(template)) == 0
    assert in_child(lambda: whole(folder / "whole")) == 0
    for call in kinds:
        status = 9
        for number in range(1, budget // 2):
            root = folder / f"{call}-{number}"
            assert in_child(partial(copied, root)) == 0
            status = in_child(partial(killed, root, call, number))
            assert in_child(partial(report, root, call, number, status)) == 0
            if not os.WIFSIGNALED(status):
                break
        assert status == 0, (call, status)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(","))
