"""The tables of the frontier, in the workspace's state.sqlite beside the manifest.

What a harvest has booked (documents, requests that are done) changes in the transaction that records its shards, with
synchronous=FULL. What only saves work after a kill (requests found, which of them are under way) is written without an
fsync: a kill does not lose it, and after a power cut the listing that named it is read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from corpus.base.commit import FileRecord
from corpus.base.errors import StorageError
from corpus.base.manifest import Manifest
from corpus.base.workspace import Workspace

__all__ = ["Answer", "Standing", "Store"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS harvests (
    id        INTEGER PRIMARY KEY,
    source    TEXT NOT NULL,
    arguments TEXT NOT NULL,             -- canonical JSON of what was asked for
    state     TEXT NOT NULL,             -- open or finished
    started   TEXT NOT NULL              -- UTC
) STRICT;
CREATE TABLE IF NOT EXISTS runs (        -- of a harvest, from its begin to its end or death
    run     TEXT PRIMARY KEY,
    harvest INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS requests (
    id          INTEGER PRIMARY KEY,     -- harvest * 2^32 + order of arrival
    harvest     INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    state       INTEGER NOT NULL,        -- 0 queued, 1 under way, 2 done, 3 failed, 4 to be asked by a later run
    priority    INTEGER NOT NULL,
    request     TEXT NOT NULL,           -- its written form, empty once it is done
    UNIQUE (harvest, fingerprint)
) STRICT;
CREATE INDEX IF NOT EXISTS requests_next ON requests (harvest, priority DESC, id) WHERE state = 0;
CREATE TABLE IF NOT EXISTS answers (     -- in the archive, and not booked yet
    request INTEGER NOT NULL,
    file    TEXT NOT NULL,
    offset  INTEGER NOT NULL,
    PRIMARY KEY (request, file, offset)
) STRICT;
CREATE TABLE IF NOT EXISTS archives (    -- files that are being written, and how far their records are in `answers`
    file TEXT PRIMARY KEY,               -- relative to the workspace
    size INTEGER NOT NULL                -- bytes
) STRICT;
CREATE TABLE IF NOT EXISTS harvested (   -- documents of a harvest
    harvest  INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (harvest, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pauses (      -- hosts that asked to be left alone
    source TEXT NOT NULL,
    host   TEXT NOT NULL,
    until  REAL NOT NULL,                -- seconds since 1970
    PRIMARY KEY (source, host)
) STRICT;
"""
QUEUED, UNDER_WAY, DONE, FAILED, LATER = range(5)
Answer = tuple[str, int]
"""File of the archive, relative to the workspace, and offset of a record in it."""


@dataclass(frozen=True)
class Standing:
    """Where a harvest stood when it was opened: rows of the frontier by state, and documents committed."""

    resumed: bool
    documents: int
    queued: int
    under_way: int
    done: int


