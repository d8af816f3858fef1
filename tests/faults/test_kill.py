"""kill -9 at every write-like system call: the next run heals, with the bytes of an undisturbed run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import kill_driver
import pytest

WRITES = (
    "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,truncate,fallocate,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir"
)
"""System calls that change what a file system holds, or how durably."""
BUDGET = 200
_DRIVER = Path(__file__).parent / "kill_driver.py"


@pytest.mark.parametrize(
    ("scenario", "kinds", "at_least"),
    [
        ("commit", list(kill_driver.SPEND), 10),
        ("folder", list(kill_driver.SPEND), 15),
        ("stage", list(kill_driver.SPEND), 60),
        ("heal", ["fsync", "fdatasync", "rename", "mkdir", "unlink"], 10),  # the steps by which it differs from "stage"
    ],
    ids=["commit", "folder", "stage", "heal"],
)
def test_kill_at_every_write(
    scenario: str,
    kinds: list[str],
    at_least: int,
    tmp_path: Path,
    strace: str,
    python: str,
    environment: Mapping[str, str],
) -> None:
    """After each kill every named file reads, and the same call gives equal SHA-256, no temporary, no id twice."""
    log = tmp_path / "calls"
    command = [
        strace, "-f", "-qq", "-o", str(log), "-e", f"trace={WRITES}", f"--inject={WRITES}:signal=KILL:when={BUDGET}",
        python, str(_DRIVER), scenario, str(tmp_path), str(BUDGET), ",".join(kinds),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    calls = set(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))
    assert calls <= set(kill_driver.SPEND), "a kind of write that the driver does not kill at"
    whole, *rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    kills = [row for row in rows if row["killed"]]
    assert len(kills) >= at_least
    for row in rows:
        where = (row["call"], row["n"])
        assert row["hashes"] == whole["hashes"], where
        assert (row["temporaries"], row["twice"]) == ([], []), where
    assert any(row["after"]["temporaries"] for row in kills), "no kill fell into a write"
