"""The one way to write: the only code of the project that commits a file.

Protocol (design rule 2): a temporary name in the same folder that holds host, pid and a random part; write; fsync the
file; rename; fsync the folder. A reader sees the old file or the new one, never a part of either, also after a power
cut: without the last fsync ext4 and XFS may bring the old name back.

A failed fsync is never repeated: the kernel may have marked the page clean, so a second fsync would report success for
data that is lost. The error is raised and the temporary file removed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.base.errors import StorageError

__all__ = [
    "FileRecord",
    "commit_bytes",
    "commit_file",
    "commit_folder",
    "fsync",
    "is_temporary",
    "make_folder",
    "record_of",
    "remove_file",
    "scratch_folder",
    "sha256_bytes",
    "sha256_file",
    "storage_errors",
    "sweep",
]

_MARK = ".tmp-"
_under_way: set[str] = set()  # temporary names that this process is writing now
_HINTS = {
    errno.ENOSPC: "free some space or choose another drive with --data, then run the same command again",
    errno.EDQUOT: "raise the quota or choose another drive with --data, then run the same command again",
    errno.EROFS: "the file system is read-only; choose another folder with --data",
    errno.EFBIG: "this file system or a limit (ulimit -f) forbids files of that size; choose another with --data",
    errno.EISDIR: "a folder stands there; move it away or choose another name",
    errno.EACCES: "no permission; choose another folder with --data or change its rights",
}


@dataclass(frozen=True)
class FileRecord:
    """A committed file: absolute path, size in bytes, SHA-256 in hex, modification time in ns."""

    path: Path
    size: int
    sha256: str
    mtime_ns: int


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_of(path: Path) -> FileRecord:
    """The record of a file as it stands now."""
    stat = path.stat()
    return FileRecord(path, stat.st_size, sha256_file(path), stat.st_mtime_ns)


def commit_file(path: Path, write: Callable[[Path], None]) -> FileRecord:
    """Let `write` fill a temporary file and put it durably in the place of `path`.

    Raises StorageError where the file system refuses; then nothing changed and no temporary file is left.
    """
    with storage_errors(path), _temporary(path) as temporary:
        make_folder(path.parent)
        try:
            write(temporary)
            fsync(temporary)
            record = record_of(temporary)
            os.replace(temporary, path)  # noqa: PTH105  one rename(2), the same call strace sees
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        fsync(path.parent)
    return FileRecord(path, record.size, record.sha256, record.mtime_ns)


def commit_bytes(path: Path, data: bytes) -> FileRecord:
    """Commit a file that holds exactly `data`."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    return commit_file(path, write)


def commit_folder(path: Path, write: Callable[[Path], None]) -> list[FileRecord]:
    """Let `write` fill a temporary folder and put it durably in the place of `path`, replacing a folder there.

    rename(2) cannot replace a folder that is not empty, so the old one is moved aside first; a kill between the two
    renames leaves the name free and the caller, who finds no unit recorded, builds it again.
    """
    with storage_errors(path), _temporary(path) as temporary, _temporary(path) as old:
        make_folder(path.parent)
        try:
            temporary.mkdir()
            write(temporary)
            for item in sorted(temporary.rglob("*"), reverse=True):
                fsync(item)
            fsync(temporary)
            if path.exists():
                path.rename(old)
            temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            if old.exists() and not path.exists():
                old.rename(path)
            raise
        fsync(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    return [record_of(item) for item in sorted(path.rglob("*")) if item.is_file()]


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A folder of this process alone, beside `path`, for what need not outlive it; `sweep` removes a dead one's."""
    with storage_errors(path), _temporary(path) as temporary:
        temporary.mkdir(parents=True)
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_file(path: Path) -> None:
    """Remove a file durably; a missing one is no error."""
    with storage_errors(path):
        path.unlink(missing_ok=True)
        if path.parent.exists():
            fsync(path.parent)


def is_temporary(path: Path) -> bool:
    """Whether this is the temporary name of a commit under way, or of one that a kill interrupted."""
    return _MARK in path.name


def sweep(folder: Path) -> list[Path]:
    """Remove temporary files below `folder` whose process, on this machine, is dead; say which."""
    removed = []
    for path in sorted(folder.rglob(f".*{_MARK}*")):
        if not path.exists() or not _abandoned(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        removed.append(path)
    return removed


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}{_MARK}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A temporary name that `sweep` in this process leaves alone while it is in use."""
    temporary = _temporary_name(path)
    _under_way.add(temporary.name)
    try:
        yield temporary
    finally:
        _under_way.discard(temporary.name)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents durably: without an fsync of what holds it, a power cut takes it back."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync(folder.parent)


def _abandoned(path: Path) -> bool:
    host, _, rest = path.name.rpartition(_MARK)[2].rpartition("-")[0].rpartition("-")
    if path.name in _under_way:
        return False
    if host == socket.gethostname() and rest == str(os.getpid()):
        return True  # left by a dead process that had our number, as in a container where every run is process 1
    if host != socket.gethostname() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _zombie(int(rest))


def _zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has asked how: a container without an init leaves orphans so."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False  # no /proc, or gone this moment
    return state.rpartition(")")[2].split()[0] == "Z"


def fsync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the file system says into a StorageError with a hint."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "see that the drive is healthy, then run the same command again")
        raise StorageError(f"cannot write {path}: {error.strerror or error}; {hint}") from error
