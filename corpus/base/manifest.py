"""What has been committed, in SQLite: one row a file (size, SHA-256), one row a unit of work.

WAL with synchronous=FULL: a row that a caller saw committed is there after a power cut. A file is renamed into place
before its row is written, so the manifest never names a file that is not there; a file without a row is simply made
again, with the same bytes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from corpus.base.commit import FileRecord, remove_file, sha256_file
from corpus.base.errors import CorruptFileError, InputError, StorageError
from corpus.base.workspace import Workspace

__all__ = ["Manifest", "Unit"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path     TEXT PRIMARY KEY,          -- relative to the workspace
    size     INTEGER NOT NULL,          -- bytes
    sha256   TEXT NOT NULL,
    mtime_ns INTEGER NOT NULL           -- an unchanged size and time spare the re-hash
) STRICT;
CREATE TABLE IF NOT EXISTS units (
    stage    TEXT NOT NULL,
    name     TEXT NOT NULL,
    key      TEXT NOT NULL,             -- SHA-256 of stage, code version, configuration, input hashes
    outputs  TEXT NOT NULL,             -- JSON list of relative paths
    rows_in  INTEGER NOT NULL,
    kept     INTEGER NOT NULL,
    dropped  TEXT NOT NULL,             -- JSON object: reason -> rows
    PRIMARY KEY (stage, name)
) STRICT;
"""


@dataclass(frozen=True)
class Unit:
    """A finished unit of work: what made it (key), what it made (relative paths), and its rows."""

    stage: str
    name: str
    key: str
    outputs: tuple[str, ...]
    rows_in: int
    kept: int
    dropped: Mapping[str, int]


