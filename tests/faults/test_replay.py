"""Power cuts, replayed from the recorded system calls: every state they can leave reads as old or as new."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import replay
from replay import Op, Tree

from corpus.base.commit import is_temporary

_MUTANT = "import os; os.fsync = lambda descriptor: None\n"
_COMMIT = """
import os, sys
from pathlib import Path
from corpus.base.commit import commit_bytes
for name, letter in (("a", b"1"), ("new/folder/b", b"2"), ("a", b"3")):
    commit_bytes(Path(sys.argv[1]) / name, letter * 9000)
    os.write(1, name.encode() + b" " + letter)
"""
_MANIFEST = """
import os, sys
from pathlib import Path
from corpus.base.commit import commit_bytes
from corpus.base.manifest import Manifest, Unit
from corpus.base.workspace import Workspace
ws = Workspace(Path(sys.argv[1]))
with Manifest(ws) as manifest:
    for name in ("one", "two", "one"):
        record = commit_bytes(ws.path("s", name), os.urandom(3000))
        manifest.finish(Unit("s", name, record.sha256, (f"s/{name}",), 1, 1, {}), [record])
        os.write(1, f"{name} {record.sha256}".encode())
    manifest.forget(["s/two"])
    os.write(1, b"two gone")
"""


@pytest.fixture
def recorded(
    tmp_path: Path, strace: str, python: str, environment: Mapping[str, str]
) -> Callable[[str, Tree], list[Op]]:
    """Record a program over a folder that holds a tree."""

    def run(program: str, initial: Tree) -> list[Op]:
        root = tmp_path / "root"
        root.mkdir()
        for name, content in initial.items():
            (root / name).write_bytes(content)
        return replay.record(strace, [python, "-c", program, str(root)], root, tmp_path / "log", environment)

    return run


def _commit_faults(marks: list[bytes], tree: Tree) -> list[str]:
    """What a reader may hold against a state: content never committed, or acknowledged and gone."""
    history = {"a": [b"old", b"1" * 9000, b"3" * 9000], "new/folder/b": [None, b"2" * 9000]}
    done = dict(mark.decode().split() for mark in marks)  # the last word on each name
    faults = []
    for name, contents in history.items():
        first = 0 if name not in done else next(i for i, c in enumerate(contents) if c and c[:1] == done[name].encode())
        if tree.get(name) not in contents[first:]:
            faults.append(name)
    return faults


def test_commit_leaves_no_bad_state(recorded: Callable[[str, Tree], list[Op]]) -> None:
    """After any cut each name reads as a committed content, and as nothing older than what was acknowledged."""
    found = list(replay.states({"a": b"old"}, recorded(_COMMIT, {"a": b"old"})))
    assert len(found) > 10
    assert [(marks, tree.keys()) for marks, tree in found if _commit_faults(marks, tree)] == []
    assert found[-1][0] == [b"a 1", b"new/folder/b 2", b"a 3"]


def test_commit_without_fsync_is_caught(recorded: Callable[[str, Tree], list[Op]]) -> None:
    """The same tool finds bad states once fsync does nothing: torn files and lost renames."""
    ops = recorded(_MUTANT + _COMMIT, {"a": b"old"})
    bad = [tree for marks, tree in replay.states({"a": b"old"}, ops) if _commit_faults(marks, tree)]
    assert any(tree.get("a") == b"" for tree in bad)
    assert any(tree.get("a") == b"1" * 4500 for tree in bad)
    assert any("new/folder/b" not in tree for tree in bad)


@pytest.mark.parametrize("folder", [False, True], ids=["file-fsync", "folder-fsync"])
def test_each_fsync_is_needed(recorded: Callable[[str, Tree], list[Op]], folder: bool) -> None:
    """Take away only the fsyncs of files, or only those of folders: each time there are bad states."""
    ops = recorded(_COMMIT, {"a": b"old"})
    folders = {"", "new", "new/folder"}
    kept = [op for op in ops if op.kind != "sync" or (op.path in folders) != folder]
    assert len(kept) < len(ops)
    assert any(_commit_faults(marks, tree) for marks, tree in replay.states({"a": b"old"}, kept))


def _without_temporaries(found: Iterator[tuple[list[bytes], Tree]]) -> Iterator[tuple[list[bytes], Tree]]:
    """The states that differ in more than what no reader sees."""
    seen = set()
    for marks, tree in found:
        seen_files = {path: content for path, content in tree.items() if not is_temporary(Path(path))}
        key = (len(marks), hash(tuple(sorted(seen_files.items()))))
        if key not in seen:
            seen.add(key)
            yield marks, seen_files


def _manifest_faults(marks: list[bytes], tree: Tree, place: Path) -> list[str]:
    """What is wrong with a state of manifest and files, opened as the next command would."""
    for old in place.iterdir():
        old.unlink()
    for name in ("state.sqlite", "state.sqlite-wal", "state.sqlite-journal"):
        if name in tree:
            (place / name).write_bytes(tree[name])
    done = dict(mark.decode().split() for mark in marks)
    faults = []
    with contextlib.closing(sqlite3.connect(place / "state.sqlite")) as db:
        db.execute("PRAGMA synchronous=OFF")
        if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return ["integrity"]
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'units'").fetchone():
            return ["no rows"] if done else []
        files = dict(db.execute("SELECT path, sha256 FROM files").fetchall())
        units = dict(db.execute("SELECT name, key FROM units").fetchall())
    replaced = {"s/one"} if len(marks) in (2, 3) else set()  # between its second rename and its second row
    for path, sha256 in files.items():
        if path not in tree or (hashlib.sha256(tree[path]).hexdigest() != sha256 and path not in replaced):
            faults.append(f"row of {path} names a missing or different file")
    for name, key in done.items():
        if name != "two" or key != "gone":
            faults += [] if units.get(name) == key or (name == "one" and len(marks) == 2) else [f"{name} forgotten"]
    return faults


def test_manifest_leaves_no_bad_state(recorded: Callable[[str, Tree], list[Op]], tmp_path: Path) -> None:
    """After any cut SQLite is whole, no row names a missing or other file, nothing acknowledged is forgotten."""
    place = tmp_path / "place"
    place.mkdir()
    found = list(_without_temporaries(replay.states({}, recorded(_MANIFEST, {}))))
    assert len(found) > 100
    faults = [(marks, sorted(tree), f) for marks, tree in found if (f := _manifest_faults(marks, tree, place))]
    assert faults == []
    assert len(found[-1][0]) == 4


def test_manifest_without_fsync_is_caught(recorded: Callable[[str, Tree], list[Op]], tmp_path: Path) -> None:
    """With SQLite's own synchronisation on and ours off, rows name files that a cut took or tore."""
    place = tmp_path / "place"
    place.mkdir()
    found = _without_temporaries(replay.states({}, recorded(_MUTANT + _MANIFEST, {})))
    assert any("names a missing or different" in f for m, t in found for f in _manifest_faults(m, t, place))


def test_the_model_itself() -> None:
    """Three writes and a rename, by hand: what a cut may leave before and after each fsync."""
    ops = [Op("create", "t"), Op("write", "t", offset=0, data=b"abcd"), Op("rename", "t", "a")]
    found = [tree for _, tree in replay.states({"a": b"old"}, ops)]
    for state in ({"a": b"old"}, {"a": b"old", "t": b""}, {"a": b"old", "t": b"ab"}, {"a": b""}, {"a": b"abcd"}):
        assert state in found
    synced = [*ops[:2], Op("sync", "t"), ops[2]]
    names = {tree["a"] for _, tree in replay.states({"a": b"old"}, synced)}
    assert names == {b"old", b"abcd"}
    whole = [*synced, Op("sync", ""), Op("mark", data=b"x")]
    last = [tree for marks, tree in replay.states({"a": b"old"}, whole) if marks]
    assert last == [{"a": b"abcd"}]
