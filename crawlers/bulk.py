"""Files too large for one answer (a dump of 4 to 25 GB): asked for in pieces, each a committed file.

Memory holds one piece. A kill loses the piece under way and no other: the next run goes on after the last whole one.
A site without Range support answers with the whole file, which then is the only piece.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from pathlib import Path
from typing import Any, BinaryIO

from corpus.base.commit import commit_bytes
from corpus.base.manifest import Manifest
from corpus.base.workspace import Workspace

__all__ = ["PIECE", "BulkFile", "total_of"]

PIECE = 32 * 2**20  # bytes asked for at once
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class BulkFile:
    """A file below `downloads/<source>/<name>/`, in pieces named by their offset."""

    def __init__(self, workspace: Workspace, source: str, name: str) -> None:
        self.workspace = workspace
        self.folder = workspace.path("downloads", source, name)

    @classmethod
    def newest(cls, workspace: Workspace, source: str, pattern: str) -> BulkFile | None:
        """The file here whose name is the last of those that fit a pattern."""
        names = sorted(path.name for path in workspace.path("downloads", source).glob(pattern))
        return cls(workspace, source, names[-1]) if names else None

    def pieces(self) -> list[Path]:
        """The pieces without a gap from the start."""
        found = sorted((int(path.stem), path) for path in self.folder.glob("[0-9]*.piece"))
        whole: list[Path] = []
        at = 0
        for offset, path in found:
            if offset != at:
                break
            whole.append(path)
            at += path.stat().st_size
        return whole

    @property
    def size(self) -> int:
        """Bytes that are here, from the start."""
        return sum(path.stat().st_size for path in self.pieces())

    def add(self, offset: int, data: bytes) -> None:
        """Commit a piece. Raises StorageError."""
        with Manifest(self.workspace) as manifest:
            manifest.record([commit_bytes(self.folder / f"{offset:015d}.piece", data)])

    def holds(self, offset: int, data: bytes) -> bool:
        """Whether these very bytes are here already."""
        path = self.folder / f"{offset:015d}.piece"
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data

    def discard(self) -> None:
        """Remove all pieces: they are not of one file."""
        with Manifest(self.workspace) as manifest:
            manifest.forget([self.workspace.relative(path) for path in self.folder.glob("[0-9]*.piece")])

    def digest(self, algorithm: str) -> str:
        """A hash over all pieces, in hex."""
        digest = hashlib.new(algorithm)
        for path in self.pieces():
            with path.open("rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
        return digest.hexdigest()

    def open(self) -> BinaryIO:
        """The pieces as one stream."""
        return io.BufferedReader(_Stream(self.pieces()), 2**20)


class _Stream(io.RawIOBase):
    """Files one after another, read as one; seekable, as readers that look at the first bytes need it."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__()
        sizes = [path.stat().st_size for path in paths]
        self._parts = list(zip(itertools.accumulate(sizes, initial=0), sizes, paths, strict=False))
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be moved in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset from the start, the current place or the end."""
        size = sum(part[1] for part in self._parts)
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the piece at the current place; 0 at the end."""
        for start, size, path in self._parts:
            if start <= self._at < start + size:
                with path.open("rb") as file:
                    file.seek(self._at - start)
                    count = file.readinto(buffer)
                self._at += count
                return count
        return 0


def total_of(content_range: str) -> tuple[int, int] | None:
    """First byte and whole size of a Content-Range header.

    >>> total_of("bytes 0-99/1234")
    (0, 1234)
    """
    match = _RANGE.fullmatch(content_range.strip())
    return (int(match[1]), int(match[3])) if match else None