class Manifest:
    """The manifest of one workspace; use as a context manager. Raises StorageError where the state cannot be opened."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        try:
            workspace.root.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(workspace.state, timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            hint = _hint(error, "make the folder writable, or choose another with --data")
            raise StorageError(f"cannot open {workspace.state}: {error}; {hint}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def extend(self, schema: str) -> None:
        """Make tables of another part, whose rows commit together with those of files. Raises StorageError."""
        try:
            self._db.executescript(schema)
        except sqlite3.Error as error:
            hint = _hint(error, "see that no other command holds it, then run again")
            raise StorageError(f"cannot open {self.workspace.state}: {error}; {hint}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction over the manifest and the tables of `extend`. Raises StorageError."""
        with self._transaction():
            yield self._db

    def record(self, files: Iterable[FileRecord], also: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """Record committed files, and what `also` writes beside them, all or none."""
        with self._transaction():
            self._put_files(files)
            if also is not None:
                also(self._db)

    def finish(self, unit: Unit, files: Iterable[FileRecord]) -> None:
        """Record a finished unit and its files in one transaction."""
        with self._transaction():
            self._put_files(files)
            self._db.execute(
                "INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?, ?)",
                (unit.stage, unit.name, unit.key, json.dumps(unit.outputs), unit.rows_in, unit.kept,
                 json.dumps(dict(sorted(unit.dropped.items())))),
            )  # fmt: skip

    def unit(self, stage: str, name: str) -> Unit | None:
        """The unit of that name, if it was ever finished."""
        rows = self._rows("SELECT * FROM units WHERE stage = ? AND name = ?", stage, name)
        return _unit(rows[0]) if rows else None

    def units(self, stage: str | None = None) -> list[Unit]:
        """All finished units, of one stage or of all, by stage and name."""
        rows = self._rows("SELECT * FROM units WHERE ?1 IS NULL OR stage = ?1 ORDER BY stage, name", stage)
        return [_unit(row) for row in rows]

    def files(self) -> list[FileRecord]:
        """All recorded files, by path."""
        rows = self._rows("SELECT path, size, sha256, mtime_ns FROM files ORDER BY path")
        return [FileRecord(self.workspace.path(path), size, sha256, mtime_ns) for path, size, sha256, mtime_ns in rows]

    def sha256(self, path: Path) -> str:
        """The hash of a file as it stands: from the manifest while size and time are unchanged, else read anew.

        Raises CorruptFileError where a recorded file no longer has its recorded content, InputError where the file
        is missing or unreadable.
        """
        rows = self._rows("SELECT size, sha256, mtime_ns FROM files WHERE path = ?", self.workspace.relative(path))
        row = rows[0] if rows else None
        try:
            stat = path.stat()
            if row and (row[0], row[2]) == (stat.st_size, stat.st_mtime_ns):
                return str(row[1])
            sha256 = sha256_file(path)
        except OSError as error:
            raise InputError(
                f"cannot read {path}: {error.strerror}; run the command that made it, and see that the drive is healthy"
            ) from error
        if row and sha256 != row[1]:
            raise CorruptFileError(f"{path}: its content is not what was committed; run the command that made it again")
        if row:
            self.record([FileRecord(path, stat.st_size, sha256, stat.st_mtime_ns)])
        return sha256

    def intact(self, relative: str, *, deep: bool = False) -> bool:
        """Whether a recorded file still has its recorded content; `deep` reads it whatever its time says."""
        path = self.workspace.path(relative)
        rows = self._rows("SELECT sha256 FROM files WHERE path = ?", relative)
        if not rows or not path.is_file():
            return False
        try:
            return (sha256_file(path) if deep else self.sha256(path)) == str(rows[0][0])
        except (InputError, OSError):
            return False

    def quarantine(self, relative: str) -> Path | None:
        """Move a damaged file out of every reader's way, to quarantine/, and forget its row; where it is now.

        A file without a row is left: a killed run committed it, nothing says that it is damaged, and it is made again.
        """
        path = self.workspace.path(relative)
        if not self._rows("SELECT 1 FROM files WHERE path = ?", relative):
            return None
        target = None
        if path.is_file():
            try:
                target = self.workspace.path("quarantine", f"{relative.replace('/', '-')}.{sha256_file(path)[:12]}")
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
            except OSError as error:
                raise StorageError(f"cannot move the damaged {path} away: {error.strerror}; move it by hand") from error
        with self._transaction():
            self._db.execute("DELETE FROM files WHERE path = ?", (relative,))
        return target

    def forget(self, relatives: Sequence[str]) -> None:
        """Remove files and their rows: rows first, so that no row names a missing file."""
        with self._transaction():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(relative,) for relative in relatives])
        for relative in relatives:
            remove_file(self.workspace.path(relative))

    def drop_unit(self, stage: str, name: str) -> None:
        """Forget that a unit was finished; its files stay."""
        with self._transaction():
            self._db.execute("DELETE FROM units WHERE stage = ? AND name = ?", (stage, name))

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            hint = _hint(error, "see that no other command holds it, then run again")
            raise StorageError(f"cannot read {self.workspace.state}: {error}; {hint}") from error

    def _put_files(self, files: Iterable[FileRecord]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
            [(self.workspace.relative(file.path), file.size, file.sha256, file.mtime_ns) for file in files],
        )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT; a failure of SQLite becomes a StorageError."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._run("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._run("COMMIT")
            return
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            hint = _hint(error, "free some space, then run the same command again")
            raise StorageError(f"cannot record what was committed: {error}; {hint}") from error

    def _run(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            hint = _hint(error, "free some space, then run the same command again")
            raise StorageError(f"cannot record what was committed: {error}; {hint}") from error


def _hint(error: Exception, otherwise: str) -> str:
    """What to do: a file that is no sound database is of no use, whatever the call that met it."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return "move state.sqlite* away; the next run makes everything again from the documents"
    return otherwise


def _unit(row: tuple[str, str, str, str, int, int, str]) -> Unit:
    stage, name, key, outputs, rows_in, kept, dropped = row
    return Unit(stage, name, key, tuple(json.loads(outputs)), rows_in, kept, json.loads(dropped))
