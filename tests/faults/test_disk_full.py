"""A full disk: one clear line, nothing lost; with more room the same call heals and gives the same bytes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_STAGE = """
import json, shutil, sys
from pathlib import Path
import base_stages
from corpus.base.commit import is_temporary, sha256_file
from corpus.base.errors import HakushoError
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
ws = Workspace(sys.argv[1])
if not ws.path("in").exists():
    shutil.copytree(sys.argv[2], ws.path("in"))
try:
    run_tasks(ws, base_stages.tasks_of(ws))
except HakushoError as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    left = [p.name for p in ws.root.rglob("*") if is_temporary(p)]
    sys.exit(3 if left else error.exit_code)
files = [p for p in sorted(ws.root.rglob("*.parquet"))]
print(json.dumps({p.relative_to(ws.root).as_posix(): sha256_file(p) for p in files}))
"""
_CLI = """
import sys
from hakusho.cli import main
main(["pii", sys.argv[1], "--out", sys.argv[2]])
"""


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Four shards of about 20 kB each."""
    import base_stages

    return base_stages.corpus_of(tmp_path / "source", shards=4, rows=3000).path("in")


def test_a_full_disk_and_then_room(
    tmp_path: Path, shards: Path, own_mounts: list[str], python: str, environment: Mapping[str, str]
) -> None:
    """On a small tmpfs each size ends in one line that says what to do, or in the whole; more room heals it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "stage.py").write_text(_STAGE)
    run = f"{python} {tmp_path}/stage.py {disk}/data {shards}"
    sizes = [220, 300, 360, 420]
    lines = [f"mount -t tmpfs -o size={sizes[0]}k none {disk}"]
    for size in sizes:
        lines += [f"mount -o remount,size={size}k {disk}", f"{run} > {tmp_path}/out{size} 2> {tmp_path}/err{size}"]
        lines += [f"echo $? > {tmp_path}/rc{size}"]
    lines += [f"mount -o remount,size=20m {disk}", run]
    done = subprocess.run(
        [*own_mounts, "sh", "-c", "\n".join(lines)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    codes = [int((tmp_path / f"rc{size}").read_text()) for size in sizes]
    assert codes[0] == 1
    assert set(codes) <= {0, 1}
    for size, code in zip(sizes, codes, strict=True):
        said = (tmp_path / f"err{size}").read_text()
        assert len(said.splitlines()) == code, said
        assert said.startswith("StorageError: cannot ") == bool(code), said
        assert not code or "free some space" in said or "make the folder writable" in said
    whole = tmp_path / "whole"
    alone = subprocess.run(
        [python, str(tmp_path / "stage.py"), str(whole), str(shards)], env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == json.loads(alone.stdout)


def test_the_command_says_it_in_one_line(tmp_path: Path, python: str, environment: Mapping[str, str]) -> None:
    """`hakusho pii` under a file size limit: exit 1, one line on stderr, no output; without the limit it works."""
    rows = "".join(json.dumps({"id": str(n), "text": f"row {n} " * 50}) + "\n" for n in range(100))
    (tmp_path / "in.jsonl").write_text(rows)
    command = f"{python} -c '{_CLI}' {tmp_path}/in.jsonl {tmp_path}/out.jsonl"
    limited = ["sh", "-c", f"trap '' XFSZ; ulimit -f 8; {command}"]
    full = subprocess.run(limited, env=environment, capture_output=True, text=True, check=False)
    assert full.returncode == 1, full.stderr
    assert len(full.stderr.splitlines()) == 1, full.stderr
    assert full.stderr.startswith(f"hakusho: cannot write {tmp_path}/out.jsonl: File too large; ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl"]
    subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 100