class Store:
    """The frontier of one harvest. Raises StorageError wherever SQLite refuses."""

    def __init__(self, workspace: Workspace) -> None:
        self.manifest = Manifest(workspace)
        self.manifest.extend(_SCHEMA)
        self._db = sqlite3.connect(workspace.state, timeout=60, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA synchronous=NORMAL")
        self.harvest = 0

    def close(self) -> None:
        """Close both connections."""
        self._db.close()
        self.manifest.close()

    def begin(self, source: str, arguments: str, run: str, *, fresh: bool) -> Standing:
        """Open the unfinished harvest of a source and arguments, or a new one; `fresh` forgets the unfinished one.

        That it began is durable before anything is asked: what it leaves behind at a cut can be told to be its own.
        """
        found = self._rows(
            "SELECT id FROM harvests WHERE source = ? AND arguments = ? AND state = 'open' ORDER BY id DESC LIMIT 1",
            source, arguments,
        )  # fmt: skip
        if found and fresh:
            self.harvest = found[0][0]
            self.finish("abandoned")
        elif found:
            self.harvest = found[0][0]
            return self._resume(run)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self.manifest.transaction() as db:
            made = db.execute(
                "INSERT INTO harvests (source, arguments, state, started) VALUES (?, ?, 'open', ?)",
                (source, arguments, now),
            )
            self.harvest = int(made.lastrowid or 0)
            db.execute("INSERT INTO runs VALUES (?, ?)", (run, self.harvest))
        return Standing(resumed=False, documents=0, queued=0, under_way=0, done=0)

    def _resume(self, run: str) -> Standing:
        states = dict(self._rows("SELECT state, count(*) FROM requests WHERE harvest = ? GROUP BY state", self.harvest))
        documents = self._rows("SELECT count(*) FROM harvested WHERE harvest = ?", self.harvest)[0][0]
        with self.manifest.transaction() as db:
            db.execute("INSERT INTO runs VALUES (?, ?)", (run, self.harvest))
            db.execute(
                "UPDATE requests SET state = ? WHERE harvest = ? AND state IN (?, ?)",
                (QUEUED, self.harvest, UNDER_WAY, LATER),
            )
        return Standing(
            resumed=True,
            documents=documents,
            queued=states.get(QUEUED, 0) + states.get(LATER, 0),
            under_way=states.get(UNDER_WAY, 0),
            done=states.get(DONE, 0) + states.get(FAILED, 0),
        )

    def finish(self, state: str = "finished") -> None:
        """Close the harvest: its requests are forgotten, so that the same command begins a new one."""
        with self.manifest.transaction() as db:
            db.execute("UPDATE harvests SET state = ? WHERE id = ?", (state, self.harvest))
            db.execute("DELETE FROM requests WHERE harvest = ?", (self.harvest,))
            db.execute("DELETE FROM runs WHERE harvest = ?", (self.harvest,))
            db.execute("DELETE FROM harvested WHERE harvest = ?", (self.harvest,))
            db.execute("DELETE FROM answers WHERE request BETWEEN ? AND ?", self._span())

    def runs(self) -> list[str]:
        """The runs of this harvest."""
        return [run for (run,) in self._rows("SELECT run FROM runs WHERE harvest = ? ORDER BY run", self.harvest)]

    # ---- requests

    def last_row(self) -> int:
        """The highest id of a request of this harvest that there is."""
        found = self._rows("SELECT max(id) FROM requests WHERE id BETWEEN ? AND ?", *self._span())
        return int(found[0][0] or self._span()[0])

    def _span(self) -> tuple[int, int]:
        return self.harvest << 32, (self.harvest + 1 << 32) - 1

    def knows(self, fingerprint: bytes) -> bool:
        """Whether a request of that fingerprint is in this harvest."""
        return bool(
            self._rows("SELECT 1 FROM requests WHERE harvest = ? AND fingerprint = ?", self.harvest, fingerprint)
        )

    def waiting(self) -> int:
        """Requests that are queued."""
        found = self._rows("SELECT count(*) FROM requests WHERE harvest = ? AND state = 0", self.harvest)
        return int(found[0][0])

    def next(self, after: tuple[int, int], count: int) -> list[tuple[int, int, str]]:
        """The next queued requests behind (-priority, id), in order: (priority, id, written form)."""
        return self._rows(
            "SELECT priority, id, request FROM requests WHERE harvest = ?1 AND state = 0 "
            "AND (priority < ?2 OR (priority = ?2 AND id > ?3)) ORDER BY priority DESC, id LIMIT ?4",
            self.harvest, -after[0], after[1], count,
        )  # fmt: skip

    def put(self, found: Sequence[tuple[int, bytes, int, str]], under_way: int) -> None:
        """Write requests that were found (id, fingerprint, priority, written form), and which one is asked now."""
        rows = [(row, self.harvest, fingerprint, priority, text) for row, fingerprint, priority, text in found]
        with self._quick(one=not rows) as db:
            if rows:
                db.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, 0, ?, ?)", rows)
            db.execute("UPDATE requests SET state = ? WHERE id = ?", (UNDER_WAY, under_way))

    # ---- answers in the archive

    def answers(self) -> dict[int, list[Answer]]:
        """Answers that are in the archive and not booked, by request, in the order in which they came."""
        found: dict[int, list[Answer]] = {}
        query = "SELECT request, file, offset FROM answers WHERE request BETWEEN ? AND ? ORDER BY rowid"
        for request, file, offset in self._rows(query, *self._span()):
            found.setdefault(request, []).append((file, offset))
        return found

    def archives(self) -> dict[str, int]:
        """Files of the archive that no run has closed, and how far they are known."""
        return dict(self._rows("SELECT file, size FROM archives"))

    def take_archive(self, record: FileRecord, answers: Iterable[tuple[int, Answer]]) -> None:
        """Note a file that a dead run left as complete, with the answers found in it, of whatever harvest."""
        file = self.manifest.workspace.relative(record.path)
        rows = [(request, *where) for request, where in answers]

        def also(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM archives WHERE file = ?", (file,))
            db.executemany(
                "INSERT OR IGNORE INTO answers SELECT ?1, ?2, ?3 "
                "WHERE EXISTS (SELECT 1 FROM requests WHERE id = ?1 AND state <> 2)", rows
            )  # fmt: skip

        self.manifest.record([record], also)

    # ---- documents and hosts

    def has_document(self, document: str) -> bool:
        """Whether a document was committed in this harvest."""
        wanted = bytes.fromhex(document)
        return bool(self._rows("SELECT 1 FROM harvested WHERE harvest = ? AND document = ?", self.harvest, wanted))

    def pause(self, source: str, host: str, until: float) -> None:
        """Keep that a host is not asked before a time (seconds since 1970)."""
        with self._quick() as db:
            db.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?, ?)", (source, host, until))

    def pauses(self, source: str, now: float) -> dict[str, float]:
        """Hosts of a source that still want to be left alone, and until when."""
        return dict(self._rows("SELECT host, until FROM pauses WHERE source = ? AND until > ?", source, now))

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"cannot read the frontier: {error}; see that the drive is healthy") from error

    def _quick(self, *, one: bool = False) -> _Quick:
        return _Quick(self._db, one=one)


class _Quick:
    """A transaction that is not waited for until it is on the disk; `one` of a single statement needs no frame."""

    def __init__(self, db: sqlite3.Connection, *, one: bool) -> None:
        self._db, self._one = db, one

    def __enter__(self) -> sqlite3.Connection:
        try:
            if not self._one:
                self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise StorageError(f"cannot write the frontier: {error}; free some space, then run again") from error
        return self._db

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if not self._one:
                self._db.execute("ROLLBACK" if error else "COMMIT")
        except sqlite3.Error as refused:
            raise StorageError(f"cannot write the frontier: {refused}; free some space, then run again") from refused
        if isinstance(error, sqlite3.Error):
            raise StorageError(f"cannot write the frontier: {error}; free some space, then run again") from error
