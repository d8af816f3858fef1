"""The commit protocol."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.base import commit
from corpus.base.commit import commit_bytes, commit_file, commit_folder, remove_file, sha256_bytes, sha256_file, sweep
from corpus.base.errors import StorageError


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(data=st.binary(max_size=5000))
def test_round_trip(tmp_path: Path, data: bytes) -> None:
    """What is committed is read back, the record tells the truth, and nothing else lies in the folder."""
    record = commit_bytes(tmp_path / "deep" / "er" / "a.bin", data)
    assert record.path.read_bytes() == data
    assert (record.size, record.sha256) == (len(data), sha256_bytes(data))
    assert record.sha256 == sha256_file(record.path)
    assert record.mtime_ns == record.path.stat().st_mtime_ns
    assert _names(tmp_path / "deep") == ["a.bin", "er"]


def test_replaced_as_a_whole(tmp_path: Path) -> None:
    """A reader that opened the old file goes on reading it; the name gives the new one."""
    path = tmp_path / "a"
    commit_bytes(path, b"old" * 1000)
    with path.open("rb") as reader:
        commit_bytes(path, b"new")
        assert reader.read() == b"old" * 1000
    assert path.read_bytes() == b"new"


def test_the_order_of_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File fsync, then rename, then folder fsync: watched on the real calls."""
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        seen.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() else "file")
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        assert source.parent == target.parent
        assert commit.is_temporary(source)
        seen.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    commit_bytes(tmp_path / "a", b"x")
    assert seen == ["file", "rename", "folder"]


def test_new_folders_are_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder made on the way is entered durably in the one above it."""
    synced: list[Path] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    commit_bytes(tmp_path / "x" / "y" / "a", b"1")
    assert synced[:2] == [tmp_path, tmp_path / "x"]
    assert synced[-1] == tmp_path / "x" / "y"


def test_a_failed_write_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """An exception in the writer comes through; the old content stands, no temporary file is left."""
    commit_bytes(tmp_path / "a", b"old")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise KeyError("stop")

    with pytest.raises(KeyError):
        commit_file(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_a_failed_fsync_is_an_error_and_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed fsync may have lost the data: one call, a StorageError, nothing renamed."""
    commit_bytes(tmp_path / "a", b"old")
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageError, match="Input/output error"):
        commit_bytes(tmp_path / "a", b"new")
    assert len(calls) == 1
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_a_full_device_is_one_clear_line(tmp_path: Path) -> None:
    """ENOSPC (from /dev/full) says where and what to do."""

    def write(temporary: Path) -> None:
        temporary.touch()
        with open("/dev/full", "wb", buffering=0) as file:  # noqa: PTH123  a device, not a file
            file.write(b"x")

    with pytest.raises(StorageError) as caught:
        commit_file(tmp_path / "a", write)
    assert str(tmp_path / "a") in str(caught.value)
    assert "No space left on device; free some space" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _names(tmp_path) == []


def _limit_files() -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_a_file_size_limit_is_one_clear_line(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stops a write in the middle: StorageError, the old content stands."""
    commit_bytes(tmp_path / "a", b"old")
    code = """
import sys; from pathlib import Path
from corpus.base.commit import commit_bytes; from corpus.base.errors import StorageError
try: commit_bytes(Path(sys.argv[1]), b"x" * 5000)
except StorageError as error: print(error); sys.exit(error.exit_code)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, preexec_fn=_limit_files,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "File too large; this file system or a limit" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_what_stands_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    """A folder in the place of the file, and a file in the place of a folder."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="a folder stands there"):
        commit_bytes(tmp_path / "folder", b"x")
    commit_bytes(tmp_path / "file", b"x")
    with pytest.raises(StorageError, match="cannot write"):
        commit_bytes(tmp_path / "file" / "a", b"x")
    assert _names(tmp_path) == ["file", "folder"]


def _temporary(folder: Path, host: str, pid: int) -> Path:
    path = folder / f".a.parquet.tmp-{host}-{pid}-0123abcd"
    path.write_bytes(b"half")
    return path


def _dead_pid() -> int:
    with subprocess.Popen(["true"]) as child:
        child.wait()
        return child.pid


def test_sweep_removes_what_the_dead_left(tmp_path: Path) -> None:
    """Temporaries of dead processes of this host go; those of live ones, of other hosts and plain files stay."""
    host = socket.gethostname()
    (tmp_path / "deep").mkdir()
    dead = [_temporary(tmp_path / "deep", host, _dead_pid()), _temporary(tmp_path, host, os.getpid())]
    stay = [_temporary(tmp_path, host, os.getppid()), _temporary(tmp_path, "other-host", 1), tmp_path / "a.tmp-x"]
    stay[-1].touch()
    folder = tmp_path / f".model.tmp-{host}-{_dead_pid()}-00000000"
    (folder / "inner").mkdir(parents=True)
    assert set(sweep(tmp_path)) == {*dead, folder}
    assert all(path.exists() for path in stay)
    assert not folder.exists()


def test_sweep_knows_the_dead_that_nobody_has_asked_after(tmp_path: Path) -> None:
    """A zombie writes no more: in a container without an init that is all that a killed worker becomes."""
    with subprocess.Popen(["true"]) as child:
        left = _temporary(tmp_path, socket.gethostname(), child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays unreaped
        assert sweep(tmp_path) == [left]


def test_sweep_leaves_a_commit_of_this_process_alone(tmp_path: Path) -> None:
    """A sweep in the middle of our own commit does not take its file away."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"x")
        assert sweep(tmp_path) == []

    commit_file(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"x"


def test_folder_round_trip_and_replacement(tmp_path: Path) -> None:
    """A folder is replaced as a whole; records name every file in it; nothing else is left."""

    def write(*names: str) -> list[str]:
        def fill(temporary: Path) -> None:
            for name in names:
                (temporary / name).parent.mkdir(exist_ok=True)
                (temporary / name).write_text(name)

        return [r.path.relative_to(tmp_path).as_posix() for r in commit_folder(tmp_path / "model", fill)]

    assert write("b", "sub/a") == ["model/b", "model/sub/a"]
    assert write("c") == ["model/c"]
    assert _names(tmp_path) == ["c", "model"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing, or the second rename, fails, the old folder stands."""
    commit_folder(tmp_path / "m", lambda folder: (folder / "old").touch())

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="free some space"):
        commit_folder(tmp_path / "m", fail)
    assert _names(tmp_path) == ["m", "old"]
    rename, calls = Path.rename, []

    def second_fails(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(StorageError):
        commit_folder(tmp_path / "m", lambda folder: (folder / "new").touch())
    assert _names(tmp_path) == ["m", "old"]


def test_remove_file(tmp_path: Path) -> None:
    """Removing is durable and may be repeated; a folder that is gone is no error."""
    commit_bytes(tmp_path / "a", b"x")
    remove_file(tmp_path / "a")
    remove_file(tmp_path / "a")
    remove_file(tmp_path / "gone" / "a")
    assert _names(tmp_path) == []
