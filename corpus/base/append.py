"""The one way to append: a file that grows by whole records, is synchronised in groups, and loses its tail at most.

`append` hands a record to the kernel in one write, so a killed process leaves a prefix of records and at most one that
is torn; `sync` makes durable what was appended, after a power cut the rest may be missing or torn. Who reads the file
must tell whole records from torn ones, and `cut` takes the torn tail off.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from corpus.base.commit import FileRecord, commit_bytes, fsync, make_folder, storage_errors

__all__ = ["AppendFile", "cut", "locked"]


class AppendFile:
    """A new file, locked against repair by another process while it is open. Raises StorageError."""

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, 0
        self._digest = hashlib.sha256()
        self._synced = 0
        with storage_errors(path):
            make_folder(path.parent)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            fsync(path.parent)

    def append(self, data: bytes) -> int:
        """Append a record; its offset. A write that the disk refuses leaves the file as it was."""
        offset = self.size
        with storage_errors(self.path):
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, offset)
                raise
        self._digest.update(data)
        self.size += len(data)
        return offset

    def sync(self) -> None:
        """Make durable what was appended."""
        if self._synced < self.size:
            with storage_errors(self.path):
                os.fsync(self._descriptor)
            self._synced = self.size

    def close(self) -> FileRecord:
        """Synchronise and close; the record of the file for the manifest."""
        self.sync()
        stat = os.fstat(self._descriptor)
        os.close(self._descriptor)
        return FileRecord(self.path, self.size, self._digest.hexdigest(), stat.st_mtime_ns)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file; False where another process has it."""
    with storage_errors(path):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def cut(path: Path, size: int, aside: Path) -> int:
    """Take what stands behind `size` bytes off a file and keep it in `aside`; how many bytes it was.

    Raises StorageError.
    """
    with storage_errors(path), path.open("r+b") as file:
        file.seek(size)
        torn = file.read()
        if torn:
            commit_bytes(aside, torn)
            file.truncate(size)
            os.fsync(file.fileno())
    return len(torn)
