"""The manifest."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from corpus.base.commit import FileRecord, commit_bytes
from corpus.base.errors import CorruptFileError, InputError, StorageError
from corpus.base.manifest import Manifest, Unit
from corpus.base.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "data")


def _unit(name: str = "u", outputs: tuple[str, ...] = ("s/a",)) -> Unit:
    return Unit("s", name, "key", outputs, 5, 3, {"short": 2})


def test_record_and_read_back(ws: Workspace) -> None:
    """Files and units come back as they were, also in another connection; paths are stored relative."""
    record = commit_bytes(ws.path("s", "a"), b"one")
    with Manifest(ws) as manifest:
        manifest.finish(_unit(), [record])
    with Manifest(ws) as manifest:
        assert manifest.files() == [record]
        assert manifest.unit("s", "u") == _unit()
        assert manifest.units() == manifest.units("s") == [_unit()]
        assert manifest.unit("s", "other") is None
        assert manifest.units("other") == []
    row = sqlite3.connect(ws.state).execute("SELECT path FROM files").fetchone()
    assert row == ("s/a",)


def test_settings_that_durability_needs(ws: Workspace) -> None:
    """WAL and synchronous=FULL are on."""
    with Manifest(ws) as manifest:
        assert manifest._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert manifest._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_workspace_can_move(ws: Workspace, tmp_path: Path) -> None:
    """After a move to another place everything is still known and intact."""
    with Manifest(ws) as manifest:
        manifest.finish(_unit(), [commit_bytes(ws.path("s", "a"), b"one")])
    moved = Workspace(ws.root.rename(tmp_path / "elsewhere"))
    with Manifest(moved) as manifest:
        assert manifest.intact("s/a")
        assert manifest.files()[0].path == moved.path("s", "a")


def test_all_or_none(ws: Workspace) -> None:
    """Where one row cannot be written, none is: neither the files before it nor the unit."""
    good = commit_bytes(ws.path("s", "a"), b"one")
    bad = FileRecord(ws.path("s", "b"), 1, None, 0)  # type: ignore[arg-type]
    with Manifest(ws) as manifest:
        with pytest.raises(StorageError, match=r"cannot record what was committed"):
            manifest.finish(_unit(), [good, bad])
        with pytest.raises(StorageError):
            manifest.record([good, bad])
        assert manifest.files() == []
        assert manifest.units() == []
        manifest.record([good])
        assert manifest.files() == [good]


def test_intact_sees_every_kind_of_damage(ws: Workspace) -> None:
    """Missing, truncated and altered files are not intact; a mere touch is; deep sees what kept its time."""
    with Manifest(ws) as manifest:
        path = ws.path("s", "a")
        record = commit_bytes(path, b"content")
        assert not manifest.intact("s/a")  # not recorded yet
        manifest.record([record])
        assert manifest.intact("s/a")
        os.utime(path)
        assert manifest.intact("s/a")
        assert manifest.files()[0].mtime_ns == path.stat().st_mtime_ns
        path.write_bytes(b"conteNt")
        assert not manifest.intact("s/a")
        os.utime(path, ns=(0, manifest.files()[0].mtime_ns))
        assert not manifest.intact("s/a", deep=True)
        path.write_bytes(b"conte")
        assert not manifest.intact("s/a")
        path.unlink()
        assert not manifest.intact("s/a")


def test_sha256_of_inputs(ws: Workspace) -> None:
    """An unrecorded file is hashed; a recorded one that changed is a CorruptFileError; a missing one an InputError."""
    path = ws.path("s", "a")
    record = commit_bytes(path, b"content")
    with Manifest(ws) as manifest:
        assert manifest.sha256(path) == record.sha256
        assert manifest.files() == []
        manifest.record([record])
        path.write_bytes(b"other")
        with pytest.raises(CorruptFileError, match=r"not what was committed"):
            manifest.sha256(path)
        path.unlink()
        with pytest.raises(InputError, match=r"cannot read .*No such file"):
            manifest.sha256(path)


def test_quarantine_keeps_the_damaged_file_for_a_person(ws: Workspace) -> None:
    """The file leaves its place whole, its row goes; a second damage of the same name overwrites nothing."""
    path = ws.path("s", "a")
    with Manifest(ws) as manifest:
        kept = []
        for content in (b"bad one", b"bad two"):
            manifest.record([commit_bytes(path, content)])
            target = manifest.quarantine("s/a")
            assert target is not None
            kept.append(target)
            assert not path.exists()
            assert manifest.files() == []
        assert [one.read_bytes() for one in kept] == [b"bad one", b"bad two"]
        assert all(one.parent == ws.path("quarantine") for one in kept)
        assert manifest.quarantine("s/a") is None


def test_forget_and_drop(ws: Workspace) -> None:
    """Forgetting removes rows and files, others stay; drop_unit leaves files."""
    with Manifest(ws) as manifest:
        records = [commit_bytes(ws.path("s", name), b"x") for name in ("a", "b")]
        manifest.finish(_unit(outputs=("s/a", "s/b")), records)
        manifest.forget(["s/a", "s/never"])
        assert manifest.files() == records[1:]
        assert [p.name for p in ws.path("s").iterdir()] == ["b"]
        manifest.drop_unit("s", "u")
        assert manifest.units() == []
        assert ws.path("s", "b").exists()


def test_what_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    """A file where the folder should be, and a state that is no database."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot open .*choose another with --data"):
        Manifest(Workspace(tmp_path / "file"))
    (tmp_path / "state.sqlite").write_bytes(b"not a database, whatever its name" * 100)
    with pytest.raises(StorageError, match=r"move state\.sqlite") as caught:
        Manifest(Workspace(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_state_damaged_within_is_one_clear_line(ws: Workspace) -> None:
    """Damage that only a query meets is a StorageError too."""
    with Manifest(ws) as manifest:
        manifest.record([FileRecord(ws.path(f"s/{n:05d}" + "x" * 200), 1, "0" * 64, 0) for n in range(200)])
    whole = bytearray(ws.state.read_bytes())
    page = 4096
    for number in range(3, len(whole) // page):
        whole[number * page : number * page + 200] = b"\xee" * 200
    ws.state.write_bytes(bytes(whole))
    with Manifest(ws) as manifest, pytest.raises(StorageError, match=r"cannot (read|record)") as caught:
        manifest.files()
    assert "\n" not in str(caught.value)
